#pragma once

#include "net/layer.hpp"
#include "net/parallel.hpp"
#include "net/product.hpp"
#include "rng.hpp"

#include <algorithm>
#include <cmath>
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

// Convolution with a square kernel, directly: no matrix of patches is made. A row of output pixels is
// the sum over the kernel's rows of a product: (pixels x run) times (run x channels), where the run of
// a pixel is what one kernel row covers, contiguous in memory. The gradient by the weights is such a
// product with the pixels as depth, and that by the input is a convolution of the output's gradient
// with the kernel turned round, for each residue of the pixels modulo the stride.
template <typename Scalar>
class Conv final : public Layer<Scalar> {
 public:
  Conv(Shape in, ConvOptions options, Rng& rng)
      : Layer<Scalar>(in, output_shape(in, options)),
        options_(options),
        run_(options.kernel * in.channels),
        taps_(options.kernel * run_),
        input_{in, options.padding, options.padding, options.padding},
        output_{this->out(),
                std::max<Index>(
                    0, (options.kernel - 1) / options.stride - options.padding / options.stride),
                margin_after(in.height, this->out().height),
                margin_after(in.width, this->out().width)},
        weights_(Matrix<Scalar>::Zero(taps_ + (options.bias ? 1 : 0), options.channels)),
        gradient_(Matrix<Scalar>::Zero(weights_.rows(), options.channels)) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(taps_));  // Kaiming, for ReLU
    for (Scalar& w : as_span(weights_.data(), taps_ * options.channels)) {
      w = static_cast<Scalar>(deviation * rng.normal());
    }
  }

  std::string name() const override { return "conv"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), this->out().size());
    with_workspaces(x.rows(), [&](Index i, Workspace& work) {
      const Scalar* sample = input_.framed(x.row(i).data(), work.input);
      const Index width = this->out().width;
      for (Index row = 0; row < this->out().height; ++row) {
        Scalar* to = y.row(i).data() + row * width * options_.channels;
        if (options_.bias) {
          Eigen::Map<Matrix<Scalar>>(to, width, options_.channels).rowwise() = weights_.row(taps_);
        }
        for (Index k = 0; k < options_.kernel; ++k) {
          product<Scalar>(width, options_.channels, run_,
                          {kernel_row(sample, row, k), pixel_step(), 1},
                          weights_.row(k * run_).data(), options_.channels, to, options_.channels,
                          options_.bias || k > 0);
        }
      }
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& /*y*/, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dx != nullptr) {
      dx->resize(x.rows(), x.cols());
      turn_weights();
    }
    workspaces_.resize(static_cast<std::size_t>(chunk_count(x.rows())));
    for (Workspace& work : workspaces_) work.gradient.setZero(weights_.rows(), options_.channels);
    with_workspaces(x.rows(), [&](Index i, Workspace& work) {
      add_weight_gradient(input_.framed(x.row(i).data(), work.input), dy.row(i).data(),
                          work.gradient);
      if (dx != nullptr) {
        input_gradient(output_.framed(dy.row(i).data(), work.output), dx->row(i).data());
      }
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
  using Buffer = std::vector<Scalar>;
  struct Workspace {  // one per thread
    Buffer input;     // a sample with its border of zeros
    Buffer output;    // the same of the output's gradient
    Matrix<Scalar> gradient;
  };

  // A map of pixels with a border of zeros.
  struct Frame {
    Shape inner;
    Index before;  // above and to the left
    Index below;
    Index right;

    Index width() const { return before + inner.width + right; }
    Index row_size() const { return width() * inner.channels; }

    // `map` within the border, in `buffer`; `map` itself where there is none. The border is written once.
    const Scalar* framed(const Scalar* map, Buffer& buffer) const {
      if (before + below + right == 0) return map;
      buffer.resize(static_cast<std::size_t>((before + inner.height + below) * row_size()));
      const Index line = inner.width * inner.channels;
      for (Index row = 0; row < inner.height; ++row) {
        std::copy_n(map + row * line, line,
                    buffer.data() + (row + before) * row_size() + before * inner.channels);
      }
      return buffer.data();
    }
  };

  // What of the kernel meets the pixels of one residue modulo the stride, of rows or of columns.
  struct Residue {
    Index first;  // the first such pixel, counted without the border
    Index from;   // the output pixel that the last of its taps meets
    Index taps;
  };

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

  // How far the pixels of a side reach beyond the last output pixel.
  Index margin_after(Index in, Index out) const {
    return std::max<Index>(0, (options_.padding + in - 1) / options_.stride - (out - 1));
  }

  template <typename Function>
  void with_workspaces(Index samples, const Function& f) {
    workspaces_.resize(static_cast<std::size_t>(chunk_count(samples)));
    parallel_chunks(samples, [&](Index begin, Index end, Index chunk) {
      for (Index i = begin; i < end; ++i) f(i, workspaces_[static_cast<std::size_t>(chunk)]);
    });
  }

  Index pixel_step() const { return options_.stride * this->in().channels; }
  const Scalar* kernel_row(const Scalar* sample, Index row, Index k) const {
    return sample + (row * options_.stride + k) * input_.row_size();
  }

  void add_weight_gradient(const Scalar* sample, const Scalar* dy, Matrix<Scalar>& gradient) const {
    const Index width = this->out().width;
    const Index line = width * options_.channels;
    for (Index k = 0; k < options_.kernel; ++k) {
      for (Index row = 0; row < this->out().height; ++row) {
        product<Scalar>(run_, options_.channels, width,
                        {kernel_row(sample, row, k), 1, pixel_step()}, dy + row * line,
                        options_.channels, gradient.row(k * run_).data(), options_.channels, true);
      }
    }
    if (options_.bias) {
      gradient.row(taps_) +=
          Eigen::Map<const Matrix<Scalar>>(dy, this->out().pixels(), options_.channels)
              .colwise()
              .sum();
    }
  }

  Residue residue(Index pixel) const {
    const Index place = (pixel + options_.padding) % options_.stride;
    return {pixel, (pixel + options_.padding) / options_.stride,
            place < options_.kernel ? (options_.kernel - place - 1) / options_.stride + 1 : 0};
  }

  // The weights as the input's gradient needs them: for each pair of residues the kernel rows and
  // columns that meet it, last first, and for each of those the output channels by input channels.
  void turn_weights() {
    turned_.clear();
    turned_.reserve(static_cast<std::size_t>(taps_ * options_.channels));
    begins_.clear();
    const Index channels = this->in().channels;
    const Index stride = options_.stride;
    for (Index a = 0; a < stride; ++a) {
      for (Index b = 0; b < stride; ++b) {
        begins_.push_back(turned_.size());
        for (Index i = last_tap(a); i >= 0; i -= stride) {
          for (Index j = last_tap(b); j >= 0; j -= stride) {
            for (Index o = 0; o < options_.channels; ++o) {
              for (Index c = 0; c < channels; ++c) {
                turned_.push_back(weights_(i * run_ + j * channels + c, o));
              }
            }
          }
        }
      }
    }
  }

  // The last tap of a kernel row or column with this residue; negative where there is none.
  Index last_tap(Index place) const {
    return place < options_.kernel
               ? place + (options_.kernel - 1 - place) / options_.stride * options_.stride
               : -1;
  }

  void input_gradient(const Scalar* dy, Scalar* dx) const {
    const Index channels = this->in().channels;
    const Index stride = options_.stride;
    for (Index row = 0; row < this->in().height; ++row) {
      const Residue y = residue(row);
      Scalar* line = dx + row * this->in().width * channels;
      for (Index column = 0; column < std::min(stride, this->in().width); ++column) {
        const Residue x = residue(column);
        const Index pixels = (this->in().width - column - 1) / stride + 1;
        Scalar* to = line + column * channels;
        if (x.taps == 0 || y.taps == 0) {
          for (Index i = 0; i < pixels; ++i)
            std::fill_n(to + i * stride * channels, channels, Scalar(0));
          continue;
        }
        const Index depth = x.taps * options_.channels;
        const auto which =
            (row + options_.padding) % stride * stride + (column + options_.padding) % stride;
        const Scalar* weights = turned_.data() + begins_[static_cast<std::size_t>(which)];
        for (Index k = 0; k < y.taps; ++k) {
          const Scalar* from = dy +
                               (y.from - y.taps + 1 + k + output_.before) * output_.row_size() +
                               (x.from - x.taps + 1 + output_.before) * options_.channels;
          product<Scalar>(pixels, channels, depth, {from, options_.channels, 1},
                          weights + k * depth * channels, channels, to, stride * channels, k > 0);
        }
      }
    }
  }

  ConvOptions options_;
  Index run_;   // scalars of a sample that one kernel row covers
  Index taps_;  // scalars that the whole kernel covers
  Frame input_;
  Frame output_;
  Matrix<Scalar> weights_;  // taps x channels, and the bias as a last row
  Matrix<Scalar> gradient_;
  Buffer turned_;
  std::vector<std::size_t> begins_;  // of each pair of residues in it
  std::vector<Workspace> workspaces_;
};

}  // namespace tiny
