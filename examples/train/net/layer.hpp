#pragma once

#include <Eigen/Core>

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

using Eigen::Index;

// One sample per row. Inside the network a sample's activations are ordered height x width x
// channels, so that a pixel's channels are contiguous: patches are then copied, pooled and
// normalised in long runs. Network takes the usual channels x height x width and reorders it.
template <typename Scalar>
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename Scalar>
using RowVector = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;

struct Shape {
  Index channels = 1;
  Index height = 1;
  Index width = 1;
  Index pixels() const { return height * width; }
  Index size() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

inline std::string to_string(const Shape& shape) {
  return std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
         std::to_string(shape.width);
}

enum class Mode { train, evaluate };

// A named run of numbers that belongs to a layer or an optimiser: a parameter with its gradient,
// or, where the gradient is empty, a buffer. Valid for as long as its owner lives.
template <typename Scalar>
struct Tensor {
  std::string name;
  std::span<Scalar> value;
  std::span<Scalar> gradient;
  bool decays = false;  // whether weight decay applies: to weights, not to biases and scales
};

template <typename Scalar>
using Tensors = std::vector<Tensor<Scalar>>;

[[noreturn]] inline void bad_argument(const std::string& what) {
  throw std::invalid_argument("tiny: " + what);
}

// A layer owns its parameters, never the activations: its caller keeps x and y from forward() to
// backward().
template <typename Scalar>
class Layer {
 public:
  Layer(Shape in, Shape out) : in_(in), out_(out) {
    if (in.channels < 1 || in.height < 1 || in.width < 1) {
      bad_argument("a layer's input must not be empty, but is " + to_string(in));
    }
  }
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  const Shape& in() const { return in_; }
  const Shape& out() const { return out_; }

  virtual std::string name() const = 0;
  // Writes y, resized to x.rows() x out().size().
  virtual void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode mode) = 0;
  // Overwrites the gradients of the parameters and, unless dx is null, dx; x and y are those of
  // the latest forward() in training mode.
  virtual void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& y, const Matrix<Scalar>& dy,
                        Matrix<Scalar>* dx) = 0;
  // Appends the parameters and buffers, always in the same order.
  virtual void collect(const std::string& /*prefix*/, Tensors<Scalar>& /*tensors*/) {}

 protected:
  void set_out(const Shape& out) { out_ = out; }

 private:
  Shape in_;
  Shape out_;
};

template <typename Scalar>
std::span<Scalar> as_span(Scalar* data, Index size) {
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace tiny
