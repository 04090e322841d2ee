#pragma once

#include <ldmat/backend.hpp>
#include <ldmat/checks.hpp>
#include <ldmat/kernel/evaluate.hpp>
#include <ldmat/kernel/prepare.hpp>
#include <ldmat/options.hpp>
#include <ldmat/target.hpp>
#include <ldmat/workspace.hpp>

namespace ldmat {

/// The LDMAT loss: how far the pairwise distances of a batch's features are from the distances that
/// the labels ask for.
///
///   l(F) = 1/Z * sum over i < j of w_ij phi(D_ij - T_ij),   D_ij = rho(f_i, f_j),   T = R(L),
///
/// with metric rho (M), penalty phi (P), regularizer R, weights w and normaliser Z (Reduction) as
/// the options say, and its gradient dl/dF. `Loss<float> loss{};` is plain LDMAT.
///
///   features   n x d, element type Scalar, any layout, borrowed. Half types are computed in float.
///   labels     n class ids, or an n x p matrix of label vectors, or `label_vectors(...)`, or
///              `target_matrix(...)`
///   gradient   n x d, element type Scalar or its accumulator; overwritten. An empty Eigen matrix
///              is resized. Must not overlap the features.
///
/// Errors: std::invalid_argument for options out of range (at construction), shapes that do not
/// agree, class ids below 0 or from K on, a gradient that overlaps the features or itself, and,
/// with `check_finite`, NaN or infinite features (labels are not looked at). Nothing is written to
/// the gradient, nor to the state of an adaptive regularizer, by a call that throws it. Running out
/// of memory is std::bad_alloc, and may leave an empty gradient resized. Fewer than two samples:
/// value 0, gradient 0.
///
/// Cost: O(n^2 d) time (1.5 n^2 d multiply-adds with gradient), O(n d + n + K^2) memory, kept for
/// the next call. Label vectors cost another O(n^2 p), tables O(K^2). Distances and sums over some
/// hundred pairs are kept in the accumulator type, all further sums in double: in float, squares of
/// differences overflow from about 1e19 (to infinity or NaN), and distances below about 1e-19 are 0.
/// Features that coincide have distance exactly 0 and, for the Euclidean metric, add 0 to the
/// gradient.
///
/// Threads: calls through `evaluate` on separate workspaces may run at the same time; operator()
/// uses the object's own workspace and may not. Copies share nothing.
///
/// Source: Ribeiro et al., CVIU 249 (2024) 104184; docs/method.md says what is the project's own.
template <class Scalar, class M = Euclidean, class P = Squared, class R = Regularizer,
          class Backend = detail::DefaultBackend>
class Loss {
  static_assert(Storage<Scalar>,
                "ldmat: Loss<Scalar> needs float, double, Eigen::half or Eigen::bfloat16");
  static_assert(Metric<M>, LDMAT_DETAIL_NEEDS_METRIC);
  static_assert(Penalty<P>,
                "ldmat: a penalty needs Penalized<V> operator()(V residual, M same) const; see "
                "ldmat/penalty.hpp");
  static_assert(RegularizerPolicy<R>, LDMAT_DETAIL_NEEDS_REGULARIZER);

 public:
  using Options = LossOptions<M, P, R>;            ///< what may be chosen
  using Result = LossResult;                       ///< what a call returns
  using Accumulator = ldmat::Accumulator<Scalar>;  ///< what distances are computed in
  using WorkspaceType = Workspace<Accumulator>;    ///< what `evaluate` needs

  Loss() : Loss(Options{}) {}
  /// Throws std::invalid_argument where an option is outside its range.
  explicit Loss(Options options) : options_(std::move(options)) {
    options_.validate();
    reset();
  }

  /// As given to the constructor.
  const Options& options() const { return options_; }

  /// The value of the batch.
  template <class F, class L>
  Result operator()(const F& features, const L& labels) {
    MatrixView<Scalar> none;
    return run<false>(features, labels, none, workspace_, nullptr);
  }
  /// Value and gradient of the batch. Lets an adaptive regularizer see the batch, after the value was
  /// computed.
  template <class F, class L, class G>
  Result operator()(const F& features, const L& labels, G&& gradient) {
    return run<true>(features, labels, gradient, workspace_,
                     options_.regularizer.uses_running() ? &running_ : nullptr);
  }

