#pragma once

#include <ldmat/cuda/kernel/targets.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/penalty.hpp>

/// From the sum over components of one pair to its penalty and coefficient: what kernel/epilogue.hpp
/// does on a CPU, and the only part of the kernels that knows the target and the penalty.

namespace ldmat::detail::cuda {

/// Sums over the pairs of one thread, some ten at a time.
template <class T>
struct ThreadSums {
  T penalty;
  T distance;
  T same_distance;
};

template <class T, class M, class P, class Target>
struct PairEpilogue {
  const M& metric;
  const P& penalty;
  const Target& target;
  const Observer& observer;

  /// The coefficient w_ij phi'(D_ij - T_ij) slope(D_ij) of pair i < j, whose distance and penalty are
  /// added to `sums` where `counted`.
  LDMAT_KERNEL T operator()(Index i, Index j, T sum, bool counted, ThreadSums<T>& sums) const {
    const auto row = target.row(i);
    const Measured<T> measured = measure(metric, sum);
    const PairTarget<T> pair = row.template pair<T>(j);
    const Penalized<T> cost = penalty(measured.distance - pair.distance, pair.same);
    if (counted) {
      sums.penalty += pair.weight * cost.value;
      sums.distance += measured.distance;
      if (pair.same) sums.same_distance += measured.distance;
      if constexpr (Target::observes) {
        if (observer.sums != nullptr) {
          observer.add(static_cast<Index>(target.index[i]), static_cast<Index>(target.index[j]),
                       measured.distance);
        }
      }
    }
    return pair.weight * cost.slope * measured.slope;
  }
};

/// Components k, k + 1, ... of the samples from `begin` on, one component behind the other; zeros behind
/// the last component and from sample `end` on.
template <int Threads, class T, int Depth, int Stride>
LDMAT_KERNEL void load_tile(MatrixView<const T> features, Index begin, Index end, Index k,
                            int thread, T (&tile)[Depth][Stride]) {
  constexpr int samples = Stride - 1;  // one more: neighbouring threads write to neighbouring banks
  for (int at = thread; at < samples * Depth; at += Threads) {
    const int component = at % Depth;
    const int sample = at / Depth;
    const bool inside = k + component < features.columns && begin + sample < end;
    tile[component][sample] = inside ? features(begin + sample, k + component) : T(0);
  }
}

}  // namespace ldmat::detail::cuda
