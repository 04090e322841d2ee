#pragma once

#include "net/layer.hpp"
#include "net/residual.hpp"
#include "net/sequential.hpp"

#include <memory>
#include <string>
#include <utility>

namespace tiny {

// What a training program holds: takes samples as N x (channels*height*width), gives features as
// N x d. x must stay as it is from forward() in training mode to backward().
template <typename Scalar>
class Network {
 public:
  explicit Network(std::unique_ptr<Sequential<Scalar>> layers) : layers_(std::move(layers)) {
    if (layers_->out().pixels() != 1) {
      bad_argument("a network must end in features of one pixel, not in " +
                   to_string(layers_->out()));
    }
  }

  const Shape& in() const { return layers_->in(); }
  Index features() const { return layers_->out().channels; }

  const Matrix<Scalar>& forward(const Matrix<Scalar>& x, Mode mode) {
    if (x.cols() != in().size()) {
      bad_argument("forward needs rows of " + to_string(in()) + " = " +
                   std::to_string(in().size()) + " values, but x has " + std::to_string(x.cols()) +
                   " columns");
    }
    trained_ = nullptr;
    if (x.rows() == 0) {
      y_.resize(0, features());
      return y_;
    }
    if (in().channels > 1) order_by_pixel(x);
    layers_->forward(ordered(x), y_, mode);
    if (mode == Mode::train) trained_ = &x;
    return y_;
  }

  // Overwrites the gradients of all parameters, given that of the latest forward() in training
  // mode's result.
  void backward(const Matrix<Scalar>& gradient) {
    if (trained_ == nullptr) {
      throw std::logic_error("tiny: backward needs a forward in training mode before it");
    }
    if (gradient.rows() != y_.rows() || gradient.cols() != y_.cols()) {
      bad_argument("backward needs a gradient of " + std::to_string(y_.rows()) + " x " +
                   std::to_string(y_.cols()) + ", but it is " + std::to_string(gradient.rows()) +
                   " x " + std::to_string(gradient.cols()));
    }
    layers_->backward(ordered(*trained_), y_, gradient, nullptr);
  }

  // Parameters and buffers in a fixed order; valid for as long as the network lives, also when it
  // is moved.
  Tensors<Scalar> tensors() const {
    Tensors<Scalar> list;
    layers_->collect("", list);
    return list;
  }

  Index parameter_count() const {
    std::size_t count = 0;
    for (const Tensor<Scalar>& tensor : tensors()) count += tensor.gradient.size();
    return static_cast<Index>(count);
  }

 private:
  const Matrix<Scalar>& ordered(const Matrix<Scalar>& x) const {
    return in().channels > 1 ? pixels_ : x;
  }

  void order_by_pixel(const Matrix<Scalar>& x) {
    pixels_.resize(x.rows(), x.cols());
    for_each_sample(x.rows(), [&](Index i) {
      Eigen::Map<Matrix<Scalar>>(pixels_.row(i).data(), in().pixels(), in().channels) =
          Eigen::Map<const Matrix<Scalar>>(x.row(i).data(), in().channels, in().pixels())
              .transpose();
    });
  }

  std::unique_ptr<Sequential<Scalar>> layers_;
  Matrix<Scalar> pixels_;
  Matrix<Scalar> y_;
  const Matrix<Scalar>* trained_ = nullptr;
};

}  // namespace tiny
