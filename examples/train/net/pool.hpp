#pragma once

#include "net/layer.hpp"
#include "net/parallel.hpp"

#include <algorithm>
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
  using Pixel = Eigen::Array<Scalar, Eigen::Dynamic, 1>;
  using PixelMap = Eigen::Map<Pixel>;
  using ConstPixelMap = Eigen::Map<const Pixel>;

  Index window() const { return options_.kernel * options_.kernel; }

  // Calls f(offset of the output pixel in its sample, taps), where taps(g) calls g(offset of the
  // input pixel) for each pixel of the window.
  template <typename Function>
  void for_each_window(const Function& f) const {
    const Index channels = this->in().channels;
    const Index line = this->in().width * channels;
    Index out = 0;
    for (Index row = 0; row < this->out().height; ++row) {
      for (Index column = 0; column < this->out().width; ++column, out += channels) {
        const Index corner = row * options_.stride * line + column * options_.stride * channels;
        f(out, [&](const auto& g) {
          for (Index i = 0; i < options_.kernel; ++i) {
            for (Index j = 0; j < options_.kernel; ++j) g(corner + i * line + j * channels);
          }
        });
      }
    }
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
  using typename Pool<Scalar>::PixelMap;
  using typename Pool<Scalar>::ConstPixelMap;

  std::string name() const override { return "max_pool"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), this->out().size());
    const Index channels = this->in().channels;
    parallel_chunks(x.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      for (Index i = begin; i < end; ++i) {
        const Scalar* from = x.row(i).data();
        Scalar* to = y.row(i).data();
        this->for_each_window([&](Index out, const auto& taps) {
          PixelMap best(to + out, channels);
          best.setConstant(std::numeric_limits<Scalar>::lowest());
          taps([&](Index in) { best = best.max(ConstPixelMap(from + in, channels)); });
        });
      }
    });
  }

  // A window's gradient goes to its first maximum: `rest` is what has not been given away yet.
  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& y, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    const Index channels = this->in().channels;
    parallel_chunks(x.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      typename Pool<Scalar>::Pixel rest(channels);
      for (Index i = begin; i < end; ++i) {
        dx->row(i).setZero();
        const Scalar* from = x.row(i).data();
        Scalar* to = dx->row(i).data();
        this->for_each_window([&](Index out, const auto& taps) {
          ConstPixelMap best(y.row(i).data() + out, channels);
          rest = ConstPixelMap(dy.row(i).data() + out, channels);
          taps([&](Index in) { give(channels, from + in, best.data(), rest.data(), to + in); });
        });
      }
    });
  }

 private:
  static void give(Index channels, const Scalar* x, const Scalar* best, Scalar* rest, Scalar* dx) {
    for (Index c = 0; c < channels; ++c) {
      const Scalar gift = x[c] == best[c] ? rest[c] : Scalar(0);
      dx[c] += gift;
      rest[c] -= gift;
    }
  }
};

template <typename Scalar>
class AveragePool final : public Pool<Scalar> {
 public:
  using Pool<Scalar>::Pool;
  using typename Pool<Scalar>::PixelMap;
  using typename Pool<Scalar>::ConstPixelMap;

  std::string name() const override { return "average_pool"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), this->out().size());
    const Index channels = this->in().channels;
    const Scalar share = Scalar(1) / static_cast<Scalar>(this->window());
    parallel_chunks(x.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      for (Index i = begin; i < end; ++i) {
        const Scalar* from = x.row(i).data();
        Scalar* to = y.row(i).data();
        this->for_each_window([&](Index out, const auto& taps) {
          PixelMap sum(to + out, channels);
          sum.setZero();
          taps([&](Index in) { sum += ConstPixelMap(from + in, channels); });
          sum *= share;
        });
      }
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& /*y*/, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    const Index channels = this->in().channels;
    const Scalar share = Scalar(1) / static_cast<Scalar>(this->window());
    parallel_chunks(x.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      for (Index i = begin; i < end; ++i) {
        dx->row(i).setZero();
        const Scalar* from = dy.row(i).data();
        Scalar* to = dx->row(i).data();
        this->for_each_window([&](Index out, const auto& taps) {
          taps([&](Index in) {
            PixelMap(to + in, channels) += share * ConstPixelMap(from + out, channels);
          });
        });
      }
    });
  }
};

}  // namespace tiny
