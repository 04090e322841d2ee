#pragma once

#include <ldmat/error.hpp>
#include <ldmat/math.hpp>

#include <concepts>

/// Regularizers: how the label distance matrix L is relaxed into the target T (docs/method.md,
/// "Regularized targets").
///
/// A regularizer is one struct with one call operator, a template over a scalar or a SIMD pack V,
/// applied to every pair of different samples (the diagonal of T is always 0):
///
///   struct MyRegularizer {
///     template <class V> V operator()(LabelPair<V> pair) const;   // T_ij
///     bool uses_mean() const;        // reads pair.mean
///     bool uses_running() const;     // reads pair.running: class ids only, needs Options::classes
///     void validate() const;         // throws on bad parameters
///   };

namespace ldmat {

/// What is known of a pair before it is regularized.
template <class V>
struct LabelPair {
  V distance;  ///< L_ij
  V mean;      ///< mean of L over all pairs of different samples of the batch
  V running;   ///< running mean of the feature distance between the two classes
};

/// What a regularizer must offer, checked with double.
template <class R>
concept RegularizerPolicy = std::copy_constructible<R> &&
    requires(const R regularizer, LabelPair<double> pair) {
  { regularizer(pair) } -> std::same_as<double>;
  { regularizer.uses_mean() } -> std::same_as<bool>;
  { regularizer.uses_running() } -> std::same_as<bool>;
  regularizer.validate();
};

#define LDMAT_DETAIL_NEEDS_REGULARIZER                                                        \
  "ldmat: a regularizer needs V operator()(LabelPair<V>) const, uses_mean, uses_running and " \
  "validate; see ldmat/regularizer.hpp"

/// T = keep * L + toward_mean * mean(L) + toward_running * C + offset: all of the project's own
/// regularizers are cases of this one, made by `none`, `offset`, `shrink` and `adaptive`.
struct Regularizer {
  double keep = 1;            ///< factor of L, in [0, 1]
  double offset = 0;          ///< added to every target, >= 0
  double toward_mean = 0;     ///< factor of mean(L), in [0, 1]
  double toward_running = 0;  ///< factor of the running distances C, in [0, 1]
  double momentum =
      0.9;  ///< of the running distances C: C <- momentum C + (1 - momentum) batch mean

  /// T_ij
  template <class V>
  LDMAT_HOST_DEVICE V operator()(LabelPair<V> pair) const {
    using namespace math;
    V target = constant<V>(keep) * pair.distance + constant<V>(offset);
    if (uses_mean()) target = target + constant<V>(toward_mean) * pair.mean;
    if (uses_running()) target = target + constant<V>(toward_running) * pair.running;
    return target;
  }
  /// Whether `pair.mean` is read.
  LDMAT_HOST_DEVICE bool uses_mean() const { return toward_mean != 0; }
  /// Whether `pair.running` is read.
  LDMAT_HOST_DEVICE bool uses_running() const { return toward_running != 0; }

  /// Throws std::invalid_argument where a member is outside its range.
  void validate() const {
    detail::require_range("Regularizer::toward_mean (strength of shrink)", toward_mean, 0, 1);
    detail::require_range("Regularizer::toward_running (strength of adaptive)", toward_running, 0,
                          1);
    detail::require_range("Regularizer::keep", keep, 0, 1);
    detail::require_non_negative({"Regularizer::offset"}, offset);
    detail::require_range("Regularizer::momentum", momentum, 0, 1);
  }
};

/// T = L.
constexpr Regularizer none() {
  return {};
}

/// T = L + strength for every pair of different samples: samples of one class may keep the distance
/// `strength`, classes move apart by it. strength >= 0.
constexpr Regularizer offset(double strength) {
  return {.offset = strength};
}

/// T = (1 - strength) L + strength * mean(L): label smoothing, in distances. strength in [0, 1].
constexpr Regularizer shrink(double strength) {
  return {.keep = 1 - strength, .toward_mean = strength};
}

/// T = (1 - strength) L + strength * C, where C_kl is the running mean (over the batches that a
/// Loss has seen) of the feature distance between classes k and l: the target gives way to the
/// geometry that the data prefers. A class pair not seen yet keeps T = L. strength and momentum in
/// [0, 1].
constexpr Regularizer adaptive(double strength, double momentum = 0.9) {
  return {.keep = 1 - strength, .toward_running = strength, .momentum = momentum};
}

}  // namespace ldmat
