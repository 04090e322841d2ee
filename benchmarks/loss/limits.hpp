#pragma once

namespace ldmat::bench {

/// What this machine can do in the arithmetic of one scalar type, on one thread.
struct Limit {
  double operations_per_second = 0;  ///< of Eigen's product of two square matrices
  double seconds_per_pair = 0;       ///< of two-dimensional samples, value and gradient
};

struct Limits {
  Limit single_precision;
  Limit double_precision;
};

/// The limits of this machine, measured by the first call (two or three seconds). What they count is
/// said in limits.cpp and pairs_in_two_dimensions.hpp.
const Limits& limits();

/// The limit that holds for a loss computed in float or double.
template <class Accumulator>
const Limit& limit_of() {
  return sizeof(Accumulator) == sizeof(float) ? limits().single_precision
                                              : limits().double_precision;
}

}  // namespace ldmat::bench
