#pragma once

#include "net/layer.hpp"
#include "net/parallel.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace tiny {

struct PoolOptions {
  Index kernel = 2;
  Index stride = 2;
};

// What the two kinds of pooling share: the walk over windows. There is no padding; rows and columns
// that no whole window reaches are left out and get the gradient 0.
template <typename Scalar>
class Pool : public Layer<Scalar> {
 public:
  Pool(Shape in, PoolOptions options)
      : Layer<Scalar>(in, output_shape(in, options)), options_(options) {}

 protected:
  Scalar share() const {
    return Scalar(1) / static_cast<Scalar>(options_.kernel * options_.kernel);
  }

  // Calls f(block, out, taps) for each run of `block` channels of each output pixel, where `out` is
  // its offset in the output sample and taps(g) calls g(offset in the input sample) for the pixels
  // of the window. The block's length is a constant, so that f can work in registers.
  template <typename Function>
  void for_each_window(const Function& f) const {
    const Index channels = this->in().channels;
    const Index line = this->in().width * channels;
    Index out = 0;
    for (Index row = 0; row < this->out().height; ++row) {
      for (Index column = 0; column < this->out().width; ++column, out += channels) {
        const Index corner = row * options_.stride * line + column * options_.stride * channels;
        const auto visit = [&](auto block, Index c) {
          f(block, out + c, [&](const auto& g) {
            for (Index i = 0; i < options_.kernel; ++i) {
              for (Index j = 0; j < options_.kernel; ++j) g(corner + i * line + j * channels + c);
            }
          });
        };
        Index c = 0;
        for (; c + 8 <= channels; c += 8) visit(ChannelBlock<8>(), c);
        for (; c < channels; ++c) visit(ChannelBlock<1>(), c);
      }
    }
  }

  template <int Size>
  using ChannelBlock = Eigen::Array<Scalar, Size, 1>;
  template <typename Block>
  static Eigen::Map<Block> at(Scalar* data, Index offset) {
    return Eigen::Map<Block>(data + offset);
  }
  template <typename Block>
  static Eigen::Map<const Block> at(const Scalar* data, Index offset) {
    return Eigen::Map<const Block>(data + offset);
  }

 private:
  static Shape output_shape(const Shape& in, const PoolOptions& options) {
    const Index shortest = std::min(in.height, in.width);
    if (options.stride < 1 || options.kernel < 1 || options.kernel > shortest) {
      bad_argument("pooling of " + to_string(in) + " needs stride >= 1 and a kernel in [1, " +
                   std::to_string(shortest) + "], but stride is " + std::to_string(options.stride) +
                   ", kernel " + std::to_string(options.kernel));
    }
    const auto length = [&](Index size) { return (size - options.kernel) / options.stride + 1; };
    return {in.channels, length(in.height), length(in.width)};
  }

  PoolOptions options_;
};

template <typename Scalar>
class MaxPool final : public Pool<Scalar> {
 public:
  using Pool<Scalar>::Pool;

  std::string name() const override { return "max_pool"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), this->out().size());
    for_each_sample(x.rows(), [&](Index i) {
      const Scalar* from = x.row(i).data();
      Scalar* to = y.row(i).data();
      this->for_each_window([&](auto best, Index out, const auto& taps) {
        using Block = decltype(best);
        best.setConstant(std::numeric_limits<Scalar>::lowest());
        taps([&](Index in) { best = best.max(this->template at<Block>(from, in)); });
        this->template at<Block>(to, out) = best;
      });
    });
  }

  // A window's gradient goes to its first maximum: `rest` is what has not been given away yet.
  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& y, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    for_each_sample(x.rows(), [&](Index i) {
      const Scalar* from = x.row(i).data();
      const Scalar* largest = y.row(i).data();
      const Scalar* gradient = dy.row(i).data();
      Scalar* to = dx->row(i).data();
      std::fill_n(to, x.cols(), Scalar(0));
      this->for_each_window([&](auto rest, Index out, const auto& taps) {
        using Block = decltype(rest);
        rest = this->template at<Block>(gradient, out);
        const Block best = this->template at<Block>(largest, out);
        taps([&](Index in) {
          const Block value = this->template at<Block>(from, in);
          Block gift;
          for (Index k = 0; k < gift.size(); ++k) {
            gift[k] = value[k] == best[k] ? rest[k] : Scalar(0);
          }
          this->template at<Block>(to, in) += gift;
          rest -= gift;
        });
      });
    });
  }
};

template <typename Scalar>
class AveragePool final : public Pool<Scalar> {
 public:
  using Pool<Scalar>::Pool;

  std::string name() const override { return "average_pool"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), this->out().size());
    for_each_sample(x.rows(), [&](Index i) {
      const Scalar* from = x.row(i).data();
      Scalar* to = y.row(i).data();
      this->for_each_window([&](auto sum, Index out, const auto& taps) {
        using Block = decltype(sum);
        sum.setZero();
        taps([&](Index in) { sum += this->template at<Block>(from, in); });
        this->template at<Block>(to, out) = sum * this->share();
      });
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& /*y*/, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    for_each_sample(x.rows(), [&](Index i) {
      const Scalar* gradient = dy.row(i).data();
      Scalar* to = dx->row(i).data();
      std::fill_n(to, x.cols(), Scalar(0));
      this->for_each_window([&](auto part, Index out, const auto& taps) {
        using Block = decltype(part);
        part = this->template at<Block>(gradient, out) * this->share();
        taps([&](Index in) { this->template at<Block>(to, in) += part; });
      });
    });
  }
};

}  // namespace tiny
