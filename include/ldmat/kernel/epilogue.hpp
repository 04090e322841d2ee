#pragma once

#include <ldmat/kernel/layout.hpp>
#include <ldmat/kernel/simd.hpp>
#include <ldmat/kernel/targets.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/penalty.hpp>

/// What every kernel does between its two halves, a pack of pairs at a time: from the sums over
/// components to distances, penalties and the coefficients of the gradient. The only part of a
/// kernel that knows the target and the penalty.

namespace ldmat::detail {

/// Sums over pairs in the lanes of packs.
template <class V>
struct LaneSums {
  V penalty = math::constant<V>(0);
  V distance = math::constant<V>(0);
  V same_distance = math::constant<V>(0);

  LDMAT_ALWAYS_INLINE void add(V cost, V pair_distance, Mask<V> same) {
    penalty = penalty + cost;
    distance = distance + pair_distance;
    same_distance = same_distance + keep_where(same, pair_distance);
  }
};

/// Sums over pairs: in lanes, and from time to time in double.
template <class V>
class Totals {
 public:
  LaneSums<V> lanes;

  /// To be called after `packs` packs were added to `lanes`: a lane adds up some hundred terms at
  /// most.
  void count(Index packs) noexcept {
    terms_ += packs;
    if (terms_ >= 64) flush();
  }
  PairSums total() noexcept {
    flush();
    return sums_;
  }

 private:
  void flush() noexcept {
    sums_.penalty += static_cast<double>(sum_of(lanes.penalty));
    sums_.distance += static_cast<double>(sum_of(lanes.distance));
    sums_.same_distance += static_cast<double>(sum_of(lanes.same_distance));
    lanes = {};
    terms_ = 0;
  }

  PairSums sums_;
  Index terms_ = 0;
};

/// An epilogue as kernels call it, once per row: they are compiled once for all targets and
/// penalties.
template <class Arch, class T>
struct RowEpilogue {
  using Sums = Totals<Pack<T, Arch>>;
  const void* self;
  void (*call)(const void* self, Index i, Index first, Index begin, Index end, T* sums,
               Sums& totals) noexcept;

  /// Pairs (i, j) for begin <= j < end, whose sums over components stand at sums[j - first], where
  /// first <= begin. With gradient, w_ij phi'(D_ij - T_ij) slope(D_ij) takes their place, and 0
  /// that of all other j from `first` to the end of the last pack.
  void operator()(Index i, Index first, Index begin, Index end, T* sums,
                  Sums& totals) const noexcept {
    call(self, i, first, begin, end, sums, totals);
  }
};

template <class Arch, bool WithGradient, class T, Metric M, Penalty P, class Target>
class Epilogue {
  using V = Pack<T, Arch>;
  static constexpr Index lanes = PackTraits<V>::size;
  static_assert(lanes <= widest<T>, "ldmat: packs of more than 64 bytes are not supported");

 public:
  Epilogue(const M& metric, const P& penalty, const Target& target)
      : metric_(metric), penalty_(penalty), target_(target) {}

  operator RowEpilogue<Arch, T>() const noexcept {  // NOLINT(google-explicit-constructor)
    return {this, [](const void* self, Index i, Index first, Index begin, Index end, T* sums,
                     Totals<V>& totals) noexcept {
              static_cast<const Epilogue*>(self)->row(i, first, begin, end, sums, totals);
            }};
  }

 private:
  LDMAT_ALWAYS_INLINE void row(Index i, Index first, Index begin, Index end, T* sums,
                               Totals<V>& totals) const noexcept {
    const auto target_row = target_.row(i);
    LaneSums<V> lane_sums = totals.lanes;
    const Index whole = first + (begin - first + lanes - 1) / lanes * lanes;
    const Index last = whole < end ? end - (end - whole) % lanes : whole;
    if constexpr (WithGradient) {
      for (Index j = first; j + lanes <= begin; j += lanes) {
        write(sums + (j - first), math::constant<V>(0));
      }
    }
    for (Index j = whole; j < last; j += lanes) {
      step<false>(target_row, j, {}, sums + (j - first), lane_sums);
    }
    // What `begin` and `end` cut.
    for (const Index j : {begin < whole ? whole - lanes : end, last}) {
      if (j >= end) continue;
      const Mask<V> valid = first_lanes<V>(end - j) && !first_lanes<V>(begin - j);
      step<true>(target_row, j, valid, sums + (j - first), lane_sums);
    }
    totals.lanes = lane_sums;
    totals.count((end - first) / lanes + 1);
  }

  template <bool Masked, class TargetRow>
  LDMAT_ALWAYS_INLINE void step(const TargetRow& target_row, Index j, const Mask<V>& valid, T* at,
                                LaneSums<V>& lane_sums) const noexcept {
    using namespace math;
    const auto keep = [&](V x) LDMAT_ALWAYS_INLINE_LAMBDA {
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

  const M& metric_;
  const P& penalty_;
  const Target& target_;
};

}  // namespace ldmat::detail
