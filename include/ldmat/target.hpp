#pragma once

#include <ldmat/eigen.hpp>
#include <ldmat/labels.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/view.hpp>

/// What a batch's features are compared with, besides class ids: label vectors and whole targets.

namespace ldmat {

/// One label vector per sample with the metric between them; made by `label_vectors`.
template <class S, Metric M>
struct LabelVectors {
  MatrixView<const S> vectors;  ///< n x p, borrowed
  M metric;                     ///< rho_L
};

/// Label vectors (one-hot, soft, multi-label or regression targets; n x p, borrowed) and the metric
/// rho_L between them: L_ij = rho_L(l_i, l_j). Two samples count as of one class where L_ij = 0. A
/// floating-point matrix given to a Loss in place of class ids means the same with Euclidean.
template <FeatureMatrix Y, Metric M = Euclidean>
auto label_vectors(const Y& vectors, M metric = {}) {
  if constexpr (requires { metric.validate(); }) metric.validate();
  const auto view = detail::const_view(vectors);
  return LabelVectors<std::remove_const_t<detail::ViewElement<const Y>>, M>{view, metric};
}
/// @cond
// A temporary would be gone before it is read.
template <detail::Owning Y, class M = Euclidean>
detail::NeedsAVariableNotATemporary label_vectors(const Y&& vectors, M metric = {}) = delete;
template <detail::NotInMemory Y, class M = Euclidean>
detail::NeedsAMatrixInMemory label_vectors(const Y& vectors, M metric = {}) = delete;
/// @endcond

/// A whole target T and the label distances that tell same from different; made by `target_matrix`.
template <class S>
struct TargetMatrix {
  MatrixView<const S> target;           ///< T, n x n, borrowed
  MatrixView<const S> label_distances;  ///< L, n x n, borrowed; 0 for samples of one class
};

/// A target distance for every pair of the batch (n x n, borrowed, its upper triangle read, its
/// diagonal ignored), used as it is: no regularizer is applied. Two samples count as of one class
/// where T_ij = 0. The way to use a similarity matrix of one's own, or `regularize` with
/// `affinity`.
template <FeatureMatrix Y>
auto target_matrix(const Y& target) {
  const auto whole = detail::const_view(target);
  return TargetMatrix<std::remove_const_t<detail::ViewElement<const Y>>>{whole, whole};
}
/// @cond
template <detail::Owning Y>
detail::NeedsAVariableNotATemporary target_matrix(const Y&& target) = delete;
template <detail::NotInMemory Y>
detail::NeedsAMatrixInMemory target_matrix(const Y& target) = delete;
/// @endcond

/// The same, with two samples of one class where label_distances_ij = 0: for regularized targets.
template <FeatureMatrix Y, FeatureMatrix L>
requires std::same_as<std::remove_const_t<detail::ViewElement<const Y>>,
                      std::remove_const_t<detail::ViewElement<const L>>>
auto target_matrix(const Y& target, const L& label_distances) {
  return TargetMatrix<std::remove_const_t<detail::ViewElement<const Y>>>{
      target_matrix(target).target, target_matrix(label_distances).target};
}
/// @cond
template <class Y, detail::TemporaryOr<Y> L>
detail::NeedsAVariableNotATemporary target_matrix(Y&& target, L&& label_distances) = delete;
/// @endcond

namespace detail {

template <class L>
concept EigenVector = EigenDense<L> && bool(Bare<L>::IsVectorAtCompileTime);

template <class L>
struct IsLabelVectors : std::false_type {};
template <class S, class M>
struct IsLabelVectors<LabelVectors<S, M>> : std::true_type {};

template <class L>
struct IsTargetMatrix : std::false_type {};
template <class S>
struct IsTargetMatrix<TargetMatrix<S>> : std::true_type {};

}  // namespace detail

/// Everything a Loss accepts as labels. A vector of floating-point numbers is refused: it could be
/// class ids or regression targets, and `label_vectors` says which.
template <class L>
concept Labels = ClassLabels<L> ||(FeatureMatrix<L> && !detail::EigenVector<L>) ||
                 detail::IsLabelVectors<L>::value || detail::IsTargetMatrix<L>::value;

}  // namespace ldmat
