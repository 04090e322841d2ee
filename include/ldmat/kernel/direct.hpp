#pragma once

#include <ldmat/kernel/pack.hpp>
#include <ldmat/kernel/simd.hpp>
#include <ldmat/kernel/targets.hpp>
#include <ldmat/penalty.hpp>

#include <algorithm>

/// Any metric, by differences: exact for near-duplicates, best for a small dimension. One row
/// against a pack of columns at a time, upper triangle only; features lie one component behind the
/// other, so that a pack holds the same component of neighbouring samples.

namespace ldmat::detail {

/// Sums over one row i and the columns it is asked for, in the lanes of a pack.
template <class V>
struct LaneSums {
  V penalty = math::constant<V>(0);
  V distance = math::constant<V>(0);
  V same_distance = math::constant<V>(0);

  void add(const V& cost, const V& pair_distance, const Mask<V>& same) {
    using namespace math;
    penalty = penalty + cost;
    distance = distance + pair_distance;
    same_distance = same_distance + select(same, pair_distance, constant<V>(0));
  }
  void add_to(PairSums& sums) const {
    sums.penalty += static_cast<double>(sum_of(penalty));
    sums.distance += static_cast<double>(sum_of(distance));
    sums.same_distance += static_cast<double>(sum_of(same_distance));
  }
};

/// `x` holds component k of sample i at x[k * stride + i]; `g`, of the same layout, must be zero
/// and receives the gradient of the penalty sum. Both are padded by one pack. `row_gradient` holds
/// `width` packs of scratch. O(n^2 width) time, no other memory.
template <class Arch, bool WithGradient, class T, Metric M, Penalty P, class Target>
class DirectKernel {
  using V = Pack<T, Arch>;
  static constexpr Index lanes = PackTraits<V>::size;
  static constexpr Index tile =
      512;  // columns: their features and gradient stay in the first caches

 public:
  const T* x;
  T* g;
  Index n;
  Index width;
  Index stride;
  T* row_gradient;
  const M& metric;
  const P& penalty;
  const Target& target;

  PairSums operator()() const noexcept {
    PairSums sums;
    for (Index begin = 0; begin < n; begin += tile) {
      const Index end = std::min(begin + tile, n);
      for (Index i = 0; i + 1 < end; ++i) row(i, std::max(begin, i + 1), end, sums);
    }
    return sums;
  }

 private:
  void row(Index i, Index begin, Index end, PairSums& sums) const noexcept {
    const auto target_row = target.row(i);
    LaneSums<V> lane_sums;
    if constexpr (WithGradient) {
      for (Index k = 0; k < width; ++k) write(row_gradient + k * lanes, math::constant<V>(0));
    }
    for (Index j = begin; j < end; j += lanes) {
      step(i, j, std::min(lanes, end - j), target_row, lane_sums);
    }
    lane_sums.add_to(sums);
    if constexpr (WithGradient) {
      for (Index k = 0; k < width; ++k) {
        g[k * stride + i] += sum_of(read<V>(row_gradient + k * lanes));
      }
    }
  }

  V difference(Index i, Index j, Index k) const noexcept {
    return V(x[k * stride + i]) - read<V>(x + k * stride + j);
  }

  /// Pairs (i, j) to (i, j + count - 1), count <= lanes.
  template <class TargetRow>
  void step(Index i, Index j, Index count, const TargetRow& target_row,
            LaneSums<V>& lane_sums) const noexcept {
    using namespace math;
    const V zero = constant<V>(0);
    const Mask<V> valid = first_lanes<V>(count);
    V sum = zero;
    for (Index k = 0; k < width; ++k) sum = metric.accumulate(sum, difference(i, j, k));
    const V distance = metric.distance(sum);
    const PairTarget<V> pair = target_row.template pair<V>(j);
    const Penalized<V> cost = penalty(V(distance - pair.distance), pair.same);
    lane_sums.add(select(valid, V(pair.weight * cost.value), zero), select(valid, distance, zero),
                  pair.same);
    if constexpr (Target::observes) {
      if (target_row.observing()) observe(target_row, j, count, distance);
    }
    if constexpr (WithGradient) {
      const V coefficient =
          select(valid, V(pair.weight * cost.slope * metric.slope(distance)), zero);
      for (Index k = 0; k < width; ++k) {
        const V move = coefficient * metric.direction(difference(i, j, k));
        T* const at = row_gradient + k * lanes;
        write(at, V(read<V>(at) + move));
        T* const other = g + k * stride + j;
        write(other, V(read<V>(other) - move));
      }
    }
  }

  template <class TargetRow>
  void observe(const TargetRow& target_row, Index j, Index count,
               const V& distance) const noexcept {
    alignas(64) T lane[lanes];
    write(lane, distance);
    for (Index l = 0; l < count; ++l) target_row.observe(j + l, lane[l]);
  }
};

}  // namespace ldmat::detail
