#pragma once

#include <ldmat/eigen.hpp>
#include <ldmat/error.hpp>

/// Pair weights w_ij and how the weighted sum becomes the loss.

namespace ldmat {

/// Weights of the pairs, made by `uniform_weights`, `class_balanced` and `weight_table`.
struct Weights {
  /// Which of the three.
  enum class Kind {
    uniform,         ///< w = 1
    class_balanced,  ///< same-class pairs get `same_share` of the total
    table,           ///< w_ij = table(y_i, y_j)
  };

  Kind kind = Kind::uniform;   ///< see the functions that make them
  double same_share = 0.5;     ///< class_balanced: the part of the weight that same-class pairs get
  Eigen::MatrixXd table = {};  ///< table: K x K, symmetric, not negative

  /// Throws std::invalid_argument where `same_share` is used and outside [0, 1].
  void validate() const {
    if (kind == Kind::class_balanced) {
      detail::require_range("Weights::same_share", same_share, 0, 1);
    }
  }
};

/// w = 1 for every pair.
inline Weights uniform_weights() {
  return {};
}

/// Pairs of one class share `same_share` of the total weight, pairs of different classes the rest;
/// the total is the number of pairs. Where a batch holds only one of the two kinds, w = 1.
/// same_share in [0, 1].
inline Weights class_balanced(double same_share = 0.5) {
  return {.kind = Weights::Kind::class_balanced, .same_share = same_share};
}

/// w_ij = table(y_i, y_j): K x K, symmetric, finite and not negative.
inline Weights weight_table(Eigen::MatrixXd table) {
  return {.kind = Weights::Kind::table, .table = std::move(table)};
}

/// The factor between the sum over pairs S = sum w_ij phi(D_ij - T_ij) and the loss.
enum class Reduction {
  mean,           ///< S / (n (n - 1) / 2)
  sum,            ///< S
  weighted_mean,  ///< S / sum w_ij, and 0 where that is 0
  frobenius,      ///< sqrt(2 S): with the squared penalty and w = 1 it is ||D - T||_F
};

}  // namespace ldmat
