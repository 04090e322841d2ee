// What the trainer asks of a loss on features.
#pragma once

#include "net/net.hpp"

#include <ldmat/ldmat.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
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

/// A loss that is a function of the batch alone: evaluation(features, labels, gradient), as
/// FeatureLoss::evaluate. Those functions are templates over the scalar, so that they can be tested
/// in double.
template <class Evaluation>
class BatchLoss final : public FeatureLoss {
 public:
  explicit BatchLoss(Evaluation evaluation) : evaluation_(std::move(evaluation)) {}

  ldmat::LossResult evaluate(const Matrix<float>& features, const std::vector<int>& labels,
                             Matrix<float>& gradient) override {
    return evaluation_(features, labels, gradient);
  }

 private:
  Evaluation evaluation_;
};

namespace detail {

/// Throws std::invalid_argument unless there is one label per sample.
inline void require_label_each(const char* loss, Index samples, std::size_t labels) {
  if (static_cast<Index>(labels) != samples) {
    bad_argument(std::string(loss) + " needs one label per row of the " + std::to_string(samples) +
                 " rows of features, but got " + std::to_string(labels));
  }
}

/// Throws std::invalid_argument, naming the loss and the option, for what is not positive and finite.
inline void require_positive(const char* loss, const char* option, double value) {
  if (!(value > 0 && std::isfinite(value))) {
    bad_argument(std::string(loss) + " needs a finite " + option + " above 0, but it is " +
                 std::to_string(value));
  }
}

}  // namespace detail

}  // namespace tiny
