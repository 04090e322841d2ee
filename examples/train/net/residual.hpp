#pragma once

#include "net/layer.hpp"
#include "net/sequential.hpp"

#include <string>

namespace tiny {

// relu(main(x) + shortcut(x)): main is two 3x3 convolutions, each with batch normalisation; the
// shortcut is x itself where the shapes agree, else a 1x1 convolution with batch normalisation.
// Source: He et al., "Deep residual learning for image recognition", 2015.
template <typename Scalar>
class Residual final : public Layer<Scalar> {
 public:
  Residual(Shape in, Index channels, Index stride, Rng& rng)
      : Layer<Scalar>(in, in), main_(in), shortcut_(in) {
    main_
        .conv({.channels = channels, .kernel = 3, .stride = stride, .padding = 1, .bias = false},
              rng)
        .batch_norm()
        .relu()
        .conv({.channels = channels, .kernel = 3, .padding = 1, .bias = false}, rng)
        .batch_norm();
    if (main_.out() != in) {
      shortcut_.conv({.channels = channels, .kernel = 1, .stride = stride, .bias = false}, rng)
          .batch_norm();
    }
    this->set_out(main_.out());
  }

  std::string name() const override { return "residual"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode mode) override {
    main_.forward(x, main_value_, mode);
    if (!shortcut_.empty()) shortcut_.forward(x, shortcut_value_, mode);
    const Matrix<Scalar>& other = shortcut_.empty() ? x : shortcut_value_;
    y.resize(x.rows(), this->out().size());
    parallel_chunks(x.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      const Index rows = end - begin;
      y.middleRows(begin, rows) =
          (main_value_.middleRows(begin, rows) + other.middleRows(begin, rows)).cwiseMax(Scalar(0));
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& y, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    gradient_.resize(dy.rows(), dy.cols());
    Relu<Scalar>::mask(y, dy, gradient_);
    main_.backward(x, main_value_, gradient_, dx);
    Matrix<Scalar>* other = dx == nullptr ? nullptr : &shortcut_gradient_;
    if (!shortcut_.empty()) shortcut_.backward(x, shortcut_value_, gradient_, other);
    if (dx != nullptr) *dx += shortcut_.empty() ? gradient_ : shortcut_gradient_;
  }

  void collect(const std::string& prefix, Tensors<Scalar>& tensors) override {
    main_.collect(prefix + "main.", tensors);
    shortcut_.collect(prefix + "shortcut.", tensors);
  }

 private:
  Sequential<Scalar> main_;
  Sequential<Scalar> shortcut_;  // empty: the identity
  Matrix<Scalar> main_value_, shortcut_value_;
  Matrix<Scalar> gradient_, shortcut_gradient_;
};

}  // namespace tiny
