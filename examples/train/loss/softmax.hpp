// Softmax cross-entropy with a linear classifier of its own.
#pragma once

#include "loss/feature_loss.hpp"
#include "net/net.hpp"

#include <vector>

namespace tiny {

class SoftmaxLoss final : public FeatureLoss {
 public:
  SoftmaxLoss(Index dim, Index classes, Rng& rng) : head_(dim, classes, rng) {}

  ldmat::LossResult evaluate(const Matrix<float>& features, const std::vector<int>& labels,
                             Matrix<float>& gradient) override {
    ldmat::LossResult result;
    result.value = head_.loss(features, labels, gradient);
    return result;
  }
  Tensors<float> tensors() override { return head_.tensors(); }

  std::vector<int> predict(const Matrix<float>& features) override {
    const auto& logits = head_.forward(features);
    std::vector<int> classes(static_cast<std::size_t>(logits.rows()));
    for (Index i = 0; i < logits.rows(); ++i) {
      logits.row(i).maxCoeff(&classes[static_cast<std::size_t>(i)]);
    }
    return classes;
  }

 private:
  SoftmaxHead<float> head_;
};

}  // namespace tiny
