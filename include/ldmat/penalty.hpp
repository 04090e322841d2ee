#pragma once

#include <ldmat/error.hpp>
#include <ldmat/math.hpp>

#include <concepts>

/// Penalties: what a residual r = D_ij - T_ij costs.
///
/// A penalty is one struct with one call operator, a template over a scalar or a SIMD pack V and
/// the mask M that comparing two V gives:
///
///   struct MyPenalty {
///     template <class V, class M>
///     Penalized<V> operator()(V residual, M same) const;   // {phi(r), phi'(r)}
///     void validate() const;                               // optional: throws on bad parameters
///   };
///
/// `same` is true where both samples are of the same class (their label distance is zero), which
/// lets a penalty be one-sided. NaN residuals must give NaN: write conditions so that the free side
/// is the one that a comparison selects.

namespace ldmat {

/// phi(r) and its derivative phi'(r).
template <class V>
struct Penalized {
  V value;  ///< phi(r)
  V slope;  ///< phi'(r)
};

/// What a penalty must offer, checked with double.
template <class P>
concept Penalty = std::copy_constructible<P> && requires(const P penalty, double r, bool same) {
  { penalty(r, same) } -> std::same_as<Penalized<double>>;
};

namespace detail {

/// A penalty whose formula is a template, as kernels need it: V is a SIMD pack.
template <class P, class V>
concept PenaltyOfPacks = requires(const P penalty, V r, Mask<V> same) {
  { penalty(r, same) } -> std::same_as<Penalized<V>>;
};

}  // namespace detail

/// phi(r) = r^2: the penalty of plain LDMAT.
struct Squared {
  /// {r^2, 2 r}
  template <class V, class M>
  LDMAT_HOST_DEVICE Penalized<V> operator()(V residual, M /*same*/) const {
    return {residual * residual, residual + residual};
  }
};

/// phi(r) = |r|; the derivative is taken as 0 at r = 0.
struct Absolute {
  /// {|r|, sign of r}
  template <class V, class M>
  LDMAT_HOST_DEVICE Penalized<V> operator()(V residual, M /*same*/) const {
    using namespace math;
    const V zero = constant<V>(0);
    const V negative = select(residual < zero, constant<V>(-1), residual);
    return {abs(residual), select(residual > zero, constant<V>(1), negative)};
  }
};

/// phi(r) = r^2 for |r| <= threshold, threshold (2 |r| - threshold) beyond: squared near the
/// target, linear far from it, with a continuous derivative. threshold > 0.
struct Huber {
  double threshold = 1;  ///< where it turns linear

  /// {phi(r), phi'(r)}
  template <class V, class M>
  LDMAT_HOST_DEVICE Penalized<V> operator()(V residual, M /*same*/) const {
    using namespace math;
    const V bound = constant<V>(threshold);
    const V size = abs(residual);
    const V linear_slope = select(residual < constant<V>(0), -(bound + bound), bound + bound);
    return {select(size > bound, bound * (size + size - bound), residual * residual),
            select(size > bound, linear_slope, residual + residual)};
  }
  /// Throws std::invalid_argument unless threshold is finite and positive.
  void validate() const {
    detail::require_non_negative({"Huber::threshold"}, threshold);
    if (threshold == 0) detail::throw_invalid("Huber::threshold is 0, but must be positive");
  }
};

/// The epsilon-insensitive square: phi(r) = max(0, |r| - e)^2, free of charge within e of the
/// target. e is `same` for pairs of one class and `different` for the others, both >= 0.
struct Band {
  double same = 0;       ///< e of pairs of one class
  double different = 0;  ///< e of pairs of different classes

  /// {phi(r), phi'(r)}
  template <class V, class M>
  LDMAT_HOST_DEVICE Penalized<V> operator()(V residual, M same_class) const {
    using namespace math;
    const V zero = constant<V>(0);
    const V width = select(same_class, constant<V>(same), constant<V>(different));
    const V above = residual - width;
    const V below = residual + width;
    const V excess = select(residual < zero, below, above);
    const V free = select(abs(residual) <= width, zero, excess);
    return {free * free, free + free};
  }
  /// Throws std::invalid_argument where a width is negative or not finite.
  void validate() const {
    detail::require_non_negative({"Band::same"}, same);
    detail::require_non_negative({"Band::different"}, different);
  }
};

/// One-sided form of a penalty: pairs of one class cost only above their target, pairs of different
/// classes only below it, so that classes may move farther apart than their target and samples of
/// one class closer together. See docs/method.md.
template <Penalty Base = Squared>
struct OneSided {
  Base base = {};  ///< what the wrong side costs

  /// Those of `base` on the side that costs, {0, 0} on the other.
  template <class V, class M>
  LDMAT_HOST_DEVICE Penalized<V> operator()(V residual, M same_class) const {
    using namespace math;
    const V zero = constant<V>(0);
    const Penalized<V> cost = base(residual, same_class);
    const V wrong_side = select(same_class, residual, -residual);
    return {select(wrong_side < zero, zero, cost.value),
            select(wrong_side < zero, zero, cost.slope)};
  }
  /// Throws what `base` throws.
  void validate() const {
    if constexpr (requires { base.validate(); }) base.validate();
  }
};

}  // namespace ldmat
