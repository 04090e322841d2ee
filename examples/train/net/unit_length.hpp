#pragma once

#include "net/layer.hpp"
#include "net/parallel.hpp"

#include <string>

namespace tiny {

// y = x / |x|, sample by sample. A sample shorter than 1e-12 has no direction to speak of: it becomes
// zero, with zero gradient.
template <typename Scalar>
class UnitLength final : public Layer<Scalar> {
 public:
  explicit UnitLength(Shape in) : Layer<Scalar>(in, in) {}

  std::string name() const override { return "unit_length"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), x.cols());
    for_each_sample(x.rows(), [&](Index i) {
      const Scalar length = x.row(i).stableNorm();
      if (length < shortest) {
        y.row(i).setZero();
      } else {
        y.row(i) = x.row(i) / length;
      }
    });
  }

  // dx = (dy - y <y, dy>) / |x|: what of dy is across x.
  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& y, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    for_each_sample(x.rows(), [&](Index i) {
      const Scalar length = x.row(i).stableNorm();
      if (length < shortest) {
        dx->row(i).setZero();
      } else {
        dx->row(i) = (dy.row(i) - y.row(i) * y.row(i).dot(dy.row(i))) / length;
      }
    });
  }

 private:
  static constexpr Scalar shortest = Scalar(1e-12);
};

}  // namespace tiny
