#pragma once

#include <ldmat/checks.hpp>
#include <ldmat/cuda/kernel/class_tables.hpp>
#include <ldmat/cuda/kernel/evaluate.hpp>
#include <ldmat/cuda/kernel/labels.hpp>
#include <ldmat/cuda/kernel/survey.hpp>
#include <ldmat/cuda/settings.hpp>
#include <ldmat/cuda/view.hpp>
#include <ldmat/cuda/workspace.hpp>

#include <algorithm>
#include <utility>

namespace ldmat {

namespace detail::cuda {

using ldmat::cuda::DeviceLabels;
using ldmat::cuda::DeviceLabelVectors;
using ldmat::cuda::DeviceMatrix;
using ldmat::cuda::DeviceTargetMatrix;
using ldmat::cuda::Settings;

/// cuda::Loss over any device: on a GPU, and in tests on this processor. See ldmat/cuda/loss.hpp.
template <class Device, class Scalar, class M, class P, class R>
class BasicLoss {
  static_assert(Storage<Scalar>,
                "ldmat: Loss<Scalar> needs float, double, Eigen::half or Eigen::bfloat16");
  static_assert(Metric<M>, LDMAT_DETAIL_NEEDS_METRIC);
  static_assert(RegularizerPolicy<R>, LDMAT_DETAIL_NEEDS_REGULARIZER);
  static_assert(std::is_trivially_copyable_v<M> && std::is_trivially_copyable_v<P> &&
                    std::is_trivially_copyable_v<R>,
                "ldmat: metric, penalty and regularizer go to the GPU by value and must be "
                "trivially copyable");

 public:
  using Options = LossOptions<M, P, R>;
  using Accumulator = ldmat::Accumulator<Scalar>;
  using Stream = typename Device::Stream;
  using WorkspaceType = BasicWorkspace<Device>;
  using Result = PendingResult<Device>;

  BasicLoss() : BasicLoss(Options{}) {}
  explicit BasicLoss(Options options, Settings settings = {})
      : options_(std::move(options)), settings_(settings) {
    options_.validate();
    settings_.validate();
    tables_ = ClassTables<Device>(options_);
  }

  const Options& options() const { return options_; }
  const Settings& settings() const { return settings_; }

  /// The workspace of operator(); its stream is the one that calls are launched on.
  WorkspaceType& workspace() { return workspace_; }
  void set_stream(Stream stream) { workspace_.set_stream(stream); }

  /// Value and, with a gradient argument, gradient of the batch. The latter also lets an adaptive
  /// regularizer see the batch, after the value was computed.
  template <class F, class L>
  Result operator()(const DeviceMatrix<F>& features, const L& labels) {
    return run<false>(features, labels, DeviceMatrix<Scalar>{}, workspace_, false);
  }
  template <class F, class L, class G>
  Result operator()(const DeviceMatrix<F>& features, const L& labels,
                    const DeviceMatrix<G>& gradient) {
    return run<true>(features, labels, gradient, workspace_, options_.regularizer.uses_running());
  }

  /// The same on a workspace of the caller's; an adaptive regularizer's state is read, not changed.
  template <class F, class L>
  Result evaluate(const DeviceMatrix<F>& features, const L& labels,
                  WorkspaceType& workspace) const {
    return run<false>(features, labels, DeviceMatrix<Scalar>{}, workspace, false);
  }
  template <class F, class L, class G>
  Result evaluate(const DeviceMatrix<F>& features, const L& labels, const DeviceMatrix<G>& gradient,
                  WorkspaceType& workspace) const {
    return run<true>(features, labels, gradient, workspace, false);
  }

  /// Bytes that a workspace needs for value, gradient or both of n samples of d components, with class
  /// ids or a whole target; with label vectors of p components. Throws std::invalid_argument for
  /// negative sizes.
  std::size_t workspace_size(Index n, Index d) const {
    require_sizes(n, d, 0);
    return size_of(shape_of(n, d, 0));
  }
  template <Metric LabelMetric = Euclidean>
  std::size_t workspace_size(Index n, Index d, Index p) const {
    require_sizes(n, d, p);
    return size_of(shape_of(n, d, packed_width<LabelMetric>(p)));
  }

  /// Allocates what calls of this shape need, so that they allocate nothing: before a CUDA graph is
  /// captured, for example. A call does it by itself otherwise.
  void reserve(Index n, Index d) { reserve_bytes(n, d, workspace_size(n, d)); }
  template <Metric LabelMetric = Euclidean>
  void reserve(Index n, Index d, Index p) {
    reserve_bytes(n, d, workspace_size<LabelMetric>(n, d, p));
  }

  /// State of an adaptive regularizer, empty for the others: waits for all that the GPU has to do.
  RunningDistances running_distances() const { return tables_.running(); }
  /// Sets it, when the GPU has done all that it had to do. Throws std::invalid_argument where the shape
  /// is not K x K or an entry is negative or not finite.
  void restore(const RunningDistances& state) { tables_.restore(state); }
  /// Forgets it, likewise.
  void reset() { tables_.reset(); }

