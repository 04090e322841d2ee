#pragma once

#include "net/dense.hpp"
#include "net/layer.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace tiny {

// Mean over samples of -log softmax(logits)[label], and its gradient by the logits (overwritten).
// Labels is anything with size() and [] whose elements are integers.
template <typename Scalar, typename Labels>
double softmax_cross_entropy(const Matrix<Scalar>& logits, const Labels& labels,
                             Matrix<Scalar>& gradient) {
  const Index samples = logits.rows();
  if (static_cast<Index>(labels.size()) != samples) {
    bad_argument("softmax needs one label per row of the " + std::to_string(samples) +
                 " rows of logits, but got " + std::to_string(labels.size()));
  }
  for (Index i = 0; i < samples; ++i) {
    const auto label = static_cast<Index>(labels[static_cast<std::size_t>(i)]);
    if (label < 0 || label >= logits.cols()) {
      bad_argument("softmax needs labels in [0, " + std::to_string(logits.cols()) +
                   "), but label " + std::to_string(i) + " is " + std::to_string(label));
    }
  }
  gradient.resize(samples, logits.cols());
  double loss = 0;
  const Scalar share = Scalar(1) / static_cast<Scalar>(std::max<Index>(samples, 1));
  for (Index i = 0; i < samples; ++i) {
    const auto label = static_cast<Index>(labels[static_cast<std::size_t>(i)]);
    auto row = gradient.row(i);
    const Scalar largest = logits.row(i).maxCoeff();
    row = (logits.row(i).array() - largest).exp();
    const Scalar sum = row.sum();
    loss += std::log(static_cast<double>(sum)) - static_cast<double>(logits(i, label) - largest);
    row *= share / sum;
    row[label] -= share;
  }
  return samples == 0 ? 0 : loss / static_cast<double>(samples);
}

// The baseline's classifier on top of the features: a dense layer under softmax cross-entropy.
template <typename Scalar>
class SoftmaxHead {
 public:
  SoftmaxHead(Index d, Index classes, Rng& rng)
      : dense_({d, 1, 1}, {.units = classes, .gain = 1}, rng) {}

  // One row of logits per row of features; the largest is the predicted class.
  const Matrix<Scalar>& forward(const Matrix<Scalar>& features) {
    if (features.cols() != dense_.in().size()) {
      bad_argument("the softmax head needs features of " + std::to_string(dense_.in().size()) +
                   " columns, but they have " + std::to_string(features.cols()));
    }
    dense_.forward(features, logits_, Mode::train);
    return logits_;
  }

  // The loss; overwrites the head's own gradients and that by the features.
  template <typename Labels>
  double loss(const Matrix<Scalar>& features, const Labels& labels, Matrix<Scalar>& gradient) {
    const double value = softmax_cross_entropy(forward(features), labels, logits_gradient_);
    dense_.backward(features, logits_, logits_gradient_, &gradient);
    return value;
  }

  Tensors<Scalar> tensors() {
    Tensors<Scalar> list;
    dense_.collect("head.", list);
    return list;
  }

 private:
  Dense<Scalar> dense_;
  Matrix<Scalar> logits_, logits_gradient_;
};

}  // namespace tiny
