#pragma once

#include <ldmat/metric.hpp>
#include <ldmat/penalty.hpp>
#include <ldmat/regularizer.hpp>
#include <ldmat/view.hpp>
#include <ldmat/weights.hpp>

#include <cmath>
#include <cstdint>

namespace ldmat {

namespace detail {

/// Refuses a table by pair of classes that is not square, symmetric, finite and not negative.
inline void require_table(const char* name, const Eigen::MatrixXd& table, bool zero_diagonal) {
  const Index k = table.rows();
  if (k != table.cols()) {
    throw_invalid({name, " is ", Shape{k, table.cols()},
                   ", but must be square, one row and column per class"});
  }
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < k; ++j) {
      const Name at{name, i, j};
      require_non_negative(at, table(i, j));
      if (table(i, j) != table(j, i)) {
        throw_invalid(at, {" is ", table(i, j), " and (", j, ", ", i, ") is ", table(j, i),
                           ", but the table must be symmetric"});
      }
    }
    if (zero_diagonal && table(i, i) != 0) {
      throw_invalid({name, i, i}, {" is ", table(i, i), ", but the diagonal must be zero"});
    }
  }
}

inline void require_classes(const char* name, Index given, Index classes) {
  if (given != classes) {
    throw_invalid({name, " has ", given, " classes, but there are ", classes});
  }
}

}  // namespace detail

/// What a Loss computes. The defaults are plain LDMAT: Euclidean distance, class distance 1, no
/// regularization, squared penalty, unit weights, mean over the pairs.
template <class M = Euclidean, class P = Squared, class R = Regularizer>
struct LossOptions {
  /// delta: the distance between any two classes. Finite, >= 0.
  double class_distance = 1;
  /// K x K distances between classes, used instead of `class_distance` where not empty: symmetric,
  /// zero diagonal, finite, not negative. For hierarchies, ordinal classes, confusions to avoid.
  Eigen::MatrixXd class_table = {};
  /// Number of classes K: class ids from K on are refused. 0: any id, unless a table says how many.
  Index classes = 0;
  R regularizer = {};                     ///< R: from label distances to targets
  M metric = {};                          ///< rho: parameters of a metric that has some
  P penalty = {};                         ///< phi: parameters of the penalty
  Weights weights = {};                   ///< w: weights of the pairs
  Reduction reduction = Reduction::mean;  ///< Z: from the sum over pairs to the value
  /// Refuse NaN and infinite features, with the first row and column. Costs one pass over them;
  /// otherwise they propagate to the value and the gradient.
  bool check_finite = false;
  /// Threads, where the program is compiled with OpenMP. 0: as many as OpenMP would start, once the
  /// batch is large enough to gain from it. The result has the same bits for any number.
  int threads = 0;

  /// Throws std::invalid_argument where an option is outside its range.
  void validate() const {
    detail::require_non_negative({"LossOptions::class_distance"}, class_distance);
    if (classes < 0) {
      detail::throw_invalid(
          {"LossOptions::classes is ", classes, ", but must be 0 (any) or the number of classes"});
    }
    if (threads < 0) {
      detail::throw_invalid({"LossOptions::threads is ", static_cast<Index>(threads),
                             ", but must be 0 (automatic) or the number of threads"});
    }
    regularizer.validate();
    weights.validate();
    if constexpr (requires { penalty.validate(); }) penalty.validate();
    if constexpr (requires { metric.validate(); }) metric.validate();
    detail::require_table("LossOptions::class_table", class_table, true);
    if (classes > 0 && class_table.size() > 0) {
      detail::require_classes("LossOptions::class_table", class_table.rows(), classes);
    }
    if (weights.kind == Weights::Kind::table) {
      if (weights.table.size() == 0) {
        detail::throw_invalid("Weights::table is empty, but weights of kind table need one");
      }
      detail::require_table("Weights::table", weights.table, false);
      const Index others = class_table.size() > 0 ? class_table.rows() : classes;
      if (others > 0) detail::require_classes("Weights::table", weights.table.rows(), others);
    }
    if (regularizer.uses_running() && class_count() == 0) {
      detail::throw_invalid(
          "an adaptive regularizer keeps a distance per pair of classes: set LossOptions::classes "
          "or LossOptions::class_table");
    }
  }

  /// K, or 0 where any class id is allowed.
  Index class_count() const {
    if (class_table.size() > 0) return class_table.rows();
    if (weights.kind == Weights::Kind::table) return weights.table.rows();
    return classes;
  }
};

/// Value of the loss and what was seen on the way.
struct LossResult {
  double value = 0;                    ///< the loss
  std::int64_t pairs = 0;              ///< n (n - 1) / 2
  std::int64_t same_pairs = 0;         ///< pairs of equal class ids, or of label distance zero
  double mean_same_distance = 0;       ///< mean D_ij over them; 0 where there are none
  double mean_different_distance = 0;  ///< mean D_ij over the others; 0 where there are none

  /// The result itself: what code that runs on any backend (ldmat/backend.hpp) asks for.
  const LossResult& on_host() const { return *this; }
};

namespace detail {

/// Whether targets or weights are tables by pair of classes.
template <class Options>
bool uses_tables(const Options& options) {
  return options.class_table.size() > 0 || options.regularizer.uses_running() ||
         options.weights.kind == Weights::Kind::table;
}

/// How much of the running distances a batch leaves; regularizers of one's own may have no say in it.
template <class R>
double running_momentum(const R& regularizer) {
  if constexpr (requires { regularizer.momentum; }) {
    return regularizer.momentum;
  } else {
    return 0.9;
  }
}

}  // namespace detail

/// State of an adaptive regularizer: the running mean feature distance between classes (K x K,
/// symmetric) and how many batches each entry has seen. Savable as it is; see Loss::restore.
struct RunningDistances {
  Eigen::MatrixXd distance;  ///< C
  /// Batches with pairs of the two classes.
  Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic> batches;
};

}  // namespace ldmat