 private:
  using T = Accumulator;
  using Memory = CallMemory<T>;

  static void require_sizes(Index n, Index d, Index p) {
    if (n < 0 || d < 0 || p < 0) {
      throw_invalid({"workspace_size and reserve: the shape is ", Shape{n, d},
                     ", but neither it nor the size of label vectors may be negative"});
    }
  }
  void reserve_bytes(Index n, Index d, std::size_t bytes) {
    workspace_.device().require_current();
    workspace_.reserve(bytes);
    if (shape_of(n, d, 0).gram) workspace_.device().prepare_products(settings_.tf32);
  }
  CallShape shape_of(Index n, Index d, Index label_width) const {
    CallShape shape;
    shape.n = n;
    shape.d = d;
    shape.width = packed_width<M>(d);
    shape.gram = M::from_squared_norm && shape.width >= products_from_width;
    shape.gradient = true;
    shape.classes = uses_tables(options_) ? options_.class_count() : 0;
    shape.observe = options_.regularizer.uses_running();
    shape.label_width = label_width;
    shape.window = settings_.window_bytes;
    shape.panel_rows = settings_.panel_rows;
    shape.library = Device::library_bytes();
    return shape;
  }
  static std::size_t size_of(const CallShape& shape) {
    Arena counting;
    const Memory memory(counting, shape);
    return counting.used();
  }

  template <bool WithGradient, class F, class L, class G>
  Result run(const DeviceMatrix<F>& features, const L& labels, const DeviceMatrix<G>& gradient,
             WorkspaceType& workspace, bool observe) const {
    static_assert(std::is_same_v<std::remove_const_t<F>, Scalar>,
                  "ldmat: features must have the scalar type of the Loss: Loss<float> takes float, "
                  "Loss<double> takes double");
    static_assert(!std::is_const_v<G>, "ldmat: gradient must be writable (not const)");
    static_assert(
        OneOf<G, Scalar, T>,
        "ldmat: gradient must have the scalar type of the Loss (or float for half types)");
    const MatrixView<const Scalar> x{features.view.data, features.view.rows, features.view.columns,
                                     features.view.row_stride, features.view.column_stride};
    require_memory<WithGradient>(x, gradient.view);
    require_labels(labels, x.rows);

    CallShape shape = shape_of(x.rows, x.columns, label_width(labels));
    shape.gradient = WithGradient;
    shape.observe = observe;
    Device& device = workspace.device();
    device.require_current();
    const std::size_t bytes = size_of(shape);
    Arena arena(workspace.reserve(bytes));
    const Memory memory(arena, shape);
    if constexpr (requires { device.forget(memory.report, bytes); }) {
      device.forget(memory.report, bytes);  // in tests
    }
    if (shape.gram) {
      device.prepare_products(settings_.tf32);
      device.use_library_memory(memory.library, shape.library);
    }
    device.launch(BeginReport{memory.report, x.rows, x.columns}, 1);
    if (options_.check_finite) {
      device.launch(CheckFinite<Scalar>{x, memory.report}, blocks_for(x.rows * x.columns));
      device.launch(NameBadFeature<Scalar>{x, memory.report}, 1);
    }
    const auto packed = pack<M>(device, x, memory.packed, memory.inverse_norms);
    with_source(device, x.rows, labels, shape, memory,
                [&](const auto& source, const Observer& observer) {
                  const auto sum_gradient =
                      evaluate_pairs<WithGradient>(device, packed, shape.gram, options_.metric,
                                                   options_.penalty, source, observer, memory);
                  device.launch(FinishReport{memory.report, options_.reduction}, 1);
                  if constexpr (WithGradient) {
                    write_gradient<M>(device, sum_gradient, packed, memory, gradient.view);
                  }
                  if (observer.sums != nullptr) {
                    device.launch(UpdateRunning<T>{observer, memory.samples, memory.report,
                                                   running_momentum(options_.regularizer),
                                                   tables_.running_data(), tables_.batches_data()},
                                  blocks_for(shape.classes * shape.classes));
                  }
                });
    return {memory.report, workspace.stream(), x.columns, options_.class_count()};
  }

  template <bool WithGradient, class G>
  void require_memory(MatrixView<const Scalar> x, MatrixView<G> gradient) const {
    if (sizeof(T) == sizeof(float) && x.rows > Index{1} << 24) {
      throw_invalid({"features has ", x.rows, " rows, but a GPU takes at most ", Index{1} << 24});
    }
    if (x.columns > Index{1} << 24) {
      throw_invalid(
          {"features has ", x.columns, " columns, but a GPU takes at most ", Index{1} << 24});
    }
    require_reachable("features", x.data);
    if constexpr (WithGradient) {
      require_output("gradient", gradient, x.rows, x.columns,
                     "it must have the shape of the features");
      if (overlap(x, gradient)) {
        throw_invalid("gradient overlaps features, but must be memory of its own");
      }
      require_reachable("gradient", gradient.data);
    }
  }
  static void require_reachable(const char* argument, const void* data) {
    if (data != nullptr && !Device::can_read(data)) {
      throw_invalid(
          {argument, " is memory of the host, but must be memory that the GPU can reach"});
    }
  }

