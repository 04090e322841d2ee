#pragma once

#include <ldmat/kernel/pack.hpp>
#include <ldmat/kernel/targets.hpp>
#include <ldmat/penalty.hpp>

/// Three loops, any metric, any target: the reference that every other kernel is tested against.

namespace ldmat::detail {

/// Sums over all pairs i < j of the rows of `x` (n x width, packed). With WithGradient, adds the
/// gradient of the penalty sum with respect to x to `g` (same shape). O(n^2 width) time.
template <bool WithGradient, class T, Metric M, Penalty P, class Target>
PairSums plain_kernel(MatrixView<const T> x, MatrixView<T> g, const M& metric, const P& penalty,
                      const Target& target) noexcept {
  PairSums sums;
  for (Index i = 0; i < x.rows; ++i) {
    const auto row = target.row(i);
    for (Index j = i + 1; j < x.rows; ++j) {
      T sum = 0;
      for (Index k = 0; k < x.columns; ++k) sum = metric.accumulate(sum, x(i, k) - x(j, k));
      const T distance = metric.distance(sum);
      const PairTarget<T> pair = row.template pair<T>(j);
      const Penalized<T> cost = penalty(distance - pair.distance, pair.same);

      sums.penalty += static_cast<double>(pair.weight * cost.value);
      sums.distance += static_cast<double>(distance);
      if (pair.same) sums.same_distance += static_cast<double>(distance);
      if constexpr (Target::observes) {
        if (row.observing()) row.observe(j, distance);
      }
      if constexpr (WithGradient) {
        const T coefficient = pair.weight * cost.slope * metric.slope(distance);
        for (Index k = 0; k < x.columns; ++k) {
          const T step = coefficient * metric.direction(x(i, k) - x(j, k));
          g(i, k) += step;
          g(j, k) -= step;
        }
      }
    }
  }
  return sums;
}

}  // namespace ldmat::detail
