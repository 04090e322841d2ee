#pragma once

#include <ldmat/math.hpp>

#include <concepts>
#include <type_traits>

/// Metrics: how far apart two feature vectors are.
///
/// A metric is one struct and one formula: rho(x, y) = distance(sum over k of a(x_k - y_k)), where
/// `accumulate` adds a(difference) to a running sum. Its derivative is
/// d rho / d x_k = slope(distance) * direction(x_k - y_k), and d rho / d y_k its opposite. The call
/// operators are templates over a scalar or a SIMD pack, so that the reference, the CPU kernels and
/// CUDA run the same text.
///
///   struct MyMetric {
///     static constexpr bool from_squared_norm = false;  // see below
///     static constexpr bool of_directions = false;      // see below
///     template <class V> V accumulate(V sum, V difference) const;
///     template <class V> V distance(V sum) const;
///     template <class V> V slope(V distance) const;     // 0 where the derivative does not exist
///     template <class V> V direction(V difference) const;
///   };
///
/// `from_squared_norm`: the sum is |x - y|^2 and the direction the identity, so that kernels may use
/// matrix products. A metric with parameters may have `void validate() const`, which throws. With `of_directions` the
/// features are scaled to unit norm first and the gradient is carried back through that scaling; a
/// row of zeros, which has no direction, is at the distance of an orthogonal one from every other
/// row, at distance 0 from other rows of zeros, and gets a zero gradient.

namespace ldmat {

/// What a metric must offer, checked with double.
template <class M>
concept Metric = std::copy_constructible<M> && requires(const M metric, double x) {
  { M::from_squared_norm } -> std::convertible_to<bool>;
  { M::of_directions } -> std::convertible_to<bool>;
  { metric.accumulate(x, x) } -> std::same_as<double>;
  { metric.distance(x) } -> std::same_as<double>;
  { metric.slope(x) } -> std::same_as<double>;
  { metric.direction(x) } -> std::same_as<double>;
};

#define LDMAT_DETAIL_NEEDS_METRIC                                                        \
  "ldmat: a metric needs accumulate, distance, slope, direction, from_squared_norm and " \
  "of_directions; see ldmat/metric.hpp"

/// A distance and its slope.
template <class V>
struct Measured {
  V distance;  ///< rho
  V slope;     ///< what `slope` of the metric gives for it
};

/// What metrics of |x - y|^2 share: the sum over k of (x_k - y_k)^2, whose direction is x - y itself.
struct SquaredDifferences {
  static constexpr bool from_squared_norm = true;  ///< the sum is |x - y|^2

  /// sum + difference^2
  template <class V>
  LDMAT_HOST_DEVICE V accumulate(V sum, V difference) const {
    using namespace math;
    return fma(difference, difference, sum);
  }
  /// difference
  template <class V>
  LDMAT_HOST_DEVICE V direction(V difference) const {
    return difference;
  }
};

/// Euclidean distance, rho = |x - y|, the metric of LDMAT. Range [0, inf). The derivative
/// (x - y) / |x - y| is taken as 0 where x = y exactly (the subgradient of least norm), never NaN.
struct Euclidean : SquaredDifferences {
  static constexpr bool of_directions = false;  ///< of the features as they are

  /// sqrt(sum)
  template <class V>
  LDMAT_HOST_DEVICE V distance(V sum) const {
    using namespace math;
    return sqrt(sum);
  }
  /// 1 / distance, and 0 for 0
  template <class V>
  LDMAT_HOST_DEVICE V slope(V distance) const {
    using namespace math;
    const V zero = constant<V>(0);
    const V one = constant<V>(1);
    return select(distance == zero, zero, one / distance);
  }
};

/// Squared Euclidean distance, rho = |x - y|^2. Range [0, inf); derivative 2 (x - y).
struct SquaredEuclidean : SquaredDifferences {
  static constexpr bool of_directions = false;  ///< of the features as they are

