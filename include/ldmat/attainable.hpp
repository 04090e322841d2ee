#pragma once

#include <ldmat/kernel/classes.hpp>
#include <ldmat/kernel/scaling.hpp>
#include <ldmat/options.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

/// Whether points in d dimensions can have the distances of a class table, how close they can come,
/// and how close the classes of a run came. Not part of ldmat/ldmat.hpp: eigenvalues take a compiler
/// some seconds.
///
///   table      T, K x K distances between classes, K >= 1: symmetric, zero diagonal, finite, >= 0
///   d          dimensions of the features, >= 1
///   x_1..x_K   a point per class; D_ab = |x_a - x_b|, the Euclidean distance only
///
/// Distances are judged by the class-pair loss, a mean over the P = K (K - 1) / 2 pairs a < b,
///
///   1/P * sum over a < b of (D_ab - T_ab)^2,
///
/// with weights w by pair of classes the weighted mean, sum of w_ab (D_ab - T_ab)^2 / sum of w_ab. Its
/// one-sided form charges a pair only for what it is closer than its target, max(0, T_ab - D_ab)^2.
///
/// Errors, for all functions here: std::invalid_argument naming the argument, before anything is
/// computed, for tables, weights, points or distances of the wrong shape, out of range or not finite.
/// Everything is computed in double and on the table divided by its largest distance, so that tables
/// of any unit are judged alike; losses of very large ones, and what is reached by centres 1e150 times
/// as far apart as the table asks, overflow.