  /// The value, on a workspace of the caller's.
  template <class F, class L>
  Result evaluate(const F& features, const L& labels, WorkspaceType& workspace) const {
    MatrixView<Scalar> none;
    return run<false>(features, labels, none, workspace, nullptr);
  }
  /// Value and gradient, on a workspace of the caller's; an adaptive regularizer's state is read, not
  /// changed.
  template <class F, class L, class G>
  Result evaluate(const F& features, const L& labels, G&& gradient,
                  WorkspaceType& workspace) const {
    return run<true>(features, labels, gradient, workspace, nullptr);
  }

  /// State of an adaptive regularizer; empty for the others.
  const RunningDistances& running_distances() const { return running_; }

  /// Sets it, for example from a checkpoint. Throws std::invalid_argument where the shape is not
  /// K x K or an entry is negative or not finite.
  void restore(const RunningDistances& state) {
    detail::require_running(state,
                            options_.regularizer.uses_running() ? options_.class_count() : 0);
    running_ = state;
  }

  /// Forgets it.
  void reset() {
    const Index k = options_.regularizer.uses_running() ? options_.class_count() : 0;
    running_.distance = Eigen::MatrixXd::Zero(k, k);
    running_.batches.setZero(k, k);
  }

 private:
  using T = Accumulator;
  /// What kernels may read of the target behind the last sample.
  static constexpr Index padding = detail::widest<T>;

  /// Policies of scalars only would otherwise fail somewhere in a kernel. Here and not in the class,
  /// so that those who only name the type need no packs.
  static constexpr bool policies_take_packs() {
    using V = detail::Pack<T, typename Backend::Arch>;
    static_assert(
        !Metric<M> || detail::MetricOfPacks<M, V>,
        "ldmat: the functions of a metric must be templates, V distance(V) and so on, over "
        "a scalar or a SIMD pack V; see ldmat/metric.hpp");
    static_assert(!Penalty<P> || detail::PenaltyOfPacks<P, V>,
                  "ldmat: the call operator of a penalty must be a template, Penalized<V> "
                  "operator()(V, M), over a scalar or a SIMD pack V with its mask M; see "
                  "ldmat/penalty.hpp");
    return Metric<M> && Penalty<P> && detail::MetricOfPacks<M, V> && detail::PenaltyOfPacks<P, V>;
  }

  template <bool WithGradient, class F, class L, class G>
  Result run(const F& features, const L& labels, G& gradient, WorkspaceType& workspace,
             RunningDistances* update) const {
    constexpr bool accepted = policies_take_packs() && accepts<WithGradient, F, L, G>();
    if constexpr (accepted) {
      const MatrixView<const Scalar> x = detail::const_view(features);
      detail::require_strides("features", x);
      if (options_.check_finite) {
        detail::require_finite("features", x, "check_finite asks for finite features");
      };
      return with_target(x.rows, labels, update != nullptr, workspace,
                         [&](const auto& target, const detail::PairCounts& counts) {
                           return finish<WithGradient>(x, target, counts, gradient, workspace,
                                                       update);
                         });
    } else {
      return {};
    }
  }

  template <class F>
  static constexpr bool features_have_scalar() {
    if constexpr (FeatureMatrix<F>) {
      return std::same_as<std::remove_const_t<detail::ViewElement<const F>>, Scalar>;
    } else {
      return true;  // another error
    }
  }
  template <class G>
  static constexpr bool gradient_has_scalar() {
    if constexpr (WritableMatrix<G>) {
      return std::same_as<detail::ViewElement<G>, Scalar> ||
             std::same_as<detail::ViewElement<G>, T>;
    } else {
      return true;  // another error
    }
  }

  /// One readable error for each argument that does not fit; false stops the compiler from adding
  /// its own.
  template <bool WithGradient, class F, class L, class G>
  static constexpr bool accepts() {
    static_assert(FeatureMatrix<F>, LDMAT_DETAIL_NEEDS_FEATURES);
    static_assert(features_have_scalar<F>(),
                  "ldmat: features must have the scalar type of the Loss: Loss<float> takes "
                  "float, Loss<double> takes double");
    static_assert(Labels<L>,
                  "ldmat: labels must be class ids (a range or Eigen vector of integers or enums), "
                  "a floating-point matrix of label vectors, label_vectors(...) or "
                  "target_matrix(...); a vector of floating-point numbers could be ids or targets: "
                  "cast it to integers or wrap it in label_vectors");
    static_assert(!WithGradient || WritableMatrix<G>,
                  "ldmat: gradient must be a writable matrix in memory (not const, not an "
                  "expression)");
    static_assert(!WithGradient || gradient_has_scalar<G>(),
                  "ldmat: gradient must have the scalar type of the Loss (or float for half "
                  "types)");
    return FeatureMatrix<F> && Labels<L> &&
           (!WithGradient || WritableMatrix<G>)&&features_have_scalar<F>() &&
           gradient_has_scalar<G>();
  }

