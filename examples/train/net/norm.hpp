#pragma once

#include "net/layer.hpp"
#include "net/parallel.hpp"

#include <string>
#include <vector>

namespace tiny {

struct BatchNormOptions {
  double momentum = 0.1;  // share of the newest batch in the running statistics
  double epsilon = 1e-5;
};

// Batch normalisation of each channel over samples and pixels. The running variance is the unbiased
// estimate, the batch is normalised by the biased one.
// Source: Ioffe and Szegedy, "Batch normalization", 2015.
template <typename Scalar>
class BatchNorm final : public Layer<Scalar> {
 public:
  explicit BatchNorm(Shape in, BatchNormOptions options = {})
      : Layer<Scalar>(in, in),
        options_(options),
        scale_(Row::Ones(in.channels)),
        shift_(Row::Zero(in.channels)),
        scale_gradient_(Row::Zero(in.channels)),
        shift_gradient_(Row::Zero(in.channels)),
        running_mean_(Row::Zero(in.channels)),
        running_variance_(Row::Ones(in.channels)),
        line_(line_size(in)) {}

  std::string name() const override { return "batch_norm"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode mode) override {
    y.resize(x.rows(), x.cols());
    if (mode == Mode::train) {
      update_statistics(x);
    } else {
      mean_ = running_mean_;
      inverse_deviation_ = inverse_deviation(running_variance_);
    }
    const Row slope = repeated(inverse_deviation_ * scale_);
    const Row offset = repeated(shift_ - mean_ * inverse_deviation_ * scale_);
    for_each_sample(x.rows(), [&](Index i) {
      for (Index k = 0; k < x.cols(); k += line_) {
        line(y, i, k) = line(x, i, k) * slope + offset;
      }
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& /*y*/, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    const Row mean = repeated(mean_);
    const auto [sum, product] = sums(x.rows(), [&](Index i, Row& first, Row& second) {
      for (Index k = 0; k < x.cols(); k += line_) {
        first += line(dy, i, k);
        second += (line(x, i, k) - mean) * line(dy, i, k);
      }
    });
    shift_gradient_ = sum.template cast<Scalar>();
    scale_gradient_ = inverse_deviation_ * product.template cast<Scalar>();
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    // dx = slope (dy - mean(dy) - x^ mean(x^ dy)) with x^ = (x - mean) inverse_deviation
    const auto count = static_cast<Scalar>(x.rows() * this->in().pixels());
    const Row slope = inverse_deviation_ * scale_;
    const Row tilt = -slope * inverse_deviation_ * scale_gradient_ / count;
    const Row offset = repeated(-slope * shift_gradient_ / count - mean_ * tilt);
    const Row slopes = repeated(slope);
    const Row tilts = repeated(tilt);
    for_each_sample(x.rows(), [&](Index i) {
      for (Index k = 0; k < x.cols(); k += line_) {
        line(*dx, i, k) = line(dy, i, k) * slopes + line(x, i, k) * tilts + offset;
      }
    });
  }

  void collect(const std::string& prefix, Tensors<Scalar>& tensors) override {
    const Index n = this->in().channels;
    tensors.push_back(
        {prefix + "scale", as_span(scale_.data(), n), as_span(scale_gradient_.data(), n), false});
    tensors.push_back(
        {prefix + "shift", as_span(shift_.data(), n), as_span(shift_gradient_.data(), n), false});
    tensors.push_back({prefix + "running_mean", as_span(running_mean_.data(), n), {}, false});
    tensors.push_back(
        {prefix + "running_variance", as_span(running_variance_.data(), n), {}, false});
  }

 private:
  using Row = Eigen::Array<Scalar, 1, Eigen::Dynamic>;
  using Total = Eigen::Array<double, 1, Eigen::Dynamic>;
  struct Totals {
    Total first, second;
  };

  // Some whole pixels of a sample, from position k on.
  Eigen::Map<Row> line(Matrix<Scalar>& x, Index sample, Index k) const {
    return {x.row(sample).data() + k, line_};
  }
  Eigen::Map<const Row> line(const Matrix<Scalar>& x, Index sample, Index k) const {
    return {x.row(sample).data() + k, line_};
  }

  // As many pixels as make a line long enough for vectors, and divide a sample.
  static Index line_size(const Shape& in) {
    Index pixels = 1;
    while (in.pixels() % (2 * pixels) == 0 && 2 * pixels * in.channels <= 128) pixels *= 2;
    return pixels * in.channels;
  }

  // A number per channel for each place of a line.
  Row repeated(const Row& channels) const { return channels.replicate(1, line_ / channels.size()); }

  Row inverse_deviation(const Row& variance) const {
    return (variance + static_cast<Scalar>(options_.epsilon)).rsqrt();
  }

  // Two sums over samples and pixels: add(i, first, second) adds those of sample i, a number for each
  // place of a line. What a sample adds up to is kept in double.
  template <typename Function>
  const Totals& sums(Index samples, const Function& add) {
    totals_.resize(static_cast<std::size_t>(chunk_count(samples)));
    parallel_chunks(samples, [&](Index begin, Index end, Index chunk) {
      Totals& total = totals_[static_cast<std::size_t>(chunk)];
      total = {Total::Zero(this->in().channels), Total::Zero(this->in().channels)};
      Row first(line_), second(line_);
      for (Index i = begin; i < end; ++i) {
        first.setZero();
        second.setZero();
        add(i, first, second);
        for (Index k = 0; k < line_; k += this->in().channels) {
          total.first += first.segment(k, this->in().channels).template cast<double>();
          total.second += second.segment(k, this->in().channels).template cast<double>();
        }
      }
    });
    for (std::size_t i = 1; i < totals_.size(); ++i) {
      totals_[0].first += totals_[i].first;
      totals_[0].second += totals_[i].second;
    }
    return totals_[0];
  }

  // Mean and variance in one pass, as deviations from the first sample's means, so that nothing
  // cancels where values lie far from zero.
  void update_statistics(const Matrix<Scalar>& x) {
    const Index count = x.rows() * this->in().pixels();
    if (count < 2) bad_argument("batch normalisation needs two values per channel to train");
    Row near = Row::Zero(this->in().channels);
    for (Index k = 0; k < x.cols(); k += this->in().channels) {
      near += Eigen::Map<const Row>(x.data() + k, this->in().channels);
    }
    near /= static_cast<Scalar>(this->in().pixels());
    const Row pivot = repeated(near);
    const auto [sum, squares] = sums(x.rows(), [&](Index i, Row& first, Row& second) {
      for (Index k = 0; k < x.cols(); k += line_) {
        first += line(x, i, k) - pivot;
        second += (line(x, i, k) - pivot).square();
      }
    });
    const auto n = static_cast<double>(count);
    const Total shift = sum / n;
    mean_ = near + shift.template cast<Scalar>();
    const Row variance = (squares / n - shift.square()).max(0.0).template cast<Scalar>();
    inverse_deviation_ = inverse_deviation(variance);
    const auto share = static_cast<Scalar>(options_.momentum);
    running_mean_ += share * (mean_ - running_mean_);
    running_variance_ += share * (variance * static_cast<Scalar>(n / (n - 1)) - running_variance_);
  }

  BatchNormOptions options_;
  Row scale_, shift_, scale_gradient_, shift_gradient_;
  Row running_mean_, running_variance_;
  Row mean_, inverse_deviation_;  // of the latest forward()
  Index line_;                    // scalars that are worked on at once
  std::vector<Totals> totals_;    // one per thread
};

}  // namespace tiny
