#pragma once

#include <ldmat/kernel/layout.hpp>

#include <algorithm>

#if defined(_OPENMP)
#include <omp.h>
#endif

/// Which pairs of blocks of the batch are computed when, and by how many threads.

namespace ldmat::detail {

/// n^2 (d + 10) from which a second thread was seen to help: see docs/benchmarks.md.
inline constexpr double least_work_for_threads = 2.5e6;

/// Blocks meet as in a round-robin tournament: in every round each block is in at most one pair, so
/// that the pairs of a round can add to their blocks' gradients at the same time. A block meets the
/// others in the same order whatever the number of threads, and so the gradient has the same bits.
struct Tournament {
  Index blocks;

  /// Round 0 is every block against itself.
  Index rounds() const { return blocks + blocks % 2; }
  Index games(Index round) const { return round == 0 ? blocks : (blocks + 1) / 2; }

  struct Game {
    Index first;
    Index second;
    bool played;  ///< no: an odd block has nobody to meet
  };
  Game game(Index round, Index number) const {
    if (round == 0) return {number, number, true};
    const Index circle =
        rounds() - 1;  // all but one sit in a circle, which turns by one each round
    const Index a = number == 0 ? circle : (round + number) % circle;
    const Index b = (round + circle - number) % circle;
    return {std::min(a, b), std::max(a, b), std::max(a, b) < blocks};
  }
};

/// Calls play(i0, i1, j0, j1, scratch) for all pairs of the batch's blocks [i0, i1) and [j0, j1), and
/// adds up what it returns.
template <class Backend, class T, class Play>
PairSums play_all(const PackedBatch<T>& batch, const Play& play) noexcept {
  const Index rows = block_rows<T>(batch.gram, batch.n);
  const Tournament tournament{block_count<T>(batch.gram, batch.n)};
  // One sum for each game of a round: which thread plays it makes no difference.
  std::fill(batch.slots, batch.slots + tournament.blocks, PairSums{});
  const auto play_one = [&](Index round, Index number, int thread) noexcept {
    const Tournament::Game game = tournament.game(round, number);
    if (!game.played) return;
    const auto end_of = [&](Index block) { return std::min(batch.n, (block + 1) * rows); };
    batch.slots[number] += play(game.first * rows, end_of(game.first), game.second * rows,
                                end_of(game.second), batch.scratch + thread * batch.scratch_apart);
  };
#if defined(_OPENMP)
  if (Backend::threads && batch.threads > 1) {
#pragma omp parallel num_threads(batch.threads)
    for (Index round = 0; round < tournament.rounds(); ++round) {
#pragma omp for schedule(dynamic, 1)
      for (Index number = 0; number < tournament.games(round); ++number) {
        play_one(round, number, omp_get_thread_num());
      }
    }
  } else
#endif
  {
    for (Index round = 0; round < tournament.rounds(); ++round) {
      for (Index number = 0; number < tournament.games(round); ++number) play_one(round, number, 0);
    }
  }
  PairSums sums;
  for (Index number = 0; number < tournament.blocks; ++number) sums += batch.slots[number];
  return sums;
}

/// Threads for a batch of n samples of `width` components in `blocks` blocks, where the caller asks
/// for `asked` (0: as many as OpenMP would start, once the work is worth waking them).
template <bool Threaded>
int thread_count(int asked, Index n, Index width, Index blocks) noexcept {
#if defined(_OPENMP)
  if constexpr (Threaded) {
    // A pair's components in multiply-adds; its epilogue costs about as much as ten of them.
    const auto samples = static_cast<double>(n);
    const double work = samples * samples * static_cast<double>(width + 10);
    const bool worth = work >= least_work_for_threads && omp_in_parallel() == 0;
    const int wanted = asked > 0 ? asked : (worth ? omp_get_max_threads() : 1);
    return static_cast<int>(std::min<Index>(wanted, blocks));
  }
#endif
  static_cast<void>(n);
  static_cast<void>(width);
  static_cast<void>(blocks);
  static_cast<void>(asked);
  return 1;
}

}  // namespace ldmat::detail
