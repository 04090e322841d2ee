#pragma once

#include <ldmat/kernel/classes.hpp>
#include <ldmat/kernel/rows.hpp>

#include <cmath>
#include <limits>

/// How compact classes are in a feature space and how far apart: figures of one labelled set, from
/// all its pairs. How well samples find others of their class is in ldmat/retrieval.hpp.
///
///   features   n x d, any FeatureMatrix, borrowed
///   labels     n class ids; classes are those that occur
///   metric     rho, how far apart two samples are; Euclidean unless given
///
/// Everything is computed in double, also from half and float features. Errors, for all functions
/// here: std::invalid_argument for another number of labels than rows, class ids below 0 or from
/// 2^62 on, and NaN or infinite features, naming the first row and column. A figure that is a
/// mean over nothing is 0, as said with each. Figures do not depend on the order of the samples,
/// but for rounding.

namespace ldmat {

/// What `class_spread` finds.
struct ClassSpread {
  Index classes = 0;                   ///< K, classes that occur
  std::int64_t same_pairs = 0;         ///< pairs i < j of one class
  std::int64_t different_pairs = 0;    ///< the other pairs
  double mean_same_distance = 0;       ///< mean rho(f_i, f_j) over same_pairs; 0 if there are none
  double mean_different_distance = 0;  ///< the same over different_pairs; 0 if there are none
  double mean_centre_distance = 0;     ///< mean rho(c_a, c_b) over the pairs of classes a < b
  double min_centre_distance = 0;      ///< the least of them; both 0 with fewer than two classes
  double mean_ratio = 0;               ///< mean_centre_distance / mean_same_distance
  double min_ratio = 0;                ///< min_centre_distance / mean_same_distance
};

namespace detail {

/// Count, mean and sum of squared deviations, merged without cancellation (Chan et al. 1979).
struct Moments {
  std::int64_t count = 0;
  double mean = 0;
  double deviations = 0;

  double variance() const { return count == 0 ? 0 : deviations / static_cast<double>(count); }

