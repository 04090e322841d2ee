#pragma once

#include "net/layer.hpp"
#include "net/parallel.hpp"
#include "rng.hpp"

#include <cmath>
#include <string>

namespace tiny {

struct DenseOptions {
  Index units = 1;
  bool bias = true;
  double gain = 2;  // variance of a unit's output over that of its inputs: 2 before a ReLU, else 1
};

// y = x W + b.
template <typename Scalar>
class Dense final : public Layer<Scalar> {
 public:
  Dense(Shape in, DenseOptions options, Rng& rng)
      : Layer<Scalar>(in, output_shape(options)),
        options_(options),
        weights_(in.size(), options.units),
        weights_gradient_(Matrix<Scalar>::Zero(in.size(), options.units)),
        bias_(RowVector<Scalar>::Zero(options.units)),
        bias_gradient_(RowVector<Scalar>::Zero(options.units)) {
    const double deviation = std::sqrt(options.gain / static_cast<double>(in.size()));
    for (Scalar& w : as_span(weights_.data(), weights_.size())) {
      w = static_cast<Scalar>(deviation * rng.normal());
    }
  }

  std::string name() const override { return "dense"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode /*mode*/) override {
    y.resize(x.rows(), options_.units);
    parallel_chunks(x.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      auto part = y.middleRows(begin, end - begin);
      part.rowwise() = bias_;
      part.noalias() += x.middleRows(begin, end - begin) * weights_;
    });
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& /*y*/, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (dy.rows() == 0) {  // blocks of an empty matrix begin nowhere
      weights_gradient_.setZero();
      bias_gradient_.setZero();
      if (dx != nullptr) dx->resize(0, x.cols());
      return;
    }
    parallel_chunks(x.cols(), [&](Index begin, Index end, Index /*chunk*/) {
      weights_gradient_.middleRows(begin, end - begin).noalias() =
          x.middleCols(begin, end - begin).transpose() * dy;
    });
    if (options_.bias) bias_gradient_ = dy.colwise().sum();
    if (dx == nullptr) return;
    dx->resize(x.rows(), x.cols());
    parallel_chunks(x.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      dx->middleRows(begin, end - begin).noalias() =
          dy.middleRows(begin, end - begin) * weights_.transpose();
    });
  }

  void collect(const std::string& prefix, Tensors<Scalar>& tensors) override {
    tensors.push_back({prefix + "weight", as_span(weights_.data(), weights_.size()),
                       as_span(weights_gradient_.data(), weights_gradient_.size()), true});
    if (!options_.bias) return;
    tensors.push_back({prefix + "bias", as_span(bias_.data(), bias_.size()),
                       as_span(bias_gradient_.data(), bias_gradient_.size()), false});
  }

 private:
  static Shape output_shape(const DenseOptions& options) {
    if (options.units < 1) {
      bad_argument("a dense layer needs units >= 1, not " + std::to_string(options.units));
    }
    return {options.units, 1, 1};
  }

  DenseOptions options_;
  Matrix<Scalar> weights_;
  Matrix<Scalar> weights_gradient_;
  RowVector<Scalar> bias_;
  RowVector<Scalar> bias_gradient_;
};

}  // namespace tiny
