#pragma once

#include <ldmat/kernel/layout.hpp>

#include <algorithm>
#include <new>

#if defined(_OPENMP)
#include <omp.h>
#endif

/// Which pairs of blocks of the batch are computed when, and by how many threads.

namespace ldmat::detail {

/// n^2 (d + 10), about a third of a millisecond, from which another thread is started: it gains from
/// less, but where the machine is busy it may cost a time slice, which is several milliseconds.
inline constexpr double least_work_for_threads = 1e7;

/// Blocks meet as in a round-robin tournament: in every round each block is in at most one pair, so
/// that the pairs of a round can add to their blocks' gradients at the same time. A block meets the
/// others in the same order whatever the number of threads, and so the gradient has the same bits.
struct Tournament {
  Index blocks;

  /// Round 0 is every block against itself.
  LDMAT_ALWAYS_INLINE Index rounds() const { return blocks + blocks % 2; }
  LDMAT_ALWAYS_INLINE Index all_games() const { return blocks + (rounds() - 1) * later_games(); }

  struct Place {
    Index round;
    Index number;
  };
  /// Of the game that comes `at`-th.
  LDMAT_ALWAYS_INLINE Place place(Index at) const {
    if (at < blocks) return {0, at};
    return {1 + (at - blocks) / later_games(), (at - blocks) % later_games()};
  }

  struct Game {
    Index first;
    Index second;
    bool played;  ///< no: an odd block has nobody to meet
  };
  LDMAT_ALWAYS_INLINE Game game(Index round, Index number) const {
    if (round == 0) return {number, number, true};
    const Index circle =
        rounds() - 1;  // all but one sit in a circle, which turns by one each round
    const Index a = number == 0 ? circle : (round + number) % circle;
    const Index b = (round + circle - number) % circle;
    return {std::min(a, b), std::max(a, b), std::max(a, b) < blocks};
  }

 private:
  /// Of each round but the first.
  LDMAT_ALWAYS_INLINE Index later_games() const { return (blocks + 1) / 2; }
};

/// Calls play(i0, i1, j0, j1, scratch) for all pairs of the batch's blocks [i0, i1) and [j0, j1), and
/// adds up what it returns.
///
/// Threads take the games in order. A game waits until both of its blocks have played all earlier
/// rounds, and no thread waits for more than that: on a busy machine a barrier after every round
/// would cost many times what the work does.
template <class Backend, class T, class Play>
PairSums play_all(const PackedBatch<T>& batch, const Play& play) noexcept {
  const Index rows = block_rows<T>(batch.gram, batch.n);
  const Tournament tournament{block_count<T>(batch.gram, batch.n)};
  BlockState* const blocks = batch.blocks;
  for (Index b = 0; b < tournament.blocks; ++b) new (blocks + b) BlockState;

  const auto play_game = [&](Index round, Index number, T* scratch) noexcept {
    const Tournament::Game game = tournament.game(round, number);
    BlockState& first = blocks[game.first];
    if (!game.played) {
      first.wait_for(round);
      first.finish(round);
      return;
    }
    BlockState& second = blocks[game.second];
    first.wait_for(round);
    second.wait_for(round);
    const auto end_of = [&](Index block) { return std::min(batch.n, (block + 1) * rows); };
    first.sums += play(game.first * rows, end_of(game.first), game.second * rows,
                       end_of(game.second), scratch);
    first.finish(round);
    if (game.first != game.second) second.finish(round);
  };
#if defined(_OPENMP)
  if (Backend::threads && batch.threads > 1) {
    std::atomic<Index> next{0};
#pragma omp parallel num_threads(batch.threads)
    {
      T* const scratch = batch.scratch + omp_get_thread_num() * batch.scratch_apart;
      for (Index at = next.fetch_add(1); at < tournament.all_games(); at = next.fetch_add(1)) {
        const auto [round, number] = tournament.place(at);
        play_game(round, number, scratch);
      }
    }
  } else
#endif
  {
    for (Index at = 0; at < tournament.all_games(); ++at) {
      const auto [round, number] = tournament.place(at);
      play_game(round, number, batch.scratch);
    }
  }
  PairSums sums;
  for (Index b = 0; b < tournament.blocks; ++b) sums += blocks[b].sums;
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
