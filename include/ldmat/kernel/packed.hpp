#pragma once

#include <ldmat/kernel/direct.hpp>
#include <ldmat/kernel/gram.hpp>
#include <ldmat/kernel/schedule.hpp>

/// All work of order n^2, on a packed batch, for one instruction set: what ldmat::dispatch compiles
/// several times. Nothing in here includes Eigen.

namespace ldmat::detail {

/// Sums over all pairs of the batch and, WithGradient, the gradient of the penalty sum with respect
/// to the packed features, in batch.gradient.
template <class Backend, bool WithGradient, class T, Metric M, Penalty P, class Target>
PairSums packed_sums(const PackedBatch<T>& batch, const M& metric, const P& penalty,
                     const Target& target) noexcept {
  using Arch = typename Backend::Arch;
  using Epilogue = detail::Epilogue<Arch, WithGradient, T, M, P, Target>;
  const Index rows = block_rows<T>(batch.gram, batch.n);
  const auto play = [&](const auto& pairs_of) {
    return play_all<Backend::threads>(
        Tournament{block_count<T>(batch.gram, batch.n)}, batch.threads, batch.slots,
        [&](Index first, Index second, int thread) noexcept {
          Epilogue epilogue(metric, penalty, target);
          pairs_of(first * rows, std::min(batch.n, (first + 1) * rows), second * rows,
                   std::min(batch.n, (second + 1) * rows),
                   batch.scratch + thread * batch.scratch_apart, epilogue);
          return epilogue.take_sums();
        });
  };
  if constexpr (M::from_squared_norm) {
    if (batch.gram) {
      const GramTiles<Arch, T> tiles(batch);
      tiles.centre();
      const PairSums sums =
          play([&](Index i0, Index i1, Index j0, Index j1, T* scratch, Epilogue& epilogue) {
            gram_pairs<WithGradient>(tiles, i0, i1, j0, j1, scratch, epilogue);
          });
      if constexpr (WithGradient) tiles.finish_gradient();
      return sums;
    }
  }
  const DirectStrips<Arch, T, M> strips{batch.features.data, batch.gradient, batch.width,
                                        batch.features.column_stride, metric};
  // Columns whose features and gradient stay in the first cache.
  const Index columns =
      std::clamp<Index>(3072 / batch.width / 64 * 64, 64, DirectLayout<T>::most_columns);
  return play([&](Index i0, Index i1, Index j0, Index j1, T* scratch, Epilogue& epilogue) {
    for (Index j = j0; j < j1; j += columns) {
      direct_pairs<WithGradient>(strips, i0, i1, j, std::min(j + columns, j1), scratch, epilogue);
    }
  });
}

}  // namespace ldmat::detail
