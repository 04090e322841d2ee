// What the trainer asks of a loss on features.
#pragma once

#include "net/net.hpp"

#include <ldmat/ldmat.hpp>

#include <nlohmann/json.hpp>

#include <vector>

namespace tiny {

class FeatureLoss {
 public:
  virtual ~FeatureLoss() = default;

  /// Value of a batch; overwrites the gradient by the features.
  virtual ldmat::LossResult evaluate(const Matrix<float>& features, const std::vector<int>& labels,
                                     Matrix<float>& gradient) = 0;
  /// The loss's own parameters, which the optimizer moves.
  virtual Tensors<float> tensors() { return {}; }
  /// What else has to be in a checkpoint.
  virtual nlohmann::json state() const { return nullptr; }
  virtual void restore(const nlohmann::json& /*state*/) {}
  /// The classes that the loss itself predicts; empty where it predicts none.
  virtual std::vector<int> predict(const Matrix<float>& /*features*/) { return {}; }
};

}  // namespace tiny