  /// sum
  template <class V>
  LDMAT_HOST_DEVICE V distance(V sum) const {
    return sum;
  }
  /// 2
  template <class V>
  LDMAT_HOST_DEVICE V slope(V /*distance*/) const {
    return math::constant<V>(2);
  }
};

/// Cosine distance, rho = 1 - cos(x, y) = |x/|x| - y/|y||^2 / 2: the second form, which is the one
/// computed, keeps its digits where x and y are almost parallel. Range [0, 2].
struct Cosine : SquaredDifferences {
  static constexpr bool of_directions = true;  ///< of features scaled to norm 1

  /// sum / 2
  template <class V>
  LDMAT_HOST_DEVICE V distance(V sum) const {
    return math::constant<V>(0.5) * sum;
  }
  /// 1
  template <class V>
  LDMAT_HOST_DEVICE V slope(V /*distance*/) const {
    return math::constant<V>(1);
  }
};

/// Manhattan distance, rho = sum over k of |x_k - y_k|. Range [0, inf). The derivative is the sign
/// of the difference, 0 for equal coordinates.
struct Manhattan {
  static constexpr bool from_squared_norm = false;  ///< the sum is of |x_k - y_k|
  static constexpr bool of_directions = false;      ///< of the features as they are

  /// sum + |difference|
  template <class V>
  LDMAT_HOST_DEVICE V accumulate(V sum, V difference) const {
    using namespace math;
    return sum + abs(difference);
  }
  /// sum
  template <class V>
  LDMAT_HOST_DEVICE V distance(V sum) const {
    return sum;
  }
  /// 1
  template <class V>
  LDMAT_HOST_DEVICE V slope(V /*distance*/) const {
    return math::constant<V>(1);
  }
  /// 1, -1 or 0: the sign of the difference
  template <class V>
  LDMAT_HOST_DEVICE V direction(V difference) const {
    using namespace math;
    const V zero = constant<V>(0);
    const V negative = select(difference < zero, constant<V>(-1), difference);  // keeps 0 and NaN
    return select(difference > zero, constant<V>(1), negative);
  }
};

namespace detail {

/// Components of a packed sample: a metric of directions needs one more, which is 1 for a row of
/// zeros and 0 for all others, and so puts rows of zeros at right angles to everything else.
template <Metric M>
constexpr Index packed_width(Index dimension) {
  return M::of_directions ? dimension + 1 : dimension;
}

/// Pairs with |x_i - x_j|^2 <= near_bound (|x_i|^2 + |x_j|^2) are recomputed. The rounding error of the
/// product form is some units in the last place of the norms, so that a distance kept at this bound
/// has lost less than a factor 1 / near_bound of its relative precision.
inline constexpr double near_bound = 0.08;

/// A metric whose formulas are templates, as kernels need them: V is a SIMD pack.
template <class M, class V>
concept MetricOfPacks = requires(const M metric, V x) {
  { metric.accumulate(x, x) } -> std::convertible_to<V>;
  { metric.distance(x) } -> std::convertible_to<V>;
  { metric.slope(x) } -> std::convertible_to<V>;
  { metric.direction(x) } -> std::convertible_to<V>;
};

/// Distance and slope at once. For the Euclidean metric itself, not for what is derived from it, one
/// reciprocal square root gives both; sums too small for it are distance 0.
template <Metric M, class V>
LDMAT_HOST_DEVICE LDMAT_ALWAYS_INLINE Measured<V> measure(const M& metric, V sum) {
  if constexpr (std::is_same_v<M, Euclidean>) {
    using namespace math;
    const V inverse = keep_where(sum >= smallest<V>(), inverse_sqrt(sum));
    return {sum * inverse, inverse};
  } else {
    const V distance = metric.distance(sum);
    return {distance, metric.slope(distance)};
  }
}

}  // namespace detail

}  // namespace ldmat
