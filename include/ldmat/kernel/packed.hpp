#pragma once

#include <ldmat/kernel/direct.hpp>
#include <ldmat/kernel/gram.hpp>
#include <ldmat/kernel/schedule.hpp>

/// All work of order n^2, on a packed batch, for one instruction set: what ldmat::dispatch compiles
/// several times. Nothing in here includes Eigen.

namespace ldmat::detail {

template <class Backend, bool WithGradient, class T>
PairSums gram_sums(const PackedBatch<T>& batch,
                   const RowEpilogue<typename Backend::Arch, T>& epilogue) noexcept {
  using Arch = typename Backend::Arch;
  const GramTiles<Arch, T> tiles(batch);
  tiles.centre();
  const PairSums sums =
      play_all<Backend>(batch, [&](Index i0, Index i1, Index j0, Index j1, T* scratch) noexcept {
        Totals<Pack<T, Arch>> totals;
        gram_pairs<WithGradient>(tiles, i0, i1, j0, j1, scratch, epilogue, totals);
        return totals.total();
      });
  if constexpr (WithGradient) tiles.finish_gradient();
  return sums;
}

template <class Backend, bool WithGradient, class T, Metric M>
PairSums direct_sums(const PackedBatch<T>& batch, const M& metric,
                     const RowEpilogue<typename Backend::Arch, T>& epilogue) noexcept {
  using Arch = typename Backend::Arch;
  const DirectStrips<Arch, T, M> strips{batch.features.data, batch.gradient, batch.width,
                                        batch.features.column_stride, metric};
  const Index columns = DirectLayout<T>::columns(batch.width);
  return play_all<Backend>(batch, [&](Index i0, Index i1, Index j0, Index j1, T* scratch) noexcept {
    Totals<Pack<T, Arch>> totals;
    for (Index j = j0; j < j1; j += columns) {
      direct_pairs<WithGradient>(strips, i0, i1, j, std::min(j + columns, j1), scratch, epilogue,
                                 totals);
    }
    return totals.total();
  });
}

/// Sums over all pairs of the batch and, WithGradient, the gradient of the penalty sum with respect
/// to the packed features, in batch.gradient.
template <class Backend, bool WithGradient, class T, Metric M, Penalty P, class Target>
PairSums packed_sums(const PackedBatch<T>& batch, const M& metric, const P& penalty,
                     const Target& target) noexcept {
  const Epilogue<typename Backend::Arch, WithGradient, T, M, P, Target> epilogue(metric, penalty,
                                                                                 target);
  if constexpr (M::from_squared_norm) {
    if (batch.gram) return gram_sums<Backend, WithGradient, T>(batch, epilogue);
  }
  return direct_sums<Backend, WithGradient, T>(batch, metric, epilogue);
}

}  // namespace ldmat::detail