  template <class Arch>
  void add(const double* x, Index added) noexcept {
    if (added == 0) return;
    const auto old_weight = static_cast<double>(count);
    const auto weight = static_cast<double>(added);
    const double added_mean = sum_over<Arch>(x, added, [](const auto& v) { return v; }) / weight;
    const double squares = sum_over<Arch>(x, added, [&](const auto& v) {
      using V = std::remove_cvref_t<decltype(v)>;
      const V deviation = v - V(added_mean);
      return V(deviation * deviation);
    });
    const double shift = added_mean - mean;
    count += added;
    mean += shift * weight / static_cast<double>(count);
    deviations += squares + shift * shift * old_weight * weight / static_cast<double>(count);
  }
};

struct PairMoments {
  Moments same;
  Moments different;
};

/// Moments of the distances of all pairs. O(n^2 d / 2) time, O(n d) memory.
template <class Arch, class S, Metric M>
PairMoments pair_moments(MatrixView<const S> features, const Classes& classes, const M& metric) {
  PairMoments moments;
  const std::vector<Index> order = classes.order();
  const SampleBlocks<Arch> samples(features, metric, order.data());
  Index class_end = 0;
  for_each_row(samples, samples, metric, true, [&](Index i, const double* row) {
    if (i == class_end) {
      class_end += classes.size(classes.of_sample(order[static_cast<std::size_t>(i)]));
    }
    moments.same.template add<Arch>(row + i + 1, class_end - i - 1);
    moments.different.template add<Arch>(row + class_end, samples.size() - class_end);
  });
  return moments;
}

/// a / b for distances: 0 where a is 0, infinity where only b is.
inline double distance_ratio(double a, double b) {
  return a == 0 ? 0 : a / b;
}

}  // namespace detail

/// Distances within classes and between their centres, see ClassSpread. The centre c_a of a class
/// is the mean of its feature vectors, whatever the metric; same-class pairs are pooled, so that a
/// class counts by its pairs. The ratios are 0 where the centre distance is 0 or there are no
/// same-class pairs, and infinity where all samples of a class coincide and the centres do not.
/// Range [0, inf]. Time O((n^2 + K^2) d), memory O(n d).
template <class F, class L, class M = Euclidean, class Arch = detail::DefaultArch>
ClassSpread class_spread(const F& features, const L& labels, const M& metric = {}) {
  static_assert(detail::figure_takes<F, L, M>());
  const auto x = detail::figure_features("features", features);
  const detail::Classes classes(detail::figure_labels("labels", labels, "features", x.rows));
  detail::require_metric(metric);
  const auto pairs = detail::pair_moments<Arch>(x, classes, metric);

  ClassSpread spread;
  spread.classes = classes.count();
  spread.same_pairs = pairs.same.count;
  spread.different_pairs = pairs.different.count;
  spread.mean_same_distance = pairs.same.mean;
  spread.mean_different_distance = pairs.different.mean;
  if (classes.count() < 2) return spread;

  const detail::RowMajorMatrix means = detail::class_centres(x, classes);
  const detail::SampleBlocks<Arch> centres(detail::centres_view(means), metric);
  detail::Moments between;
  double least = std::numeric_limits<double>::infinity();
  detail::for_each_row(centres, centres, metric, true, [&](Index a, const double* row) {
    between.template add<Arch>(row + a + 1, centres.size() - a - 1);
    for (Index b = a + 1; b < centres.size(); ++b) least = std::min(least, row[b]);
  });
  spread.mean_centre_distance = between.mean;
  spread.min_centre_distance = least;
  if (spread.same_pairs > 0) {
    spread.mean_ratio = detail::distance_ratio(between.mean, pairs.same.mean);
    spread.min_ratio = detail::distance_ratio(least, pairs.same.mean);
  }
  return spread;
}

/// Mean silhouette coefficient, mean over all samples i of s_i = (b_i - a_i) / max(a_i, b_i), with
/// a_i the mean distance of i to the other samples of its class and b_i the least, over the other
/// classes, of the mean distance of i to that class. s_i is 0 where i is alone in its class and
/// where a_i = b_i = 0. Range [-1, 1]; 0 with fewer than two classes. Time O(n^2 d), memory O(n d).
/// Source: Rousseeuw, J. Comput. Appl. Math. 20 (1987) 53-65.
template <class F, class L, class M = Euclidean, class Arch = detail::DefaultArch>
double silhouette(const F& features, const L& labels, const M& metric = {}) {
  static_assert(detail::figure_takes<F, L, M>());
  const auto x = detail::figure_features("features", features);
  const detail::Classes classes(detail::figure_labels("labels", labels, "features", x.rows));
  detail::require_metric(metric);
  if (classes.count() < 2) return 0;

  const std::vector<Index> order = classes.order();
  const detail::SampleBlocks<Arch> samples(x, metric, order.data());
  double total = 0;
  detail::for_each_row(samples, samples, metric, false, [&](Index i, double* row) {
    const Index own = classes.of_sample(order[static_cast<std::size_t>(i)]);
    if (classes.size(own) == 1) return;
    row[i] = 0;
    double a = 0;
    double b = std::numeric_limits<double>::infinity();
    Index begin = 0;
    for (Index c = 0; c < classes.count(); begin += classes.size(c), ++c) {
      const double sum =
          detail::sum_over<Arch>(row + begin, classes.size(c), [](const auto& v) { return v; });
      if (c == own) {
        a = sum / static_cast<double>(classes.size(c) - 1);
      } else {
        b = std::min(b, sum / static_cast<double>(classes.size(c)));
      }
    }
    total += detail::distance_ratio(b - a, std::max(a, b));
  });
  return total / static_cast<double>(x.rows);
}

/// Decidability of same-class from different-class pairs by their distance,
///
///   d' = |mu_same - mu_different| / sqrt((var_same + var_different) / 2),
///
/// with mean and variance (divided by the number of pairs, not one less) over all pairs i < j of
/// each kind. Range [0, inf]: 0 where there are no pairs of one of the kinds or the means are
/// equal, infinity where the means differ and both variances are 0. Time O(n^2 d / 2), memory
/// O(n d). Source: Daugman, Proc. IEEE 85 (1997) 1348-1363, after the sensitivity index of signal
/// detection.
template <class F, class L, class M = Euclidean, class Arch = detail::DefaultArch>
double decidability(const F& features, const L& labels, const M& metric = {}) {
  static_assert(detail::figure_takes<F, L, M>());
  const auto x = detail::figure_features("features", features);
  const detail::Classes classes(detail::figure_labels("labels", labels, "features", x.rows));
  detail::require_metric(metric);
  const auto [same, different] = detail::pair_moments<Arch>(x, classes, metric);
  if (same.count == 0 || different.count == 0) return 0;
  return detail::distance_ratio(std::abs(same.mean - different.mean),
                                std::sqrt((same.variance() + different.variance()) / 2));
}

}  // namespace ldmat