  template <class L>
  void require_labels(const DeviceLabels<L>& labels, Index n) const {
    require_count("labels", labels.count, "features", n);
    require_reachable("labels", labels.data);
  }
  template <class S, class LabelMetric>
  void require_labels(const DeviceLabelVectors<S, LabelMetric>& labels, Index n) const {
    static_assert(std::is_trivially_copyable_v<LabelMetric>);
    require_no_tables(options_, "label vectors");
    require_count("label_vectors", labels.vectors.rows, "features", n);
    require_reachable("label_vectors", labels.vectors.data);
  }
  template <class S>
  void require_labels(const DeviceTargetMatrix<S>& labels, Index n) const {
    require_no_tables(options_, "target_matrix");
    require_of_pairs("target", labels.target, n);
    require_of_pairs("label_distances", labels.label_distances, n);
    require_reachable("target", labels.target.data);
    require_reachable("label_distances", labels.label_distances.data);
  }
  template <class L>
  static Index label_width(const DeviceLabels<L>& /*labels*/) {
    return 0;
  }
  template <class S>
  static Index label_width(const DeviceTargetMatrix<S>& /*labels*/) {
    return 0;
  }
  template <class S, class LabelMetric>
  static Index label_width(const DeviceLabelVectors<S, LabelMetric>& labels) {
    return packed_width<LabelMetric>(labels.vectors.columns);
  }

  template <class L, class Use>
  void with_source(Device& device, Index n, const DeviceLabels<L>& labels, const CallShape& shape,
                   const Memory& memory, const Use& use) const {
    device.launch(
        ReadLabels<L>{labels.data, n, options_.class_count(), memory.labels, memory.report},
        blocks_for(n));
    device.launch(NameBadLabel<L>{labels.data, memory.report}, 1);
    if (shape.classes == 0) {
      device.launch(CompareLabels<T>{memory.labels, n, memory.ids, memory.report}, blocks_for(n));
      device.launch(FixedFacts<T, R>{memory.report, memory.facts, options_.regularizer,
                                     options_.class_distance, options_.weights.kind,
                                     options_.weights.same_share},
                    1);
      use(FixedSource<T>{memory.ids, memory.facts}, Observer{});
      return;
    }
    const Index k = shape.classes;
    const ClassPairs pairs = tables_.pairs(options_);
    const bool weights = options_.weights.kind == Weights::Kind::table;
    zero(device, memory.samples, k);
    device.launch(CountClasses<T>{memory.labels, n, memory.ids, memory.index, memory.samples},
                  blocks_for(n));
    device.launch(TableFacts<T>{pairs, memory.samples, memory.report, memory.facts}, 1);
    device.launch(FillTables<T, R>{pairs, memory.facts, options_.regularizer, memory.distances,
                                   weights ? memory.weights : nullptr},
                  blocks_for(k * k));
    Observer observer;
    if (shape.observe) {
      observer = {memory.observed, k};
      zero(device, memory.observed, k * k * ExactSum<T>::bins);
    }
    use(TableSource<T>{memory.ids, memory.index, memory.distances,
                       weights ? memory.weights : nullptr, k, memory.facts},
        observer);
  }

  template <class S, class LabelMetric, class Use>
  void with_source(Device& device, Index n, const DeviceLabelVectors<S, LabelMetric>& labels,
                   const CallShape& shape, const Memory& memory, const Use& use) const {
    const MatrixView<T> packed{memory.label_vectors, n, shape.label_width, 1, n};
    if constexpr (LabelMetric::of_directions) {
      device.launch(PackDirections<S, T>{labels.vectors, packed, memory.label_inverse_norms}, n);
    } else {
      device.launch(PackFeatures<S, T>{labels.vectors, packed}, blocks_for(n * shape.label_width));
    }
    survey(device, n,
           LabelVectorTarget<T, LabelMetric, R>{packed.data, shape.label_width, n, labels.metric,
                                                options_.regularizer, T(0), T(1), T(1)},
           memory, use);
  }
  template <class S, class Use>
  void with_source(Device& device, Index n, const DeviceTargetMatrix<S>& labels,
                   const CallShape& /*shape*/, const Memory& memory, const Use& use) const {
    survey(device, n, DenseTarget<T, S>{labels.target, labels.label_distances, T(1), T(1)}, memory,
           use);
  }
  template <class Target, class Use>
  void survey(Device& device, Index n, const Target& target, const Memory& memory,
              const Use& use) const {
    device.launch(SurveyRows<T, Target>{target, n, memory.row_sums, memory.report}, n);
    device.launch(SurveyFacts<T>{memory.row_sums, n, memory.report, memory.facts,
                                 options_.weights.kind, options_.weights.same_share},
                  1);
    use(SurveyedSource<T, Target>{target, memory.facts}, Observer{});
  }

  Options options_;
  Settings settings_;
  ClassTables<Device> tables_;
  WorkspaceType workspace_;
};

}  // namespace detail::cuda
}  // namespace ldmat
