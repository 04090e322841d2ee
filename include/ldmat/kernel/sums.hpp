#pragma once

#include <ldmat/shape.hpp>

#include <cstdint>

namespace ldmat::detail {

/// What a kernel returns of the pairs i < j that it visited.
struct PairSums {
  double penalty = 0;        ///< sum of w_ij phi(D_ij - T_ij)
  double distance = 0;       ///< sum of D_ij
  double same_distance = 0;  ///< sum of D_ij over pairs of one class

  LDMAT_HOST_DEVICE PairSums& operator+=(const PairSums& other) {
    penalty += other.penalty;
    distance += other.distance;
    same_distance += other.same_distance;
    return *this;
  }
};

/// Where the sums over class pairs of D_ij go (K x K, at [y_i][y_j] for i < j), for the adaptive
/// regularizer.
struct ClassPairSums {
  double* distance = nullptr;
  std::int64_t* pairs = nullptr;
};

}  // namespace ldmat::detail
