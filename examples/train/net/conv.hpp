#pragma once

#include "net/layer.hpp"
#include "net/parallel.hpp"
#include "rng.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace tiny {

struct ConvOptions {
  Index channels = 1;
  Index kernel = 3;
  Index stride = 1;
  Index padding = 0;
  bool bias = true;
};

// Convolution with a square kernel as a product: patches (output pixels x kernel*kernel*channels)
// times weights. A bias is one more weight row, met by a column of ones in the patches. Patches are
// made for a few samples at a time, so that they stay in cache, and again in backward().
template <typename Scalar>
class Conv final : public Layer<Scalar> {
 public:
  Conv(Shape in, ConvOptions options, Rng& rng)
      : Layer<Scalar>(in, output_shape(in, options)),
        options_(options),
        run_(options.kernel * in.channels),
        taps_(options.kernel * run_),
        columns_(taps_ + (options.bias ? 1 : 0)),
        padded_width_(in.width + 2 * options.padding),
        padded_size_(padded_width_ * (in.height + 2 * options.padding) * in.channels),
        group_(std::max<Index>(1, patch_budget / (this->out().pixels() * columns_))),
        weights_(Matrix<Scalar>::Zero(columns_, options.channels)),
        gradient_(Matrix<Scalar>::Zero(columns_, options.channels)) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(taps_));  // Kaiming, for ReLU
    for (Scalar& w : as_span(weights_.data(), taps_ * options.channels)) {
      w = static_cast<Scalar>(deviation * rng.normal());
    }
  }

  std::string name() const override { return "conv"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), this->out().size());
    prepare(x.rows());
    for_each_group(x.rows(), [&](Index first, Index samples, Workspace& work) {
      gather(x, first, samples, work);
      const Index rows = samples * this->out().pixels();
      Eigen::Map<Matrix<Scalar>> out(y.row(first).data(), rows, options_.channels);
      out.noalias() = patches(work, rows) * weights_;
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& /*y*/, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dx != nullptr) dx->resize(x.rows(), x.cols());
    prepare(x.rows());
    for (Workspace& work : workspaces_) work.gradient.setZero(columns_, options_.channels);
    for_each_group(x.rows(), [&](Index first, Index samples, Workspace& work) {
      gather(x, first, samples, work);
      const Index rows = samples * this->out().pixels();
      Eigen::Map<const Matrix<Scalar>> out(dy.row(first).data(), rows, options_.channels);
      work.gradient.noalias() += patches(work, rows).transpose() * out;
      if (dx == nullptr) return;
      Eigen::Map<Matrix<Scalar>> patch_gradients(work.patches.data(), rows, taps_);
      patch_gradients.noalias() = out * weights_.topRows(taps_).transpose();
      scatter(first, samples, work, *dx);
    });
    gradient_ = workspaces_[0].gradient;
    for (std::size_t i = 1; i < workspaces_.size(); ++i) gradient_ += workspaces_[i].gradient;
  }

  void collect(const std::string& prefix, Tensors<Scalar>& tensors) override {
    const Index size = taps_ * options_.channels;
    tensors.push_back(
        {prefix + "weight", as_span(weights_.data(), size), as_span(gradient_.data(), size), true});
    if (!options_.bias) return;
    tensors.push_back({prefix + "bias", as_span(weights_.data() + size, options_.channels),
                       as_span(gradient_.data() + size, options_.channels), false});
  }

 private:
  using Buffer = Eigen::Array<Scalar, Eigen::Dynamic, 1>;
  struct Workspace {  // one per thread
    Buffer padded;    // a sample with its border of zeros
    Buffer patches;   // of a group of samples; in backward() then their gradients
    Buffer padded_gradient;
    Matrix<Scalar> gradient;
  };

  static constexpr Index patch_budget = 1 << 16;  // scalars: a part of the second-level cache
  static constexpr Index block = 8;  // runs are copied in whole blocks; what lies past a run's end
                                     // is written again by the next run, or lies in this slack

  static Shape output_shape(const Shape& in, const ConvOptions& options) {
    const Index shortest = std::min(in.height, in.width) + 2 * options.padding;
    if (options.channels < 1 || options.kernel < 1 || options.stride < 1 || options.padding < 0 ||
        options.kernel > shortest) {
      bad_argument("convolution of " + to_string(in) +
                   " needs channels, stride >= 1, padding >= 0 "
                   "and a kernel in [1, " +
                   std::to_string(shortest) + "], but channels is " +
                   std::to_string(options.channels) + ", kernel " + std::to_string(options.kernel) +
                   ", stride " + std::to_string(options.stride) + ", padding " +
                   std::to_string(options.padding));
    }
    const auto length = [&](Index size) {
      return (size + 2 * options.padding - options.kernel) / options.stride + 1;
    };
    return {options.channels, length(in.height), length(in.width)};
  }

  void prepare(Index samples) {
    workspaces_.resize(static_cast<std::size_t>(chunk_count(samples)));
    for (Workspace& work : workspaces_) {
      if (work.padded.size() != 0) continue;
      work.padded.setZero(padded_size_ + block);
      work.patches.setZero(group_ * this->out().pixels() * columns_ + block);
    }
  }

  template <typename Function>
  void for_each_group(Index samples, const Function& f) {
    parallel_chunks(samples, [&](Index begin, Index end, Index chunk) {
      for (Index first = begin; first < end; first += group_) {
        f(first, std::min(group_, end - first), workspaces_[static_cast<std::size_t>(chunk)]);
      }
    });
  }

  Eigen::Map<const Matrix<Scalar>> patches(const Workspace& work, Index rows) const {
    return {work.patches.data(), rows, columns_};
  }

  // Calls f(pixels, row) for each row of the padded sample that x's rows lie in.
  template <typename Function>
  void for_each_row(Scalar* padded, const Function& f) const {
    for (Index row = 0; row < this->in().height; ++row) {
      f(padded +
            ((row + options_.padding) * padded_width_ + options_.padding) * this->in().channels,
        row * this->in().width * this->in().channels);
    }
  }

  // Calls f(run of the padded sample, its place in the patch row, patch row) in patch order.
  template <typename Pointer, typename Function>
  void for_each_run(Scalar* padded, Pointer patch, Index patch_size, const Function& f) const {
    for (Index row = 0; row < this->out().height; ++row) {
      for (Index column = 0; column < this->out().width; ++column, patch += patch_size) {
        Scalar* run = padded + (row * options_.stride * padded_width_ + column * options_.stride) *
                                   this->in().channels;
        for (Index tap = 0; tap < taps_; tap += run_) {
          f(run, patch + tap);
          run += padded_width_ * this->in().channels;
        }
      }
    }
  }

  void gather(const Matrix<Scalar>& x, Index first, Index samples, Workspace& work) const {
    const Index width = this->in().width * this->in().channels;
    const Index patch_count = this->out().pixels();
    for (Index i = 0; i < samples; ++i) {
      const Scalar* sample = x.row(first + i).data();
      for_each_row(work.padded.data(),
                   [&](Scalar* row, Index offset) { std::copy_n(sample + offset, width, row); });
      Scalar* patch = work.patches.data() + i * patch_count * columns_;
      for_each_run(work.padded.data(), patch, columns_, [&](const Scalar* from, Scalar* to) {
        for (Index j = 0; j < run_; j += block) {
          std::memcpy(to + j, from + j, block * sizeof(Scalar));
        }
      });
      if (!options_.bias) continue;
      for (Index j = 0; j < patch_count; ++j) patch[j * columns_ + taps_] = Scalar(1);
    }
  }

  // The transpose of gather: adds the patches' gradients up where their pixels came from.
  void scatter(Index first, Index samples, Workspace& work, Matrix<Scalar>& dx) const {
    const Index width = this->in().width * this->in().channels;
    for (Index i = 0; i < samples; ++i) {
      work.padded_gradient.setZero(padded_size_);
      const Scalar* patch = work.patches.data() + i * this->out().pixels() * taps_;
      for_each_run(work.padded_gradient.data(), patch, taps_, [&](Scalar* to, const Scalar* from) {
        Eigen::Map<Buffer>(to, run_) += Eigen::Map<const Buffer>(from, run_);
      });
      Scalar* sample = dx.row(first + i).data();
      for_each_row(work.padded_gradient.data(), [&](const Scalar* row, Index offset) {
        std::copy_n(row, width, sample + offset);
      });
    }
  }

  ConvOptions options_;
  Index run_;      // scalars of a patch that are contiguous in the sample
  Index taps_;     // scalars of a patch
  Index columns_;  // the same with the bias
  Index padded_width_;
  Index padded_size_;
  Index group_;
  Matrix<Scalar> weights_;
  Matrix<Scalar> gradient_;
  std::vector<Workspace> workspaces_;
};

}  // namespace tiny
