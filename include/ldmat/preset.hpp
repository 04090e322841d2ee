#pragma once

#include <ldmat/backend.hpp>

namespace ldmat {

/// The loss with settings that did well in the project's own experiments on digits in two
/// dimensions, in accuracy and separation both (docs/method.md, "What the settings do"): Euclidean distances, class distance 1, and a
/// one-sided Huber penalty, which lets different classes be farther apart than their target and
/// samples of one class closer together, and does not let the worst pairs rule the gradient. The
/// project's choice, not the paper's; not tuned on anything harder than digits. Complete where the
/// header of the backend's loss is included.
template <class Scalar, class Backend = cpu>
using RecommendedLoss = LossOn<Backend, Scalar, Euclidean, OneSided<Huber>>;

/// The preset's options, to change one of them: `auto options = recommended_options(); ...`.
inline LossOptions<Euclidean, OneSided<Huber>> recommended_options() {
  return {.penalty = {{.threshold = 0.2}}};
}

/// `auto loss = ldmat::recommended<float>();`
template <class Scalar, class Backend = cpu>
RecommendedLoss<Scalar, Backend> recommended() {
  return RecommendedLoss<Scalar, Backend>(recommended_options());
}

}  // namespace ldmat
