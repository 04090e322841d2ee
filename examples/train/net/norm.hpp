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
        running_variance_(Row::Ones(in.channels)) {}

  std::string name() const override { return "batch_norm"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode mode) override {
    y.resize(x.rows(), x.cols());
    if (mode == Mode::train) {
      update_statistics(x);
    } else {
      mean_ = running_mean_;
      inverse_deviation_ = inverse_deviation(running_variance_);
    }
    const Row slope = inverse_deviation_ * scale_;
    const Row offset = shift_ - mean_ * slope;
    for_each_sample(x.rows(), [&](Index i) {
      pixels(y, i) = (pixels(x, i).rowwise() * slope).rowwise() + offset;
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& /*y*/, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    shift_gradient_ = sum(x.rows(), [&](Index i) { return pixels(dy, i).colwise().sum(); });
    scale_gradient_ = inverse_deviation_ * sum(x.rows(), [&](Index i) {
                        return ((pixels(x, i).rowwise() - mean_) * pixels(dy, i)).colwise().sum();
                      });
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    // dx = slope (dy - mean(dy) - x^ mean(x^ dy)) with x^ = (x - mean) inverse_deviation
    const auto count = static_cast<Scalar>(x.rows() * this->in().pixels());
    const Row slope = inverse_deviation_ * scale_;
    const Row tilt = -slope * inverse_deviation_ * scale_gradient_ / count;
    const Row offset = -slope * shift_gradient_ / count - mean_ * tilt;
    for_each_sample(x.rows(), [&](Index i) {
      pixels(*dx, i) =
          (pixels(dy, i).rowwise() * slope + pixels(x, i).rowwise() * tilt).rowwise() + offset;
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
  using Pixels = Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  Eigen::Map<Pixels> pixels(Matrix<Scalar>& x, Index sample) const {
    return {x.row(sample).data(), this->in().pixels(), this->in().channels};
  }
  Eigen::Map<const Pixels> pixels(const Matrix<Scalar>& x, Index sample) const {
    return {x.row(sample).data(), this->in().pixels(), this->in().channels};
  }

  Row inverse_deviation(const Row& variance) const {
    return (variance + static_cast<Scalar>(options_.epsilon)).rsqrt();
  }

  // Sum over samples of the row f(sample).
  template <typename Function>
  const Row& sum(Index samples, const Function& f) {
    sums_.resize(static_cast<std::size_t>(chunk_count(samples)));
    parallel_chunks(samples, [&](Index begin, Index end, Index chunk) {
      Row& part = sums_[static_cast<std::size_t>(chunk)];
      part.setZero(this->in().channels);
      for (Index i = begin; i < end; ++i) part += f(i);
    });
    for (std::size_t i = 1; i < sums_.size(); ++i) sums_[0] += sums_[i];
    return sums_[0];
  }

  void update_statistics(const Matrix<Scalar>& x) {
    const Index count = x.rows() * this->in().pixels();
    if (count < 2) bad_argument("batch normalisation needs two values per channel to train");
    const auto n = static_cast<Scalar>(count);
    mean_ = sum(x.rows(), [&](Index i) { return pixels(x, i).colwise().sum(); }) / n;
    const Row variance =
        sum(x.rows(),
            [&](Index i) { return (pixels(x, i).rowwise() - mean_).square().colwise().sum(); }) /
        n;
    inverse_deviation_ = inverse_deviation(variance);
    const auto share = static_cast<Scalar>(options_.momentum);
    running_mean_ += share * (mean_ - running_mean_);
    running_variance_ += share * (variance * (n / (n - 1)) - running_variance_);
  }

  BatchNormOptions options_;
  Row scale_, shift_, scale_gradient_, shift_gradient_;
  Row running_mean_, running_variance_;
  Row mean_, inverse_deviation_;  // of the latest forward()
  std::vector<Row> sums_;         // one per thread
};

}  // namespace tiny
