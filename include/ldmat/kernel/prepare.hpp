#pragma once

#include <ldmat/kernel/counts.hpp>
#include <ldmat/kernel/pack.hpp>
#include <ldmat/kernel/targets.hpp>
#include <ldmat/options.hpp>
#include <ldmat/target.hpp>
#include <ldmat/workspace.hpp>

#include <algorithm>

/// From labels and options to a target that kernels can read, and to the counts that reductions
/// need.

namespace ldmat::detail {

inline std::int64_t same_pairs(const std::int64_t* counts, Index classes) {
  std::int64_t same = 0;
  for (Index k = 0; k < classes; ++k) same += pairs_among(counts[k]);
  return same;
}

/// Class ids in the workspace as a kernel compares them (and, with_index, looks them up), padded by
/// `padding`; the samples of each class in workspace.counts. Ids too large to count directly are
/// replaced by their rank. Returns the number of classes counted.
template <class T>
Index place_ids(Index n, std::int64_t largest, Index padding, Workspace<T>& workspace) {
  std::int64_t* const labels = workspace.labels.reserve(n);
  if (largest >= 4 * n + 1024) {
    std::int64_t* const sorted = workspace.sorted.reserve(n);
    std::copy(labels, labels + n, sorted);
    std::sort(sorted, sorted + n);
    std::int64_t* const last = std::unique(sorted, sorted + n);
    for (Index i = 0; i < n; ++i) labels[i] = std::lower_bound(sorted, last, labels[i]) - sorted;
    largest = last - sorted - 1;
  }
  const auto classes = static_cast<Index>(largest + 1);
  std::int64_t* const counts = workspace.counts.zeroed(classes);
  T* const ids = workspace.ids.reserve(n + padding);
  for (Index i = 0; i < n; ++i) {
    ids[i] = static_cast<T>(labels[i]);
    ++counts[labels[i]];
  }
  std::fill(ids + n, ids + n + padding, T(-1));
  return classes;
}

/// Calls use(target, counts) for class ids with one distance for all classes.
template <class T, class Options, class Use>
auto with_fixed_distance(Index n, Index classes, const Options& options, Workspace<T>& workspace,
                         const Use& use) {
  PairCounts counts;
  counts.all = pairs_among(n);
  counts.same = same_pairs(workspace.counts.reserve(classes), classes);
  const KindWeights weights =
      kind_weights(options.weights.kind, options.weights.same_share, counts);
  const double mean = counts.all == 0
                          ? 0
                          : options.class_distance * static_cast<double>(counts.different()) /
                                static_cast<double>(counts.all);
  const auto target_of = [&](double distance) {
    return static_cast<T>(options.regularizer(LabelPair<double>{distance, mean, distance}));
  };
  const FixedDistanceTarget<T> target{
      workspace.ids.reserve(n),
      {target_of(0), target_of(options.class_distance), static_cast<T>(weights.same),
       static_cast<T>(weights.different)}};
  return use(target, counts);
}

/// Fills workspace.table and, where weights have a table, workspace.weights (K x K), and sums the
/// weights over the batch's pairs. Returns the weights by kind of pair.
template <class T, class Options>
KindWeights fill_tables(Index k, const std::int64_t* samples, const Options& options,
                        const RunningDistances& running, PairCounts& counts,
                        Workspace<T>& workspace) {
  const auto label_distance = [&](Index a, Index b) {
    if (options.class_table.size() > 0) return options.class_table(a, b);
    return a == b ? 0.0 : options.class_distance;
  };
  const auto pairs_of = [&](Index a, Index b) {
    return a == b ? pairs_among(samples[a]) : samples[a] * samples[b];
  };
  const KindWeights kinds = kind_weights(options.weights.kind, options.weights.same_share, counts);
  const bool weight_table = options.weights.kind == Weights::Kind::table;
  const auto weight_of = [&](Index a, Index b) {
    if (weight_table) return options.weights.table(a, b);
    return a == b ? kinds.same : kinds.different;
  };
  double sum = 0;
  double weight_sum = 0;
  for (Index a = 0; a < k; ++a) {
    for (Index b = a; b < k; ++b) {
      sum += label_distance(a, b) * static_cast<double>(pairs_of(a, b));
      weight_sum += weight_of(a, b) * static_cast<double>(pairs_of(a, b));
    }
  }
  counts.weight_sum = weight_sum;
  const double mean = counts.all == 0 ? 0 : sum / static_cast<double>(counts.all);

  T* const table = workspace.table.zeroed(k * k + widest<T>);
  T* const weights = weight_table ? workspace.weights.zeroed(k * k + widest<T>) : nullptr;
  for (Index a = 0; a < k; ++a) {
    for (Index b = 0; b < k; ++b) {
      const double distance = label_distance(a, b);
      const bool seen = running.batches.size() > 0 && running.batches(a, b) > 0;
      table[a * k + b] = static_cast<T>(options.regularizer(
          LabelPair<double>{distance, mean, seen ? running.distance(a, b) : distance}));
      if (weight_table) weights[a * k + b] = static_cast<T>(weight_of(a, b));
    }
  }
  return kinds;
}

/// Calls use(target, counts) for class ids with a table of targets or weights, k classes in all.
template <class T, class Options, class Use>
auto with_class_table(Index n, Index k, Index padding, const Options& options,
                      const RunningDistances& running, bool observe, Workspace<T>& workspace,
                      const Use& use) {
  const std::int64_t* const labels = workspace.labels.reserve(n);
  std::int64_t* const samples = workspace.counts.zeroed(k);
  Id<T>* const index = workspace.index.zeroed(n + padding);
  T* const ids = workspace.ids.reserve(n + padding);
  for (Index i = 0; i < n; ++i) {
    ids[i] = static_cast<T>(labels[i]);
    index[i] = static_cast<Id<T>>(labels[i]);
    ++samples[labels[i]];
  }
  std::fill(ids + n, ids + n + padding, T(-1));
  PairCounts counts;
  counts.all = pairs_among(n);
  counts.same = same_pairs(samples, k);
  const KindWeights kinds = fill_tables(k, samples, options, running, counts, workspace);
  ClassPairSums observed;
  if (observe) {
    observed = {workspace.observed.zeroed(k * k), workspace.observed_pairs.zeroed(k * k)};
  }
  const bool weight_table = options.weights.kind == Weights::Kind::table;
  const ClassTableTarget<T> target{ids,
                                   index,
                                   workspace.table.reserve(k * k),
                                   weight_table ? workspace.weights.reserve(k * k) : nullptr,
                                   static_cast<T>(kinds.same),
                                   static_cast<T>(kinds.different),
                                   k,
                                   observed};
  return use(target, counts);
}

/// Calls use(target, counts) for label vectors. Counting the same-class pairs, and mean(L), take a
/// first pass over all pairs of labels, O(n^2 p).
template <class T, class S, class LabelMetric, class Options, class Use>
auto with_label_vectors(const LabelVectors<S, LabelMetric>& labels, Index padding,
                        const Options& options, Workspace<T>& workspace, const Use& use) {
  const Index n = labels.vectors.rows;
  const Index width = packed_width<LabelMetric>(labels.vectors.columns);
  const Index stride = n + padding;
  T* const packed = workspace.label_vectors.zeroed(stride * width + n);
  pack_features<LabelMetric, S, T>(labels.vectors, {packed, n, width, 1, stride},
                                   packed + stride * width);
  using R = std::remove_cvref_t<decltype(options.regularizer)>;
  LabelVectorTarget<T, LabelMetric, R> target{
      packed, width, stride, labels.metric, options.regularizer, T(0), T(1), T(1)};
  PairCounts counts;
  counts.all = pairs_among(n);
  double sum = 0;
  for (Index i = 0; i < n; ++i) {
    const auto row = target.row(i);
    for (Index j = i + 1; j < n; ++j) {
      const T distance = row.template label_distance<T>(j);
      sum += static_cast<double>(distance);
      counts.same += distance == T(0) ? 1 : 0;
    }
  }
  const KindWeights weights =
      kind_weights(options.weights.kind, options.weights.same_share, counts);
  target.same_weight = static_cast<T>(weights.same);
  target.different_weight = static_cast<T>(weights.different);
  if (counts.all > 0) target.mean_distance = static_cast<T>(sum / static_cast<double>(counts.all));
  return use(target, counts);
}

/// Calls use(target, counts) for a whole target of the caller's.
template <class T, class S, class Options, class Use>
auto with_target_matrix(const TargetMatrix<S>& labels, const Options& options, const Use& use) {
  DenseTarget<T, S> target{labels.target, labels.label_distances, T(1), T(1)};
  PairCounts counts;
  const Index n = labels.target.rows;
  counts.all = pairs_among(n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = i + 1; j < n; ++j) {
      counts.same += static_cast<T>(labels.label_distances(i, j)) == T(0) ? 1 : 0;
    }
  }
  const KindWeights weights =
      kind_weights(options.weights.kind, options.weights.same_share, counts);
  target.same_weight = static_cast<T>(weights.same);
  target.different_weight = static_cast<T>(weights.different);
  return use(target, counts);
}

}  // namespace ldmat::detail
