#pragma once

#include <ldmat/cuda/kernel/block.hpp>
#include <ldmat/kernel/counts.hpp>

#include <cmath>

/// What a call leaves in the memory of the device: its result, and what it refused. Labels and
/// features are there, and looking at them from the host would mean to wait for them; so kernels look,
/// write no gradient where something is wrong, and whoever reads the result throws.

namespace ldmat::detail::cuda {

struct Report {
  LossResult result;
  double gradient_scale;

  std::int64_t bad_label;        ///< index of the first label that was refused, `samples` for none
  std::int64_t bad_label_value;  ///< what it is
  std::int64_t bad_label_unsigned;  ///< whether that is to be read as unsigned
  std::int64_t bad_feature;         ///< i * d + k of the first feature that is not finite, or n * d
  double bad_feature_value;
  std::int64_t samples;
  std::int64_t features;  ///< n * d

  PairSums sums;
  PairCounts counts;

  LDMAT_HOST_DEVICE bool refused() const { return bad_label < samples || bad_feature < features; }
};

/// Before anything else of a call.
struct BeginReport {
  static constexpr int threads = 1;
  using Shared = NothingShared;
  Report* report;
  Index n;
  Index d;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    block.each([&](int) {
      Report begun{};
      begun.samples = begun.bad_label = n;
      begun.features = begun.bad_feature = n * d;
      begun.counts.all = pairs_among(n);
      *report = begun;
    });
  }
};

/// After all sums are there.
struct FinishReport {
  static constexpr int threads = 1;
  using Shared = NothingShared;
  Report* report;
  Reduction reduction;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    block.each([&](int) {
      Report& r = *report;
      const Reduced reduced = reduce(reduction, r.sums.penalty, r.counts);
      r.gradient_scale = reduced.gradient_scale;
      r.result = loss_result(reduced.value, r.sums, r.counts);
      if (r.refused()) {
        r.result = LossResult{};
        r.result.value = static_cast<double>(NAN);
      }
    });
  }
};

/// Whom tile `left` meets in a round, maybe itself; the game is that of the smaller of the two.
LDMAT_HOST_DEVICE constexpr Index opponent(Index left, Index round, Index tiles) {
  return (round + tiles - left) % tiles;
}

/// report.sums += sums over `count` triples of doubles, always in the same order. Of the games of a
/// window (kernels of differences) only those that were played are set: see played_first.
struct AddSums {
  static constexpr int threads = block_threads;
  struct Shared {
    double sums[3][threads];
  };
  Report* report;
  const double* triples;  ///< 3 x count
  Index count;
  Index tiles = 0;  ///< of a window of games; 0: all are set
  Index first_round = 0;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    block.each([&](int thread) {
      double sums[3] = {0, 0, 0};
      for (Index at = thread; at < count; at += threads) {
        if (tiles > 0) {
          const Index tile = at % tiles;
          if (opponent(tile, first_round + at / tiles, tiles) < tile) continue;
        }
        for (int q = 0; q < 3; ++q) sums[q] += triples[q * count + at];
      }
      for (int q = 0; q < 3; ++q) shared.sums[q][thread] = sums[q];
    });
    sum_over_threads(block, shared.sums);
    block.each([&](int thread) {
      if (thread != 0) return;
      report->sums += PairSums{shared.sums[0][0], shared.sums[1][0], shared.sums[2][0]};
    });
  }
};

}  // namespace ldmat::detail::cuda