  /// Checks the labels against the batch and hands a target to `use`.
  template <class L, class Use>
  Result with_target(Index n, const L& labels, bool observe, WorkspaceType& workspace,
                     const Use& use) const {
    if constexpr (ClassLabels<L>) {
      detail::require_count("labels", detail::label_count(labels), "features", n);
      const Index k = options_.class_count();
      const std::int64_t largest =
          detail::read_labels("labels", labels, k, workspace.labels.reserve(n));
      if (detail::uses_tables(options_)) {
        return detail::with_class_table<T>(n, k, padding, options_, running_, observe, workspace,
                                           use);
      }
      const Index classes = detail::place_ids<T>(n, largest, padding, workspace);
      return detail::with_fixed_distance<T>(n, classes, options_, workspace, use);
    } else if constexpr (detail::IsTargetMatrix<L>::value) {
      detail::require_no_tables(options_, "target_matrix");
      const auto& [target, label_distances] = labels;
      detail::require_strides("target", target);
      detail::require_strides("label_distances", label_distances);
      detail::require_of_pairs("target", target, n);
      detail::require_of_pairs("label_distances", label_distances, n);
      return detail::with_target_matrix<T>(labels, options_, use);
    } else if constexpr (detail::IsLabelVectors<L>::value) {
      detail::require_no_tables(options_, "label vectors");
      detail::require_strides("label_vectors", labels.vectors);
      detail::require_count("label_vectors", labels.vectors.rows, "features", n);
      return detail::with_label_vectors<T>(labels, padding, options_, workspace, use);
    } else {
      return with_target(n, label_vectors(labels), observe, workspace, use);
    }
  }

  template <bool WithGradient, class Target, class G>
  Result finish(MatrixView<const Scalar> x, const Target& target, const detail::PairCounts& counts,
                G& gradient, WorkspaceType& workspace, RunningDistances* update) const {
    if constexpr (WithGradient) {
      const auto g = detail::sized_output("gradient", gradient, x.rows, x.columns,
                                          "it must have the shape of the features");
      if (detail::overlap(x, g)) {
        detail::throw_invalid("gradient overlaps features, but must be memory of its own");
      }
    }
    if (counts.all == 0) {
      if constexpr (WithGradient) detail::fill_zero(detail::as_view(gradient));
      return {};
    }
    const auto packed = detail::evaluate_pairs<Backend, WithGradient>(
        x, options_.metric, options_.penalty, target, workspace, {.threads = options_.threads});
    const detail::PairSums& sums = packed.sums;
    const detail::Reduced reduced = detail::reduce(options_.reduction, sums.penalty, counts);
    if constexpr (WithGradient) {
      detail::write_gradient<M, Backend>(packed, reduced.gradient_scale, detail::as_view(gradient));
    }
    if constexpr (Target::observes) {
      if (update != nullptr) observe_batch(target.observed, *update);
    }
    return detail::loss_result(reduced.value, sums, counts);
  }

  /// C <- momentum C + (1 - momentum) * batch mean, and C <- batch mean the first time. A mean that
  /// is not finite is left out: one bad batch must not end the run.
  void observe_batch(const detail::ClassPairSums& observed, RunningDistances& running) const {
    const double momentum = detail::running_momentum(options_.regularizer);
    const Index k = options_.class_count();
    for (Index a = 0; a < k; ++a) {
      for (Index b = a; b < k; ++b) {
        const bool twice = a != b;
        const std::int64_t pairs =
            observed.pairs[a * k + b] + (twice ? observed.pairs[b * k + a] : 0);
        if (pairs == 0) continue;
        const double mean =
            (observed.distance[a * k + b] + (twice ? observed.distance[b * k + a] : 0)) /
            static_cast<double>(pairs);
        if (!detail::is_finite(mean)) continue;
        double& entry = running.distance(a, b);
        entry = running.batches(a, b) == 0 ? mean : momentum * entry + (1 - momentum) * mean;
        running.distance(b, a) = entry;
        running.batches(b, a) = ++running.batches(a, b);
      }
    }
  }

  Options options_;
  RunningDistances running_;
  WorkspaceType workspace_;
};

namespace detail {

template <class Scalar, class M, class P, class R>
struct LossOf<cpu, Scalar, M, P, R> {
  using type = Loss<Scalar, M, P, R>;
};

}  // namespace detail

}  // namespace ldmat
