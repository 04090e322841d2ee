#pragma once

#include <ldmat/loss.hpp>

namespace ldmat {

/// The loss with the settings that trained best in the project's own experiments (docs/method.md,
/// "What the settings do"): Euclidean distances, class distance 1, and a one-sided penalty, which
/// lets different classes be farther apart than their target and samples of one class closer
/// together. These are the project's choice, not the paper's.
template <class Scalar>
using RecommendedLoss = Loss<Scalar, Euclidean, OneSided<Squared>>;

/// The preset's options, to change one of them: `auto options = recommended_options(); ...`.
inline RecommendedLoss<float>::Options recommended_options() {
  return {};
}

/// `auto loss = ldmat::recommended<float>();`
template <class Scalar>
RecommendedLoss<Scalar> recommended() {
  return RecommendedLoss<Scalar>(recommended_options());
}

}  // namespace ldmat
