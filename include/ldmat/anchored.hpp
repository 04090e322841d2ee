#pragma once

#include <ldmat/anchor_options.hpp>
#include <ldmat/attainable.hpp>
#include <ldmat/checks.hpp>
#include <ldmat/kernel/simd.hpp>
#include <ldmat/kernel/sums.hpp>
#include <ldmat/labels.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/options.hpp>
#include <ldmat/penalty.hpp>
#include <ldmat/view.hpp>

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

/// LDMAT against fixed points: the distances between the samples of a batch and an anchor of each class,
/// instead of those between samples.

namespace ldmat {

/// LDMAT with the batch's distance matrix taken to K anchors a_c instead of to the batch itself:
///
///   l(F) = 1/n * sum over i of [ s phi(D_iy) + (1 - s) / (K - 1) * sum over c != y of phi(D_ic - T_yc) ],
///
/// D_ic = rho(f_i, a_c), y the class of sample i, and its gradient dl/dF; with `beyond_own`, T_yc + D_iy
/// takes the place of T_yc. Anchors say once where each class belongs, so that samples of which the
/// network is not sure need not agree with each other, and the gradient does not depend on who else is in
/// the batch; it is much the better choice for classes that are hard to tell apart (docs/results.md). With one class, l is the mean of phi(D_iy).
///
///   features   n x d, element type Scalar, any layout, borrowed. Half types are computed in float.
///   labels     n class ids in [0, K)
///   gradient   n x d, element type Scalar or its accumulator; overwritten. An empty Eigen matrix is
///              resized. Must not overlap the features.
///
/// The result's pairs are those of a sample and an anchor: n K, of which n are of one class.
///
/// Errors: std::invalid_argument for options out of range (at construction), shapes that do not agree,
/// class ids that are none, a gradient that overlaps the features or itself, and, with `check_finite`,
/// NaN or infinite features. Nothing is written to the gradient by a call that throws. No samples:
/// value 0.
///
/// Cost: O(n K d) time on one thread, O(n + K (K + d)) memory. Distances are computed from differences in the
/// accumulator type, sums over a sample in it, over samples in double (with `beyond_own`, those of a sample
/// far from all anchors are differences of large numbers). A sample that coincides with an
/// anchor has distance 0 from it and, for the Euclidean metric, gradient 0 by it.
///
/// Threads: a call uses the object's own memory, so that one object serves one thread.
///
/// Source: the project's own form of LDMAT; fixed targets of classes are as old as one-hot regression, and
/// distances beyond the own one's are those of large margin nearest neighbours (Weinberger and Saul, 2009).
template <class Scalar, class M = Euclidean, class P = OneSided<Squared>,
          class Arch = detail::DefaultArch>
class AnchoredLoss {
  static_assert(Storage<Scalar>,
                "ldmat: AnchoredLoss<Scalar> needs float, double, Eigen::half or Eigen::bfloat16");
  static_assert(Metric<M>, LDMAT_DETAIL_NEEDS_METRIC);
  static_assert(
      !M::of_directions,
      "ldmat: AnchoredLoss has no metric of directions: scale features and anchors to length 1, "
      "for example by a last layer, and use SquaredEuclidean, which is twice the cosine "
      "distance there");
  static_assert(Penalty<P>,
                "ldmat: a penalty needs Penalized<V> operator()(V residual, M same) const; see "
                "ldmat/penalty.hpp");

 public:
  using Options = AnchorOptions<M, P>;             ///< what may be chosen
  using Accumulator = ldmat::Accumulator<Scalar>;  ///< what distances are computed in

  /// Throws std::invalid_argument where an option is outside its range.
  explicit AnchoredLoss(Options options) : options_(std::move(options)) {
    options_.validate();
    place_anchors();
    place_targets();
    coefficients_.resize(static_cast<std::size_t>(padded_));
    sample_.resize(static_cast<std::size_t>(dimension()));
  }

  /// As given to the constructor.
  const Options& options() const { return options_; }

  /// The value of the batch.
  template <FeatureMatrix F, ClassLabels L>
  LossResult operator()(const F& features, const L& labels) {
    MatrixView<Scalar> none;
    return run<false>(features, labels, none);
  }
  /// Value and gradient of the batch.
  template <FeatureMatrix F, ClassLabels L, class G>
  LossResult operator()(const F& features, const L& labels, G&& gradient) {
    return run<true>(features, labels, gradient);
  }

 private:
  using T = Accumulator;
  using V = detail::Pack<T, Arch>;
  static constexpr Index lanes = detail::PackTraits<V>::size;

  Index classes() const { return options_.anchors.rows(); }
  Index dimension() const { return options_.anchors.cols(); }
  static T* at(std::vector<T>& values, Index i) { return values.data() + i; }
  static const T* at(const std::vector<T>& values, Index i) { return values.data() + i; }

