#pragma once

#include <ldmat/cuda/kernel/source.hpp>

/// What can only be known of label vectors and of whole targets by looking at every pair.

namespace ldmat::detail::cuda {

/// Of each row of a target that can be read pair by pair: how many of its pairs i < j are of one
/// class, and the sum of their label distances. Label vectors and whole targets are counted so.
template <class T, class Target>
struct SurveyRows {
  static constexpr int threads = block_threads;
  struct Shared {
    double sums[2][threads];
  };
  Target target;
  Index n;
  double* row_sums;  ///< n
  Report* report;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    const Index i = block.index();
    block.each([&](int thread) {
      const auto row = target.row(i);
      double sum = 0;
      double same = 0;
      for (Index j = i + 1 + thread; j < n; j += threads) {
        const T distance = label_distance(row, j);
        sum += static_cast<double>(distance);
        same += distance == T(0) ? 1 : 0;
      }
      shared.sums[0][thread] = sum;
      shared.sums[1][thread] = same;
    });
    sum_over_threads(block, shared.sums);
    block.each([&](int thread) {
      if (thread != 0) return;
      row_sums[i] = shared.sums[0][0];
      const auto same = static_cast<std::int64_t>(shared.sums[1][0]);
      if (same > 0) add_atomically(&report->counts.same, same);
    });
  }

 private:
  template <class Row>
  LDMAT_KERNEL T label_distance(const Row& row, Index j) const {
    if constexpr (requires { row.template label_distance<T>(j); }) {
      return row.template label_distance<T>(j);
    } else {
      return static_cast<T>(target.label_distances(row.i, j));
    }
  }
};

template <class T>
struct SurveyFacts {
  static constexpr int threads = block_threads;
  struct Shared {
    double sums[1][threads];
  };
  const double* row_sums;
  Index n;
  Report* report;
  TargetFacts<T>* facts;
  Weights::Kind kind;
  double same_share;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    block.each([&](int thread) {
      double sum = 0;
      for (Index i = thread; i < n; i += threads) sum += row_sums[i];
      shared.sums[0][thread] = sum;
    });
    sum_over_threads(block, shared.sums);
    block.each([&](int thread) {
      if (thread != 0) return;
      PairCounts& counts = report->counts;
      const KindWeights weights = kind_weights(kind, same_share, counts);
      const double mean = counts.all == 0 ? 0 : shared.sums[0][0] / static_cast<double>(counts.all);
      *facts = {{T(0), T(0), static_cast<T>(weights.same), static_cast<T>(weights.different)},
                mean};
    });
  }
};

}  // namespace ldmat::detail::cuda