namespace ldmat {

/// What `attainable` may be told.
struct AttainableOptions {
  /// K x K weights of the pairs of classes, not negative; the diagonal is not read. Empty: all 1.
  /// Of weights that are 1e13 times apart, the small ones may be taken for 0.
  Eigen::MatrixXd weights = {};
  /// Whether the loss is one-sided, as that of ldmat::recommended is.
  bool one_sided = false;
  /// Starting points of the search, >= 1: classical scaling, then seeded random points.
  int starts = 16;
  /// Of the random points. Same seed, same result, in programs compiled alike: others round otherwise,
  /// and points as good may come out turned or mirrored. Keep what has to stay the same.
  std::uint64_t seed = 1;
};

/// What `attainable` finds.
struct Attainable {
  /// Whether some points in d dimensions have exactly these distances, but for rounding.
  bool realisable = false;
  /// The fewest dimensions in which some points have; 0 where all distances are 0, -1 where there are
  /// none in any number of dimensions: the table is not Euclidean.
  Index dimensions_needed = -1;
  /// x, K x d, centred: where `lowest_loss` is reached. Any turned or mirrored copy is as good.
  Eigen::MatrixXd positions;
  double lowest_loss = 0;    ///< the lowest class-pair loss found, in units of T^2
  double collapse_loss = 0;  ///< the loss where all classes coincide: the (weighted) mean of T^2
  /// lowest_loss / collapse_loss, in [0, 1] and the same for any unit of T; 0 where both are 0.
  double lowest_share = 0;
  Eigen::MatrixXd table;    ///< T as given
  Eigen::MatrixXd weights;  ///< w as given, empty for all 1
  bool one_sided = false;   ///< as given
};

namespace detail {

inline void require_attainable(const Eigen::MatrixXd& table, Index d,
                               const AttainableOptions& options) {
  require_table("table", table, true);
  if (table.size() == 0) throw_invalid("table is 0 x 0, but must have one class at least");
  if (d < 1) throw_invalid({"d is ", d, ", but points need one dimension at least"});
  if (options.starts < 1) {
    throw_invalid({"AttainableOptions::starts is ", options.starts, ", but must be 1 or more"});
  }
  if (options.weights.size() > 0) {
    require_table("AttainableOptions::weights", options.weights, false);
    require_classes("AttainableOptions::weights", options.weights.rows(), table.rows());
  }
}

/// Throws for what no call of attainable() returned.
inline void require_found(const Attainable& attainable) {
  require_table("Attainable::table", attainable.table, true);
  if (attainable.table.size() == 0 || attainable.positions.rows() != attainable.table.rows()) {
    throw_invalid(
        "attainable is not what ldmat::attainable returns: its table and positions are not of "
        "the same classes");
  }
  if (attainable.weights.size() > 0) {
    require_classes("Attainable::weights", attainable.weights.rows(), attainable.table.rows());
  }
}

/// The fraction reached by classes at these distances, in the unit of `pairs`.
template <class Arch>
double fraction(const Attainable& attainable, const ClassPairs<Arch>& pairs,
                const Eigen::MatrixXd& distances) {
  const double share = pairs.share(distances);
  if (!(attainable.lowest_share < 1) || pairs.collapse == 0) {  // nothing is to be gained
    return share <= attainable.lowest_share ? 1 : -std::numeric_limits<double>::infinity();
  }
  return (1 - share) / (1 - attainable.lowest_share);
}

}  // namespace detail

/// Whether `table` can be realised in `d` dimensions, and the lowest class-pair loss found there.
///
/// Exactly: by classical scaling. The matrix of inner products -1/2 J (T o T) J, J = 1 - 1/K, must have
/// no eigenvalue below 0, and as many above as dimensions are needed; what is within 8 K epsilon of
/// max(T)^2 of 0 counts as 0, so that distances of points should be given in double: rounded to float
/// they may count as not Euclidean. K equal distances need K - 1 dimensions.
///
/// Otherwise: by stress majorization from `starts` starting points and exchanges of two classes, the
/// best of them refined. `lowest_loss` is that of `positions` and so can be had; that no points are
/// better is sure only where it is 0. Against the 16 starts of the default, 400 found nothing lower for
/// ten classes in the plane (equal, tree-like and random distances), 0.005 % less for twenty classes of
/// random distances in the plane and 0.1 % less for them on a line; other searches 0.2 % less for a
/// hundred equal ones in 64 dimensions. A realisable table gives a loss of the size of rounding errors.
///
/// One-sided: the lowest loss is 0 for any table and any d >= 1, by spreading the classes far enough.
/// `realisable` and `dimensions_needed` still are of the distances as they stand; `positions` are the
/// two-sided ones, enlarged until no pair is closer than its target, or, where classes almost coincide
/// in those, one behind the other on a line.
///
/// Time: O(K^3), and where not realisable O(K^2 (K + d)) for each of some hundred steps per start:
/// measured, some milliseconds for 10 classes in 2-D, some seconds for 100 in 64-D. Memory
/// O(K^2 + K d). Sources: Torgerson, Psychometrika 17 (1952) 401-419; de Leeuw, "Applications of convex
/// analysis to multidimensional scaling", 1977; de Leeuw and Heiser, "Multidimensional scaling with
/// restrictions on the configuration", 1980.
template <class Arch = detail::DefaultArch>
Attainable attainable(const Eigen::MatrixXd& table, Index d,
                      const AttainableOptions& options = {}) {
  detail::require_attainable(table, d, options);
  const Index k = table.rows();
  const detail::ClassPairs<Arch> pairs(table, options.weights, options.one_sided);
  const auto eigen = detail::classical_scaling<Arch>(pairs.target);
  const Eigen::VectorXd values = eigen.eigenvalues().reverse();
  const double zero = detail::rounding(k);

  Attainable result;
  if (!(values(k - 1) < -zero)) result.dimensions_needed = (values.array() > zero).count();
  result.realisable = result.dimensions_needed >= 0 && result.dimensions_needed <= d;

  const Index used = std::min(d, std::max(k - 1, Index{1}));
  Eigen::MatrixXd x = values.head(used).cwiseMax(0).cwiseSqrt().asDiagonal() *
                      eigen.eigenvectors().rowwise().reverse().leftCols(used).transpose();
  if (!result.realisable) x = detail::best_points<Arch>(pairs, x, options.starts, options.seed);
  detail::centre<Arch>(x);
  if (options.one_sided) detail::spread_apart<Arch>(pairs, x);

  result.lowest_share = pairs.share(detail::distances_between<Arch>(x));
  result.lowest_loss = pairs.loss(result.lowest_share);
  result.collapse_loss = pairs.loss(1);
  result.positions = Eigen::MatrixXd::Zero(k, d);
  result.positions.leftCols(used) = pairs.unit * x.transpose();
  result.table = table;
  result.weights = options.weights;
  result.one_sided = options.one_sided;
  return result;
}

/// How much of what can be reached a run has reached,
///
///   (collapse_loss - loss) / (collapse_loss - lowest_loss),
///
/// with the class-pair loss of the distances (K x K, symmetric, zero diagonal) between its classes'
/// centres. 1: as good as the best points found (above 1: better than those); 0: as bad as all classes
/// in one place; below 0: worse than that. Where collapse_loss is lowest_loss (one class, or no pair
/// with weight has a distance to keep) there is nothing to reach: 1 for a loss no higher than that,
/// -infinity for any other.
/// O(K^2) time.
template <class Arch = detail::DefaultArch>
double reached_by_distances(const Attainable& attainable, const Eigen::MatrixXd& distances) {
  detail::require_found(attainable);
  detail::require_table("distances", distances, true);
  detail::require_classes("distances", distances.rows(), attainable.table.rows());
  const detail::ClassPairs<Arch> pairs(attainable.table, attainable.weights, attainable.one_sided);
  return detail::fraction(attainable, pairs, distances / pairs.unit);
}

/// The same for centres c_1 ... c_K, K x d, d that of `attainable`. O(K^2 d) time.
template <class Arch = detail::DefaultArch>
double reached(const Attainable& attainable, const Eigen::MatrixXd& centres) {
  detail::require_found(attainable);
  const Index k = attainable.positions.rows();
  const Index d = attainable.positions.cols();
  if (centres.rows() != k || centres.cols() != d) {
    detail::throw_shape("centres", {centres.rows(), centres.cols()},
                        "one row per class and one column per dimension is needed", {k, d});
  }
  detail::require_finite("centres", detail::const_view(centres), "centres must be finite");
  const detail::ClassPairs<Arch> pairs(attainable.table, attainable.weights, attainable.one_sided);
  const Eigen::MatrixXd scaled = centres.transpose() / pairs.unit;
  return detail::fraction(attainable, pairs, detail::distances_between<Arch>(scaled));
}

/// The same for the means of the classes of a set: n x d features, any FeatureMatrix, and n class ids
/// below K, each of which must occur. O(n d + K^2 d) time.
template <class F, class L, class Arch = detail::DefaultArch>
double reached(const Attainable& attainable, const F& features, const L& labels) {
  static_assert(detail::figure_takes<F, L, Euclidean>());
  detail::require_found(attainable);
  const auto x = detail::figure_features("features", features);
  const detail::Classes classes(detail::figure_labels("labels", labels, "features", x.rows));
  const Index k = attainable.positions.rows();
  if (x.columns != attainable.positions.cols()) {
    detail::throw_shape("features", {x.rows, x.columns},
                        "the attainable positions have as many columns",
                        {x.rows, attainable.positions.cols()});
  }
  if (classes.count() != k || classes.number_of(k - 1) != k - 1) {
    detail::throw_invalid({"labels name ", classes.count(), " classes, but each of 0 ... ", k - 1,
                           " must occur, and no other"});
  }
  return reached<Arch>(attainable, Eigen::MatrixXd(detail::class_centres(x, classes)));
}

/// What `lowest_batch_loss` finds.
struct BatchBound {
  double loss = 0;            ///< the least loss found
  Eigen::MatrixXd positions;  ///< K x d: where the samples of each class are then, all in one place
};

/// How low the loss of a batch can be: of ldmat::Loss with the Euclidean metric, the class table
/// `table`, the squared penalty (its one-sided form: 0), no regularizer and Reduction::mean, for
/// sizes[a] >= 0 samples of class a. With `weights`, for that weight table.
///
/// The samples of a class coincide there: given all others, the one of them that is best placed towards
/// the other classes can take the rest to where it is, and the loss does not rise. So this is
/// `attainable` with each pair of classes weighing sizes[a] sizes[b], and what is said there of how
/// sure its lowest loss is holds here. Value 0 for fewer than two samples. Throws for another number of
/// sizes than classes and for sizes below 0.
template <class Arch = detail::DefaultArch>
BatchBound lowest_batch_loss(const Eigen::MatrixXd& table, Index d, const std::vector<Index>& sizes,
                             AttainableOptions options = {}) {
  detail::require_attainable(table, d, options);
  const Index k = table.rows();
  if (static_cast<Index>(sizes.size()) != k) {
    detail::throw_invalid({"sizes has ", sizes.size(), " entries, but there are ", k, " classes"});
  }
  Eigen::VectorXd size(k);
  for (Index a = 0; a < k; ++a) {
    size(a) = static_cast<double>(sizes[static_cast<std::size_t>(a)]);
    if (size(a) < 0) {
      detail::throw_invalid({"sizes[", a, "] is ", size(a), ", but must not be negative"});
    }
  }
  if (options.weights.size() == 0) options.weights.setOnes(k, k);
  options.weights.diagonal().setZero();
  const double unit = options.weights.maxCoeff() > 0 ? options.weights.maxCoeff() : 1;
  options.weights /= unit;  // so that its products with the sizes are finite
  options.weights.array() *= (size * size.transpose()).array();
  const Attainable classes = attainable<Arch>(table, d, options);
  const double pairs = size.sum() * (size.sum() - 1) / 2;
  if (!(pairs > 0)) return {0, classes.positions};
  const double share = options.weights.sum() / 2 / pairs;
  return {classes.lowest_loss * share * unit, classes.positions};
}

}  // namespace ldmat