  /// Component k of all anchors side by side, so that a pack holds several anchors.
  void place_anchors() {
    padded_ = (classes() + lanes - 1) / lanes * lanes;
    anchors_.assign(static_cast<std::size_t>(padded_ * dimension()), T(0));
    for (Index c = 0; c < classes(); ++c) {
      for (Index k = 0; k < dimension(); ++k) {
        *at(anchors_, k * padded_ + c) = static_cast<T>(options_.anchors(c, k));
      }
    }
    require_representable("AnchorOptions::anchors are", anchors_);
  }

  /// Throws for what the accumulator has no finite value for, or the metric none of.
  static void require_representable(const char* what, const std::vector<T>& values) {
    for (const T value : values) {
      if (detail::is_finite(value)) continue;
      detail::throw_invalid({what, " too large for ", std::is_same_v<T, float> ? "float" : "double",
                             ", in which distances are computed"});
    }
  }

  void place_targets() {
    targets_.assign(static_cast<std::size_t>(padded_ * classes()), T(0));
    numbers_.resize(static_cast<std::size_t>(padded_));
    for (Index c = 0; c < padded_; ++c) *at(numbers_, c) = static_cast<T>(c);
    for (Index y = 0; y < classes(); ++y) {
      for (Index c = 0; c < classes(); ++c) {
        *at(targets_, y * padded_ + c) = static_cast<T>(
            options_.class_table.size() > 0 ? options_.class_table(y, c)
                                            : options_.target_share * anchor_distance(y, c));
      }
    }
    require_representable("the wanted distances to anchors are", targets_);
    std::vector<T> distances;
    for (Index y = 0; y < classes(); ++y) {
      for (Index c = 0; c < y; ++c) distances.push_back(anchor_distance<T>(y, c));
    }
    require_representable("the distances between AnchorOptions::anchors are", distances);
  }

  template <class Number = double>
  Number anchor_distance(Index a, Index b) const {
    Number sum = 0;
    for (Index k = 0; k < dimension(); ++k) {
      sum = options_.metric.accumulate(
          sum, static_cast<Number>(options_.anchors(a, k) - options_.anchors(b, k)));
    }
    return options_.metric.distance(sum);
  }

  template <bool WithGradient, class F, class L, class G>
  LossResult run(const F& features, const L& labels, G& gradient) {
    static_assert(
        !WithGradient || WritableMatrix<G>,
        "ldmat: gradient must be a writable matrix in memory (not const, not an expression)");
    const MatrixView<const Scalar> x = detail::const_view(features);
    detail::require_strides("features", x);
    if (x.columns != dimension()) {
      detail::throw_shape("features", {x.rows, x.columns}, "the anchors have as many columns",
                          {x.rows, dimension()});
    }
    if (options_.check_finite) {
      detail::require_finite("features", x, "check_finite asks for finite features");
    }
    detail::require_count("labels", detail::label_count(labels), "features", x.rows);
    ids_.resize(static_cast<std::size_t>(x.rows));
    detail::read_labels("labels", labels, classes(), ids_.data());
    if constexpr (WithGradient) {
      const auto g = detail::sized_output("gradient", gradient, x.rows, x.columns,
                                          "it must have the shape of the features");
      if (detail::overlap(x, g)) {
        detail::throw_invalid("gradient overlaps features, but must be memory of its own");
      }
      return evaluate<true>(x, g);
    } else {
      return evaluate<false>(x, gradient);
    }
  }

  template <bool WithGradient, class G>
  LossResult evaluate(MatrixView<const Scalar> x, MatrixView<G> gradient) {
    LossResult result;
    if (x.rows == 0) return result;
    detail::PairSums sums;
    const double share = 1 / static_cast<double>(x.rows);
    for (Index i = 0; i < x.rows; ++i) {
      for (Index k = 0; k < x.columns; ++k) *at(sample_, k) = static_cast<T>(x(i, k));
      add_sample(static_cast<Index>(ids_[static_cast<std::size_t>(i)]), sums);
      if constexpr (WithGradient) write_gradient(static_cast<T>(share), gradient, i);
    }
    const auto n = static_cast<std::int64_t>(x.rows);
    result.value = sums.penalty * share;
    result.pairs = n * classes();
    result.same_pairs = n;
    result.mean_same_distance = sums.same_distance * share;
    if (classes() > 1) {
      result.mean_different_distance = (sums.distance - sums.same_distance) /
                                       static_cast<double>(result.pairs - result.same_pairs);
    }
    return result;
  }

