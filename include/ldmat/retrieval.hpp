#pragma once

#include <ldmat/kernel/classes.hpp>
#include <ldmat/kernel/nearest.hpp>
#include <ldmat/kernel/rows.hpp>

#include <algorithm>
#include <span>
#include <vector>

/// How well samples find others of their class by distance. How compact and how far apart the
/// classes are is in ldmat/quality.hpp.
///
///   gallery   the samples among which is searched: features m x d and m class ids
///   queries   the samples that search: features n x d and n class ids
///   metric    rho, how far apart two samples are; Euclidean unless given
///
/// Features are any FeatureMatrix, borrowed; those of gallery and queries may differ in element
/// type and layout. Distances are computed in double. Of samples at exactly equal distance the one
/// of lower index is the nearer, so that results are the same from run to run; where there are no
/// such ties, they do not depend on the order of the samples.
///
/// Errors, for all functions here: std::invalid_argument for another number of labels than rows,
/// class ids below 0 or from 2^62 on, gallery and queries of different dimension, and NaN
/// or infinite features, naming the first row and column.
///
/// Memory, for all: O((m + n) d), never m x n.

namespace ldmat {

/// What `retrieval` finds, means over `queries` queries; 0 if there are none.
struct Retrieval {
  Index queries = 0;          ///< queries with a sample of their class in the gallery
  Index left_out = 0;         ///< the others, which have nothing to find and count nowhere else
  double precision_at_1 = 0;  ///< how often the nearest is of the query's class
  double r_precision = 0;     ///< share of the query's class among the R nearest
  double map_at_r = 0;        ///< mean average precision at R
};

namespace detail {

/// Adds one query's figures: `nearest` are its R nearest, or only the first of them.
inline void add_query(std::span<const Neighbour> nearest, Index own, const Classes& gallery,
                      Retrieval& sums) {
  Index found = 0;
  double precisions = 0;
  for (std::size_t rank = 0; rank < nearest.size(); ++rank) {
    if (gallery.of_sample(nearest[rank].index) != own) continue;
    ++found;
    precisions += static_cast<double>(found) / static_cast<double>(rank + 1);
    if (rank == 0) sums.precision_at_1 += 1;
  }
  const auto r = static_cast<double>(nearest.size());
  sums.r_precision += static_cast<double>(found) / r;
  sums.map_at_r += precisions / r;
  ++sums.queries;
}

/// How deep `retrieve` looks: as far as all of a Retrieval needs, or the first neighbour only.
enum class Depth { all, first };

/// Retrieval of `queries` in `gallery`, class_of(i) being the class of query i as the gallery
/// numbers them. `Among`: queries and gallery are one set, and a sample does not find itself.
template <bool Among, class Arch, class ClassOf, Metric M>
Retrieval retrieve(const SampleBlocks<Arch>& gallery, const Classes& classes,
                   const SampleBlocks<Arch>& queries, const ClassOf& class_of, const M& metric,
                   Depth depth) {
  Nearest<Arch> nearest(gallery.size());
  Retrieval result;
  for_each_row(queries, gallery, metric, false, [&](Index i, double* row) {
    const Index own = class_of(i);
    const Index r = classes.size(own) - (Among ? 1 : 0);
    if (r == 0) return;
    const Index wanted = depth == Depth::all ? r : 1;
    add_query(nearest(row, wanted, Among ? i : -1), own, classes, result);
  });
  result.left_out = queries.size() - result.queries;
  const auto count = static_cast<double>(std::max(result.queries, Index{1}));
  result.precision_at_1 /= count;
  result.r_precision /= count;
  result.map_at_r /= count;
  return result;
}

template <class Arch, class F, class L, class M>
Retrieval retrieve_among(const F& features, const L& labels, const M& metric, Depth depth) {
  static_assert(figure_takes<F, L, M>());
  const auto x = figure_features("features", features);
  const Classes classes(figure_labels("labels", labels, "features", x.rows));
  require_metric(metric);
  const SampleBlocks<Arch> samples(x, metric);
  const auto class_of = [&](Index i) { return classes.of_sample(i); };
  return retrieve<true>(samples, classes, samples, class_of, metric, depth);
}

/// Checks the arguments and calls use(gallery features, its classes, query features, class_of),
/// class_of(i) being the number of query i's class, or of no class where the gallery lacks it.
template <class GF, class GL, class QF, class QL, class M, class Use>
auto with_search(const GF& gallery_features, const GL& gallery_labels, const QF& query_features,
                 const QL& query_labels, const M& metric, const Use& use) {
  static_assert(figure_takes<GF, GL, M>() && figure_takes<QF, QL, M>());
  const auto gallery = figure_features("gallery_features", gallery_features);
  const Classes classes(
      figure_labels("gallery_labels", gallery_labels, "gallery_features", gallery.rows));
  const auto queries = figure_features("query_features", query_features);
  const std::vector<std::int64_t> ids =
      figure_labels("query_labels", query_labels, "query_features", queries.rows);
  if (queries.columns != gallery.columns) {
    throw_shape("query_features", {queries.rows, queries.columns},
                "must have as many columns as gallery_features", {queries.rows, gallery.columns});
  }
  require_metric(metric);
  return use(gallery, classes, queries,
             [&](Index i) { return classes.number_of(ids[static_cast<std::size_t>(i)]); });
}

template <class Arch, class GF, class GL, class QF, class QL, class M>
Retrieval retrieve_from(const GF& gallery_features, const GL& gallery_labels,
                        const QF& query_features, const QL& query_labels, const M& metric,
                        Depth depth) {
  return with_search(
      gallery_features, gallery_labels, query_features, query_labels, metric,
      [&](const auto& gallery, const Classes& classes, const auto& queries, const auto& class_of) {
        return retrieve<false>(SampleBlocks<Arch>(gallery, metric), classes,
                               SampleBlocks<Arch>(queries, metric), class_of, metric, depth);
      });
}

}  // namespace detail

/// Precision at 1, R-precision and MAP@R in one pass. With R the number of samples of the query's
/// class in the gallery (the query itself not among them) and rel(i) = 1 where the i-th nearest is
/// of that class, else 0:
///
///   precision at 1 = rel(1),   R-precision = 1/R sum over i = 1..R of rel(i),
///   MAP@R = 1/R sum over i = 1..R of rel(i) P(i),   P(i) = 1/i sum over j = 1..i of rel(j),
///
/// each the mean over the queries with R > 0. Range [0, 1]. Time O(n m d), and for every query
/// O(m + R log R). Source: Musgrave, Belongie, Lim, "A metric learning reality check", ECCV 2020.
template <class GF, class GL, class QF, class QL, class M = Euclidean,
          class Arch = detail::DefaultArch>
Retrieval retrieval(const GF& gallery_features, const GL& gallery_labels, const QF& query_features,
                    const QL& query_labels, const M& metric = {}) {
  return detail::retrieve_from<Arch>(gallery_features, gallery_labels, query_features, query_labels,
                                     metric, detail::Depth::all);
}

/// The same of a set in itself: every sample searches among the others.
template <class F, class L, class M = Euclidean, class Arch = detail::DefaultArch>
Retrieval retrieval(const F& features, const L& labels, const M& metric = {}) {
  return detail::retrieve_among<Arch>(features, labels, metric, detail::Depth::all);
}

/// Retrieval::precision_at_1 alone, which needs no R neighbours.
template <class GF, class GL, class QF, class QL, class M = Euclidean,
          class Arch = detail::DefaultArch>
double precision_at_1(const GF& gallery_features, const GL& gallery_labels,
                      const QF& query_features, const QL& query_labels, const M& metric = {}) {
  return detail::retrieve_from<Arch>(gallery_features, gallery_labels, query_features, query_labels,
                                     metric, detail::Depth::first)
      .precision_at_1;
}
/// The same of a set in itself.
template <class F, class L, class M = Euclidean, class Arch = detail::DefaultArch>
double precision_at_1(const F& features, const L& labels, const M& metric = {}) {
  return detail::retrieve_among<Arch>(features, labels, metric, detail::Depth::first)
      .precision_at_1;
}

/// Retrieval::r_precision alone, at the cost of all.
template <class GF, class GL, class QF, class QL, class M = Euclidean>
double r_precision(const GF& gallery_features, const GL& gallery_labels, const QF& query_features,
                   const QL& query_labels, const M& metric = {}) {
  return retrieval(gallery_features, gallery_labels, query_features, query_labels, metric)
      .r_precision;
}
/// The same of a set in itself.
template <class F, class L, class M = Euclidean>
double r_precision(const F& features, const L& labels, const M& metric = {}) {
  return retrieval(features, labels, metric).r_precision;
}

/// Retrieval::map_at_r alone, at the cost of all.
template <class GF, class GL, class QF, class QL, class M = Euclidean>
double map_at_r(const GF& gallery_features, const GL& gallery_labels, const QF& query_features,
                const QL& query_labels, const M& metric = {}) {
  return retrieval(gallery_features, gallery_labels, query_features, query_labels, metric).map_at_r;
}
/// The same of a set in itself.
template <class F, class L, class M = Euclidean>
double map_at_r(const F& features, const L& labels, const M& metric = {}) {
  return retrieval(features, labels, metric).map_at_r;
}

/// Share of the queries whose class gets most votes among the k nearest of the gallery. Of classes
/// with as many votes the one with the nearest voter wins. A query whose class the gallery lacks
/// counts as wrong. Range [0, 1]; 0 without queries. Throws std::invalid_argument for k below 1 or
/// above the size of the gallery. Time O(n m d), and for every query O(m + k log k).
template <class GF, class GL, class QF, class QL, class M = Euclidean,
          class Arch = detail::DefaultArch>
double knn_accuracy(const GF& gallery_features, const GL& gallery_labels, const QF& query_features,
                    const QL& query_labels, Index k, const M& metric = {}) {
  const auto vote = [&](const auto& g, const detail::Classes& classes, const auto& q,
                        const auto& class_of) -> double {
    if (k < 1 || k > g.rows) {
      detail::throw_invalid({"k is ", k,
                             ", but must be between 1 and the number of rows of gallery_features, ",
                             g.rows});
    }
    const detail::SampleBlocks<Arch> gallery(g, metric);
    const detail::SampleBlocks<Arch> queries(q, metric);
    detail::Nearest<Arch> nearest(gallery.size());
    std::vector<Index> votes(static_cast<std::size_t>(classes.count()));
    Index right = 0;
    detail::for_each_row(queries, gallery, metric, false, [&](Index i, double* row) {
      const auto neighbours = nearest(row, k);
      const auto votes_of = [&](const detail::Neighbour& neighbour) -> Index& {
        return votes[static_cast<std::size_t>(classes.of_sample(neighbour.index))];
      };
      for (const auto& neighbour : neighbours) ++votes_of(neighbour);
      const detail::Neighbour* winner = &neighbours.front();
      for (const auto& neighbour : neighbours) {
        if (votes_of(neighbour) > votes_of(*winner)) winner = &neighbour;
      }
      if (classes.of_sample(winner->index) == class_of(i)) ++right;
      for (const auto& neighbour : neighbours) votes_of(neighbour) = 0;
    });
    return queries.size() == 0 ? 0
                               : static_cast<double>(right) / static_cast<double>(queries.size());
  };
  return detail::with_search(gallery_features, gallery_labels, query_features, query_labels, metric,
                             vote);
}

/// Share of the queries whose nearest class centre, the mean of the gallery's feature vectors of a
/// class whatever the metric, is that of their class. Of centres at equal distance the one of the
/// lowest class id is the nearest. A query whose class the gallery lacks counts as wrong. Range
/// [0, 1]; 0 without queries. Time O((m + n K) d) for K classes.
template <class GF, class GL, class QF, class QL, class M = Euclidean,
          class Arch = detail::DefaultArch>
double nearest_centroid_accuracy(const GF& gallery_features, const GL& gallery_labels,
                                 const QF& query_features, const QL& query_labels,
                                 const M& metric = {}) {
  const auto decide = [&](const auto& g, const detail::Classes& classes, const auto& q,
                          const auto& class_of) -> double {
    if (q.rows == 0 || g.rows == 0) return 0;
    const detail::RowMajorMatrix means = detail::class_centres(g, classes);
    const detail::SampleBlocks<Arch> centres(detail::centres_view(means), metric);
    const detail::SampleBlocks<Arch> queries(q, metric);
    Index right = 0;
    detail::for_each_row(queries, centres, metric, false, [&](Index i, const double* row) {
      if (std::min_element(row, row + centres.size()) - row == class_of(i)) ++right;
    });
    return static_cast<double>(right) / static_cast<double>(q.rows);
  };
  return detail::with_search(gallery_features, gallery_labels, query_features, query_labels, metric,
                             decide);
}

}  // namespace ldmat
