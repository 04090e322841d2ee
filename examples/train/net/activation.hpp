#pragma once

#include "net/layer.hpp"
#include "net/parallel.hpp"

#include <string>

namespace tiny {

// y = max(x, 0); the slope at 0 is 0.
template <typename Scalar>
class Relu final : public Layer<Scalar> {
 public:
  explicit Relu(Shape in) : Layer<Scalar>(in, in) {}

  std::string name() const override { return "relu"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), x.cols());
    parallel_chunks(x.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      y.middleRows(begin, end - begin) = x.middleRows(begin, end - begin).cwiseMax(Scalar(0));
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& y, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    mask(y, dy, *dx);
  }

  // dx = dy where y > 0, else 0.
  static void mask(const Matrix<Scalar>& y, const Matrix<Scalar>& dy, Matrix<Scalar>& dx) {
    parallel_chunks(y.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      const Scalar* value = y.row(begin).data();
      const Scalar* from = dy.row(begin).data();
      Scalar* to = dx.row(begin).data();
      const Index size = (end - begin) * y.cols();
      for (Index i = 0; i < size; ++i) to[i] = value[i] > Scalar(0) ? from[i] : Scalar(0);
    });
  }
};

}  // namespace tiny