  /// The terms of sample_, which is of class y. Leaves w phi' slope of each anchor in coefficients_; with
  /// `beyond_own`, the own anchor's is less by the others' w phi' times its slope.
  void add_sample(Index y, detail::PairSums& sums) {
    const bool alone = classes() == 1;
    const V same_weight(alone ? T(1) : static_cast<T>(options_.same_share));
    const V other_weight(
        alone ? T(0)
              : static_cast<T>((1 - options_.same_share) / static_cast<double>(classes() - 1)));
    const V zero(T(0));
    V beyond = zero;
    if (options_.beyond_own) {
      beyond = measure_to([&](Index k) { return V(*at(anchors_, k * padded_ + y)); }).distance;
    }
    V penalty = zero;
    V distance = zero;
    V same_distance = zero;
    V other_slopes = zero;
    V own_slope = zero;
    for (Index c = 0; c < padded_; c += lanes) {
      const auto measured =
          measure_to([&](Index k) { return detail::read<V>(at(anchors_, k * padded_ + c)); });
      const auto same = detail::read<V>(at(numbers_, c)) == V(static_cast<T>(y));
      const auto inside = detail::first_lanes<V>(classes() - c);
      const Penalized<V> cost =
          options_.penalty(V(V(measured.distance - detail::choose(same, zero, beyond)) -
                             detail::read<V>(at(targets_, y * padded_ + c))),
                           same);
      const V weight = detail::keep_where(inside, detail::choose(same, same_weight, other_weight));
      const V slope = detail::keep_where(inside, V(weight * cost.slope));
      penalty += detail::keep_where(inside, detail::in_register(V(weight * cost.value)));
      distance += detail::keep_where(inside, measured.distance);
      same_distance += detail::keep_where(same, measured.distance);
      other_slopes += detail::choose(same, zero, slope);
      own_slope += detail::keep_where(same, measured.slope);
      detail::write(at(coefficients_, c), detail::keep_where(inside, V(slope * measured.slope)));
    }
    if (options_.beyond_own) {
      *at(coefficients_, y) -= detail::sum_of(other_slopes) * detail::sum_of(own_slope);
    }
    sums.penalty += static_cast<double>(detail::sum_of(penalty));
    sums.distance += static_cast<double>(detail::sum_of(distance));
    sums.same_distance += static_cast<double>(detail::sum_of(same_distance));
  }

  /// Of sample_ to the anchors in the lanes of `component(k)`, component k of each.
  template <class Component>
  Measured<V> measure_to(const Component& component) const {
    V sum(T(0));
    for (Index k = 0; k < dimension(); ++k) {
      sum = options_.metric.accumulate(sum, V(V(*at(sample_, k)) - component(k)));
    }
    auto measured = detail::measure(options_.metric, sum);
    measured.distance = detail::in_register(measured.distance);  // the same bits wherever inlined
    return measured;
  }

  template <class G>
  void write_gradient(T share, MatrixView<G> gradient, Index i) const {
    for (Index k = 0; k < dimension(); ++k) {
      V sum(T(0));
      for (Index c = 0; c < padded_; c += lanes) {
        const V difference = V(*at(sample_, k)) - detail::read<V>(at(anchors_, k * padded_ + c));
        sum = detail::multiply_add(detail::read<V>(at(coefficients_, c)),
                                   V(options_.metric.direction(difference)), sum);
      }
      gradient(i, k) = static_cast<G>(share * detail::sum_of(sum));
    }
  }

  Options options_;
  Index padded_ = 0;             // classes, up to a whole number of packs
  std::vector<T> anchors_;       // d x padded
  std::vector<T> targets_;       // K x padded
  std::vector<T> numbers_;       // 0, 1, ...
  std::vector<T> coefficients_;  // of the current sample
  std::vector<T> sample_;        // the current sample
  std::vector<std::int64_t> ids_;
};

/// The anchored loss with settings that did well on colour images (docs/results.md): anchors where the
/// distances of `table` (K x K, as for `attainable`) can be had in d dimensions, or come closest to it; a
/// one-sided squared penalty; three quarters of the distances between anchors as targets; a share of
/// 3 / (K + 10) for a sample's own class. The unit of the table matters to an optimizer like Adam, whose
/// steps do not grow with it: 5 between classes did well for ten of them, 15 for a hundred. Keep
/// `options().anchors` with what was trained: another program may place them elsewhere. The project's
/// choice, not the paper's. Throws and costs what `attainable` does.
template <class Scalar>
AnchoredLoss<Scalar> recommended_anchored(const Eigen::MatrixXd& table, Index d) {
  const double share = 3 / (static_cast<double>(table.rows()) + 10);
  return AnchoredLoss<Scalar>(
      {.anchors = attainable(table, d).positions, .target_share = 0.75, .same_share = share});
}

}  // namespace ldmat
