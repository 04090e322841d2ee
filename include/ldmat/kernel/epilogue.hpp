#pragma once

#include <ldmat/kernel/simd.hpp>
#include <ldmat/kernel/targets.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/penalty.hpp>

/// What every kernel does between its two halves, a pack of pairs at a time: from the sums over
/// components to distances, penalties and the coefficients of the gradient. The only part of a
/// kernel that knows the target and the penalty.

namespace ldmat::detail {

/// Sums over pairs in the lanes of a pack.
template <class V>
struct LaneSums {
  V penalty = math::constant<V>(0);
  V distance = math::constant<V>(0);
  V same_distance = math::constant<V>(0);

  LDMAT_ALWAYS_INLINE void add(const V& cost, const V& pair_distance, const Mask<V>& same) {
    penalty = penalty + cost;
    distance = distance + pair_distance;
    same_distance = same_distance + keep_where(same, pair_distance);
  }
  void add_to(PairSums& sums) const {
    sums.penalty += static_cast<double>(sum_of(penalty));
    sums.distance += static_cast<double>(sum_of(distance));
    sums.same_distance += static_cast<double>(sum_of(same_distance));
  }
};

template <class Arch, bool WithGradient, class T, Metric M, Penalty P, class Target>
class Epilogue {
  using V = Pack<T, Arch>;
  static constexpr Index lanes = PackTraits<V>::size;
  /// Terms that a lane may add up in T before they go to a double sum.
  static constexpr Index most_terms = 64;

 public:
  Epilogue(const M& metric, const P& penalty, const Target& target)
      : metric_(metric), penalty_(penalty), target_(target) {}

  /// Pairs (i, j) for begin <= j < end, whose sums over components stand at sums[j - first], where
  /// first <= begin. WithGradient, w_ij phi'(D_ij - T_ij) slope(D_ij) takes their place, and 0 that
  /// of all other j from `first` to the end of the last pack.
  void row(Index i, Index first, Index begin, Index end, T* sums) noexcept {
    const auto target_row = target_.row(i);
    LaneSums<V> lane_sums = lane_sums_;
    Index j = first;
    for (; j + lanes <= begin; j += lanes) {
      if constexpr (WithGradient) write(sums + (j - first), math::constant<V>(0));
    }
    if (j < begin) {
      const Mask<V> valid = first_lanes<V>(end - j) && !first_lanes<V>(begin - j);
      step<true>(target_row, j, valid, sums + (j - first), lane_sums);
      j += lanes;
    }
    for (; j + lanes <= end; j += lanes) {
      step<false>(target_row, j, {}, sums + (j - first), lane_sums);
    }
    if (j < end) step<true>(target_row, j, first_lanes<V>(end - j), sums + (j - first), lane_sums);
    lane_sums_ = lane_sums;
    terms_ += (end - first + lanes - 1) / lanes;
    if (terms_ >= most_terms) flush();
  }

  /// What was summed since the last call.
  PairSums take_sums() noexcept {
    flush();
    const PairSums result = sums_;
    sums_ = {};
    return result;
  }

 private:
  template <bool Masked, class TargetRow>
  LDMAT_ALWAYS_INLINE void step(const TargetRow& target_row, Index j, const Mask<V>& valid, T* at,
                                LaneSums<V>& lane_sums) const noexcept {
    const auto keep = [&](const V& x) LDMAT_ALWAYS_INLINE_LAMBDA {
      if constexpr (Masked) {
        return keep_where(valid, x);
      } else {
        return x;
      }
    };
    const Measured<V> measured = measure(metric_, read<V>(at));
    const PairTarget<V> pair = target_row.template pair<V>(j);
    const Penalized<V> cost = penalty_(V(measured.distance - pair.distance), pair.same);
    const V distance = keep(measured.distance);
    lane_sums.add(keep(V(pair.weight * cost.value)), distance, pair.same);
    if constexpr (Target::observes) {
      if (target_row.observing()) observe<Masked>(target_row, j, valid, distance);
    }
    if constexpr (WithGradient) write(at, keep(V(pair.weight * cost.slope * measured.slope)));
  }

  template <bool Masked, class TargetRow>
  static void observe(const TargetRow& target_row, Index j, const Mask<V>& valid,
                      const V& distance) noexcept {
    alignas(64) T lane[lanes];
    write(lane, distance);
    for (Index l = 0; l < lanes; ++l) {
      if (!Masked || lane_of(valid, l)) target_row.observe(j + l, lane[l]);
    }
  }

  void flush() noexcept {
    lane_sums_.add_to(sums_);
    lane_sums_ = {};
    terms_ = 0;
  }

  const M& metric_;
  const P& penalty_;
  const Target& target_;
  LaneSums<V> lane_sums_;
  PairSums sums_;
  Index terms_ = 0;
};

}  // namespace ldmat::detail
