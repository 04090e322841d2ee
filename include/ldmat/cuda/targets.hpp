#pragma once

#include <ldmat/cuda/exact_sum.hpp>
#include <ldmat/cuda/source.hpp>
#include <ldmat/labels.hpp>

/// From labels in the memory of the device to targets.

namespace ldmat::detail::cuda {

/// Class ids as 64-bit integers; what is below 0 or from `classes` (0: 2^62) on is reported, and
/// replaced by 0.
template <ClassId L>
struct ReadLabels {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  const L* labels;
  Index n;
  Index classes;
  std::int64_t* ids;
  Report* report;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    const std::uint64_t limit =
        classes > 0 ? static_cast<std::uint64_t>(classes) : std::uint64_t{1} << 62;
    for_elements(block, n, [&](Index i) {
      const auto value = wide(labels[i]);
      const bool negative = is_signed && static_cast<std::int64_t>(value) < 0;
      const bool bad = negative || value >= limit;
      ids[i] = bad ? 0 : static_cast<std::int64_t>(value);
      if (bad) lower_atomically(&report->bad_label, i);
    });
  }

 private:
  template <class X>
  struct Integer {
    using type = X;
  };
  template <class X>
  requires std::is_enum_v<X>
  struct Integer<X> {
    using type = std::underlying_type_t<X>;
  };

 public:
  static constexpr bool is_signed = std::is_signed_v<typename Integer<L>::type>;
  LDMAT_KERNEL static std::uint64_t wide(L label) {
    const auto id = static_cast<typename Integer<L>::type>(label);
    using Wide = std::conditional_t<is_signed, std::int64_t, std::uint64_t>;
    return static_cast<std::uint64_t>(static_cast<Wide>(id));
  }
};

/// What the first refused label is.
template <ClassId L>
struct NameBadLabel {
  static constexpr int threads = 1;
  using Shared = NothingShared;
  const L* labels;
  Report* report;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    block.each([&](int) {
      if (report->bad_label >= report->samples) return;
      report->bad_label_value =
          static_cast<std::int64_t>(ReadLabels<L>::wide(labels[report->bad_label]));
      report->bad_label_unsigned = ReadLabels<L>::is_signed ? 0 : 1;
    });
  }
};

/// Ids of any size as numbers that a T holds exactly: the index of the first sample of the class. And
/// the pairs of one class. n^2 / 2 comparisons, cheaper than to sort.
template <class T>
struct CompareLabels {
  static constexpr int threads = block_threads;
  struct Shared {
    std::int64_t ids[threads];
  };
  const std::int64_t* labels;
  Index n;
  T* ids;
  Report* report;

  struct Seen {
    Index first;
    std::int64_t pairs;
  };

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    typename Block::template PerThread<Seen> seen(block);
    const Index begin = block.index() * threads;
    block.each([&](int thread) { seen[thread] = {begin + thread, 0}; });
    for (Index from = 0; from <= begin; from += threads) {
      block.each(
          [&](int thread) { shared.ids[thread] = from + thread < n ? labels[from + thread] : -1; });
      block.each([&](int thread) {
        const Index i = begin + thread;
        if (i >= n) return;
        const std::int64_t own = labels[i];
        const Index left = i - from;
        const int count = left < threads ? static_cast<int>(left) : threads;
        Seen mine = seen[thread];
        for (int j = 0; j < count; ++j) {
          if (shared.ids[j] != own) continue;
          if (from + j < mine.first) mine.first = from + j;
          ++mine.pairs;
        }
        seen[thread] = mine;
      });
    }
    block.each([&](int thread) {
      const Index i = begin + thread;
      if (i >= n) return;
      ids[i] = static_cast<T>(seen[thread].first);
      if (seen[thread].pairs > 0) add_atomically(&report->counts.same, seen[thread].pairs);
    });
  }
};

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

/// The samples of each class (zero at first), and the ids as tables are looked up by.
template <class T>
struct CountClasses {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  const std::int64_t* labels;
  Index n;
  T* ids;
  Id<T>* index;
  std::int64_t* samples;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, n, [&](Index i) {
      ids[i] = static_cast<T>(labels[i]);
      index[i] = static_cast<Id<T>>(labels[i]);
      add_atomically(samples + labels[i], 1);
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
