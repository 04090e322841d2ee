// The contrastive loss over all pairs of a batch.
#pragma once

#include "loss/feature_loss.hpp"

#include <ldmat/ldmat.hpp>

#include <vector>

namespace tiny {

/// Mean over the n (n - 1) / 2 pairs of D^2 where the classes are the same, max(0, margin - D)^2
/// where they are not; D is the Euclidean distance. Both sides count the same; the paper has a half
/// before each. This is LDMAT's loss with the one-sided squared penalty, target 0 within a class and
/// `margin` between two, and is computed as that. Coinciding samples of two classes get no gradient
/// from each other: it has no direction. Fewer than two samples: 0. O(n^2 d) time, O(n d) memory.
/// Source: Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping",
/// 2006.
template <typename Scalar>
class Contrastive {
 public:
  /// Throws std::invalid_argument unless the margin is positive and finite.
  explicit Contrastive(double margin) : loss_(options(margin)) {}

  /// Features n x d, n labels; overwrites the gradient (n x d). Throws std::invalid_argument where
  /// the numbers do not agree.
  ldmat::LossResult operator()(const Matrix<Scalar>& features, const std::vector<int>& labels,
                               Matrix<Scalar>& gradient) {
    detail::require_label_each("the contrastive loss", features.rows(), labels.size());
    gradient.resize(features.rows(), features.cols());
    return loss_(features, labels, gradient);
  }

 private:
  using Loss = ldmat::Loss<Scalar, ldmat::Euclidean, ldmat::OneSided<ldmat::Squared>>;

  static typename Loss::Options options(double margin) {
    detail::require_positive("the contrastive loss", "margin", margin);
    typename Loss::Options options;
    options.class_distance = margin;
    return options;
  }

  Loss loss_;
};

}  // namespace tiny
