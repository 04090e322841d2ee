#pragma once

#include <ldmat/checks.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/options.hpp>
#include <ldmat/penalty.hpp>
#include <ldmat/view.hpp>

/// What the anchored loss computes (see ldmat/anchored.hpp).

namespace ldmat {

/// What an AnchoredLoss computes.
template <class M = Euclidean, class P = OneSided<Squared>>
struct AnchorOptions {
  /// a, K x d: where each class belongs, K and d >= 1, finite. `attainable(table, d).positions` has the
  /// distances of a class table, as far as d dimensions allow.
  Eigen::MatrixXd anchors = {};
  /// T, K x K wanted distances between samples of a class (row) and anchors: symmetric, zero diagonal,
  /// finite, not negative; with `beyond_own`, those beyond the own anchor's. Empty: by `target_share`.
  Eigen::MatrixXd class_table = {};
  /// Without a class table, T is so much of the distances between anchors, >= 0. With a one-sided
  /// penalty, a sample at its own anchor costs nothing up to 1, and the less, the fewer other classes
  /// charge a sample that is not there yet. (Without `beyond_own`: from the middle of K anchors that are
  /// all equally far apart, each is sqrt((K - 1) / (2 K)) of that away: 0.67 for ten, 0.70 for a hundred.)
  double target_share = 1;
  /// Count the wanted distances to other anchors from the own one's: phi(D_ic - D_iy - T_yc). With a
  /// one-sided penalty, other classes then charge a sample only where they are not farther from it than
  /// its own by T_yc, wherever the sample lies. Meant for one-sided penalties and a `target_share` well
  /// below 1, such as 0.25: where the metric has a triangle inequality, D_ic - D_iy is never above the
  /// distance between the anchors, and at a share of 1 no sample but one at its anchor would be free.
  bool beyond_own = false;
  M metric = {};   ///< rho: parameters of a metric that has some
  P penalty = {};  ///< phi: parameters of the penalty
  /// s: the share of a sample's own anchor in its loss, in [0, 1]; the K - 1 others have the rest.
  double same_share = 0.5;
  /// Refuse NaN and infinite features, with the first row and column. Costs one pass over them;
  /// otherwise they propagate to the value and the gradient.
  bool check_finite = false;

  /// Throws std::invalid_argument where an option is outside its range.
  void validate() const {
    if (anchors.size() == 0) {
      detail::throw_invalid({"AnchorOptions::anchors is ",
                             detail::Shape{anchors.rows(), anchors.cols()},
                             ", but must have a row per class and a column per feature"});
    }
    detail::require_finite("AnchorOptions::anchors", detail::const_view(anchors),
                           "anchors must be finite");
    detail::require_range("AnchorOptions::same_share", same_share, 0, 1);
    detail::require_non_negative({"AnchorOptions::target_share"}, target_share);
    if (class_table.size() > 0) {
      detail::require_table("AnchorOptions::class_table", class_table, true);
      detail::require_classes("AnchorOptions::class_table", class_table.rows(), anchors.rows());
    }
    if constexpr (requires { penalty.validate(); }) penalty.validate();
    if constexpr (requires { metric.validate(); }) metric.validate();
  }
};

}  // namespace ldmat
