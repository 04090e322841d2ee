#pragma once

#include <ldmat/cuda/kernel/exact_sum.hpp>
#include <ldmat/cuda/kernel/source.hpp>

/// What a target of class ids needs to know of the batch and of the options: target and weight by kind
/// of pair, or tables by pair of classes.

namespace ldmat::detail::cuda {

/// Target and weight of both kinds of pairs.
template <class T, class R>
struct FixedFacts {
  static constexpr int threads = 1;
  using Shared = NothingShared;
  Report* report;
  TargetFacts<T>* facts;
  R regularizer;
  double class_distance;
  Weights::Kind kind;
  double same_share;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    block.each([&](int) {
      PairCounts& counts = report->counts;
      const KindWeights weights = kind_weights(kind, same_share, counts);
      const double mean = counts.all == 0
                              ? 0
                              : class_distance * static_cast<double>(counts.different()) /
                                    static_cast<double>(counts.all);
      const auto target_of = [&](double distance) {
        return static_cast<T>(regularizer(LabelPair<double>{distance, mean, distance}));
      };
      *facts = {{target_of(0), target_of(class_distance), static_cast<T>(weights.same),
                 static_cast<T>(weights.different)},
                mean};
    });
  }
};

/// Distances and weights by pair of classes, as the options say; tables are in the device's memory.
struct ClassPairs {
  Index classes;
  const double* distances;  ///< K x K, or null: class_distance
  double class_distance;
  const double* weights;  ///< K x K, or null: by kind
  Weights::Kind kind;
  double same_share;
  const double* running;        ///< K x K, or null: none is kept
  const std::int64_t* batches;  ///< that running has seen

  LDMAT_KERNEL double distance(Index a, Index b) const {
    if (distances != nullptr) return distances[a * classes + b];
    return a == b ? 0.0 : class_distance;
  }
};

/// Sums over all pairs of classes of what a batch holds of them.
template <class T>
struct TableFacts {
  static constexpr int threads = block_threads;
  struct Shared {
    double sums[2][threads];  ///< of distances, and of weights
  };
  ClassPairs pairs;
  const std::int64_t* samples;
  Report* report;
  TargetFacts<T>* facts;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    const Index k = pairs.classes;
    block.each([&](int thread) {
      double sum = 0;
      double weight_sum = 0;
      for (Index at = thread; at < k * k; at += threads) {
        const Index a = at / k;
        const Index b = at % k;
        if (b < a) continue;
        const std::int64_t count = a == b ? pairs_among(samples[a]) : samples[a] * samples[b];
        sum += pairs.distance(a, b) * static_cast<double>(count);
        if (pairs.weights != nullptr) weight_sum += pairs.weights[at] * static_cast<double>(count);
        if (a == b && count > 0) add_atomically(&report->counts.same, count);
      }
      shared.sums[0][thread] = sum;
      shared.sums[1][thread] = weight_sum;
    });
    sum_over_threads(block, shared.sums);
    block.each([&](int thread) {
      if (thread != 0) return;
      PairCounts& counts = report->counts;
      const KindWeights weights = kind_weights(pairs.kind, pairs.same_share, counts);
      if (pairs.weights != nullptr) counts.weight_sum = shared.sums[1][0];
      const double mean = counts.all == 0 ? 0 : shared.sums[0][0] / static_cast<double>(counts.all);
      *facts = {{T(0), T(0), static_cast<T>(weights.same), static_cast<T>(weights.different)},
                mean};
    });
  }
};

/// The tables that kernels read.
template <class T, class R>
struct FillTables {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  ClassPairs pairs;
  const TargetFacts<T>* facts;
  R regularizer;
  T* distances;
  T* weights;  ///< null: by kind

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    const Index k = pairs.classes;
    for_elements(block, k * k, [&](Index at) {
      const double distance = pairs.distance(at / k, at % k);
      const bool seen = pairs.running != nullptr && pairs.batches[at] > 0;
      distances[at] = static_cast<T>(regularizer(
          LabelPair<double>{distance, facts->mean, seen ? pairs.running[at] : distance}));
      if (weights != nullptr) weights[at] = static_cast<T>(pairs.weights[at]);
    });
  }
};

/// Where the distances of a batch are summed per pair of classes a <= b, for the adaptive regularizer.
struct Observer {
  std::int64_t* sums = nullptr;  ///< K x K exact sums; null where nobody asks
  Index classes = 0;

  template <class T>
  LDMAT_KERNEL void add(Index a, Index b, T distance) const {
    const Index at = a < b ? a * classes + b : b * classes + a;
    ExactSum<T>::add(sums + at * ExactSum<T>::bins, distance);
  }
};

/// C <- momentum C + (1 - momentum) * batch mean, and C <- batch mean the first time; means that are
/// not finite are left out.
template <class T>
struct UpdateRunning {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  Observer observer;
  const std::int64_t* samples;
  const Report* report;
  double momentum;
  double* running;
  std::int64_t* batches;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    const Index k = observer.classes;
    for_elements(block, k * k, [&](Index at) {
      const Index a = at / k;
      const Index b = at % k;
      if (b < a || report->refused()) return;
      const std::int64_t count = a == b ? pairs_among(samples[a]) : samples[a] * samples[b];
      if (count == 0) return;
      const double mean =
          ExactSum<T>::value(observer.sums + at * ExactSum<T>::bins) / static_cast<double>(count);
      if (!(mean - mean == 0)) return;
      const Index mirrored = b * k + a;
      running[at] = batches[at] == 0 ? mean : momentum * running[at] + (1 - momentum) * mean;
      running[mirrored] = running[at];
      batches[at] += 1;
      batches[mirrored] = batches[at];
    });
  }
};

}  // namespace ldmat::detail::cuda
