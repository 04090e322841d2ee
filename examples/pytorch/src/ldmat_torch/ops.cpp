// torch.ops.ldmat.pair_loss: the loss of ldmat as an operator that PyTorch's dispatcher knows. Its
// settings are plain arguments, so that it can be traced, exported and compiled; the module is in
// __init__.py.
#include <ldmat/loss.hpp>
#include <ldmat/torch/loss.hpp>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <functional>
#include <string>
#include <tuple>

namespace {

using at::Tensor;
using Numbers = at::ArrayRef<double>;

[[noreturn]] void refuse(const char* what, const std::string& given, const char* allowed) {
  ldmat::detail::throw_invalid({what, " is '", given, "', but must be one of ", allowed});
}

/// Any of the library's penalties, chosen when it is called, so that four kernels serve them all.
struct AnyPenalty {
  enum class Kind { squared, absolute, huber, band };
  Kind kind = Kind::squared;
  bool one_sided = false;
  double first = 0;
  double second = 0;

  template <class V, class M>
  LDMAT_ALWAYS_INLINE ldmat::Penalized<V> operator()(V residual, M same) const {
    switch (kind) {
      case Kind::squared:
        return sided(ldmat::Squared{}, residual, same);
      case Kind::absolute:
        return sided(ldmat::Absolute{}, residual, same);
      case Kind::huber:
        return sided(ldmat::Huber{first}, residual, same);
      case Kind::band:
        break;
    }
    return sided(ldmat::Band{first, second}, residual, same);
  }
  void validate() const {
    if (kind == Kind::huber) ldmat::Huber{first}.validate();
    if (kind == Kind::band) ldmat::Band{first, second}.validate();
  }

 private:
  template <class P, class V, class M>
  LDMAT_ALWAYS_INLINE ldmat::Penalized<V> sided(P penalty, V residual, M same) const {
    return one_sided ? ldmat::OneSided<P>{penalty}(residual, same) : penalty(residual, same);
  }
};

AnyPenalty penalty_of(const std::string& name, bool one_sided, Numbers parameters) {
  using Kind = AnyPenalty::Kind;
  TORCH_CHECK_VALUE(parameters.size() == 2, "ldmat: penalty_parameters must be two numbers");
  const auto of_kind = [&](Kind kind) {
    return AnyPenalty{kind, one_sided, parameters[0], parameters[1]};
  };
  if (name == "squared") return of_kind(Kind::squared);
  if (name == "absolute") return of_kind(Kind::absolute);
  if (name == "huber") return of_kind(Kind::huber);
  if (name == "band") return of_kind(Kind::band);
  refuse("penalty", name, "'squared', 'absolute', 'huber' and 'band'");
}

ldmat::Reduction reduction_of(const std::string& name) {
  if (name == "mean") return ldmat::Reduction::mean;
  if (name == "sum") return ldmat::Reduction::sum;
  if (name == "weighted_mean") return ldmat::Reduction::weighted_mean;
  if (name == "frobenius") return ldmat::Reduction::frobenius;
  refuse("reduction", name, "'mean', 'sum', 'weighted_mean' and 'frobenius'");
}

Eigen::MatrixXd table_of(const char* name, const Tensor& tensor) {
  TORCH_CHECK_VALUE(tensor.dim() == 2, "ldmat: ", name, " must be a square matrix, or empty");
  const Tensor table = tensor.to(at::kCPU, at::kDouble).contiguous();
  return ldmat::view(table.data_ptr<double>(), table.size(0), table.size(1));
}

Tensor tensor_of(const Eigen::MatrixXd& symmetric) {
  return at::from_blob(const_cast<double*>(symmetric.data()), {symmetric.rows(), symmetric.cols()},
                       at::kDouble)
      .clone();
}

struct Settings {
  Tensor class_table;
  Tensor weight_table;
  Tensor running_distance;
  Tensor running_batches;
  std::string metric;
  AnyPenalty penalty;
  double class_distance;
  std::int64_t classes;
  ldmat::Regularizer regularizer;
  double same_share;
  ldmat::Reduction reduction;
  bool check_finite;
  std::int64_t threads;
  bool with_gradient;
};

using Result = std::tuple<Tensor, Tensor, Tensor, Tensor>;

/// Scratch memory outlives a call, so that calls after the first allocate none.
template <class T>
ldmat::Workspace<T>& workspace() {
  thread_local ldmat::Workspace<T> memory;
  return memory;
}

template <class S, class M, class L>
Result evaluate(const Tensor& features, const L& labels, const Settings& s) {
  using T = ldmat::Accumulator<S>;
  using Loss = ldmat::Loss<S, M, AnyPenalty>;
  ldmat::Weights weights = ldmat::uniform_weights();
  if (s.weight_table.numel() > 0) {
    weights = ldmat::weight_table(table_of("weight_table", s.weight_table));
  } else if (s.same_share >= 0) {
    weights = ldmat::class_balanced(s.same_share);
  }
  Loss loss{{.class_distance = s.class_distance,
             .class_table = table_of("class_table", s.class_table),
             .classes = s.classes,
             .regularizer = s.regularizer,
             .penalty = s.penalty,
             .weights = weights,
             .reduction = s.reduction,
             .check_finite = s.check_finite,
             .threads = static_cast<int>(s.threads)}};
  const bool running = s.regularizer.uses_running();
  if (running) {
    const Tensor batches = s.running_batches.to(at::kCPU, at::kLong).contiguous();
    using Counts = Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic>;
    loss.restore({table_of("running_distance", s.running_distance),
                  Eigen::Map<const Counts>(batches.data_ptr<std::int64_t>(), batches.size(0),
                                           batches.size(1))});
  }
  const auto x = ldmat::tensor_view<S>(features);
  const auto type = at::dtype(ldmat::detail::torch_accumulator(features.scalar_type()));
  const Tensor gradient =
      s.with_gradient ? at::empty({x.rows, x.columns}, type) : at::empty({0, 0}, type);
  ldmat::LossResult result;
  if (!s.with_gradient) {
    result = loss.evaluate(x, labels, workspace<T>());
  } else if (running) {
    result = loss(x, labels, ldmat::tensor_output<T>(gradient));
  } else {
    result = loss.evaluate(x, labels, ldmat::tensor_output<T>(gradient), workspace<T>());
  }
  Tensor distance = s.running_distance.clone();
  Tensor batches = s.running_batches.clone();
  if (running) {
    const auto& state = loss.running_distances();
    distance.copy_(tensor_of(state.distance));
    batches.copy_(tensor_of(state.batches.template cast<double>()));
  }
  return {at::scalar_tensor(result.value, type), gradient, distance, batches};
}

template <class S, class M>
Result with_labels(const Tensor& features, const Tensor& labels, const Settings& s) {
  if (at::isIntegralType(labels.scalar_type(), true)) {
    const Tensor ids = labels.to(at::kLong);
    return evaluate<S, M>(
        features, ldmat::detail::TorchIds{ids.data_ptr<std::int64_t>(), ids.size(0), ids.stride(0)},
        s);
  }
  const Tensor vectors =
      labels.to(ldmat::detail::torch_accumulator(features.scalar_type())).resolve_neg();
  return evaluate<S, M>(
      features, ldmat::label_vectors(ldmat::tensor_view<ldmat::Accumulator<S>>(vectors)), s);
}

template <class M>
Result with_metric(const Tensor& features, const Tensor& labels, const Settings& s) {
  switch (features.scalar_type()) {
    case at::kDouble:
      return with_labels<double, M>(features, labels, s);
    case at::kHalf:
      return with_labels<Eigen::half, M>(features, labels, s);
    case at::kBFloat16:
      return with_labels<Eigen::bfloat16, M>(features, labels, s);
    default:
      return with_labels<float, M>(features, labels, s);
  }
}

// ---- the operator, its kernel for the CPU and its place in autograd ------------------------------

Result pair_loss_cpu(const Tensor& features, const Tensor& labels, const Tensor& class_table,
                     const Tensor& weight_table, const Tensor& running_distance,
                     const Tensor& running_batches, std::string metric, std::string penalty,
                     bool one_sided, Numbers penalty_parameters, double class_distance,
                     std::int64_t classes, Numbers regularizer, double same_share,
                     std::string reduction, bool check_finite, std::int64_t threads,
                     bool with_gradient) {
  ldmat::detail::require_torch_features(features);
  ldmat::detail::require_torch_labels(features, labels);
  TORCH_CHECK_VALUE(regularizer.size() == 5, "ldmat: regularizer must be five numbers");
  const Settings settings{
      class_table,
      weight_table,
      running_distance,
      running_batches,
      metric,
      penalty_of(penalty, one_sided, penalty_parameters),
      class_distance,
      classes,
      {regularizer[0], regularizer[1], regularizer[2], regularizer[3], regularizer[4]},
      same_share,
      reduction_of(reduction),
      check_finite,
      threads,
      with_gradient};
  const Tensor x = features.resolve_neg();
  if (metric == "euclidean") return with_metric<ldmat::Euclidean>(x, labels, settings);
  if (metric == "squared_euclidean")
    return with_metric<ldmat::SquaredEuclidean>(x, labels, settings);
  if (metric == "cosine") return with_metric<ldmat::Cosine>(x, labels, settings);
  if (metric == "manhattan") return with_metric<ldmat::Manhattan>(x, labels, settings);
  refuse("metric", metric, "'euclidean', 'squared_euclidean', 'cosine' and 'manhattan'");
}

/// The node of the graph: all outputs but the value have no derivative.
struct PairLoss : torch::autograd::Function<PairLoss> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const Tensor& features,
                                                const std::function<Result()>& call) {
    const auto [value, gradient, distance, batches] = call();
    context->mark_non_differentiable({gradient, distance, batches});
    context->save_for_backward({features, gradient});
    return {value, gradient, distance, batches};
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& slopes) {
    const auto saved = context->get_saved_variables();
    TORCH_CHECK(saved[1].sym_sizes() == saved[0].sym_sizes(),
                "ldmat: pair_loss was called with with_gradient = False and has no gradient");
    return {ldmat::detail::TorchSlope::apply(saved[1], slopes[0], saved[0]), Tensor()};
  }
};

/// What stands before the kernel in the dispatcher, with the kernel's own signature.
template <class Signature>
struct Before;
template <class... Rest>
struct Before<Result(const Tensor&, const Tensor&, Rest...)> {
  static Result autograd(const Tensor& features, const Tensor& labels, Rest... rest) {
    if (labels.requires_grad()) {
      ldmat::detail::throw_invalid(
          "labels requires a gradient, but the loss has none with respect to labels");
    }
    static const auto kernel = c10::Dispatcher::singleton()
                                   .findSchemaOrThrow("ldmat::pair_loss", "")
                                   .typed<Result(const Tensor&, const Tensor&, Rest...)>();
    const std::function<Result()> call = [&] {
      const at::AutoDispatchBelowADInplaceOrView guard;
      return kernel.call(features, labels, rest...);
    };
    const auto result = PairLoss::apply(features, call);
    return {result[0], result[1], result[2], result[3]};
  }
  /// The package is built without CUDA: tensors on a GPU are refused by name.
  static Result cuda(const Tensor& features, const Tensor& labels, Rest...) {
    ldmat::detail::require_torch_features(features);
    ldmat::detail::require_torch_labels(features, labels);
    if (features.is_cpu()) {
      ldmat::detail::throw_invalid(
          "a table or the running distances of the module are on a GPU, but features is on the "
          "CPU: "
          "keep the module there, too");
    }
    ldmat::detail::throw_invalid(
        {"features is on ", features.device().str(),
         ", but the package ldmat_torch computes on the CPU: call .cpu() on "
         "features and labels first"});
  }
};
using BeforePairLoss = Before<decltype(pair_loss_cpu)>;

}  // namespace

TORCH_LIBRARY(ldmat, library) {
  library.def(
      "pair_loss(Tensor features, Tensor labels, Tensor class_table, Tensor weight_table, "
      "Tensor running_distance, Tensor running_batches, str metric, str penalty, bool one_sided, "
      "float[] penalty_parameters, float class_distance, int classes, float[] regularizer, "
      "float same_share, str reduction, bool check_finite, int threads, bool with_gradient) "
      "-> (Tensor value, Tensor gradient, Tensor new_running_distance, Tensor "
      "new_running_batches)");
}
TORCH_LIBRARY_IMPL(ldmat, CPU, library) {
  library.impl("pair_loss", pair_loss_cpu);
}
TORCH_LIBRARY_IMPL(ldmat, CUDA, library) {
  library.impl("pair_loss", BeforePairLoss::cuda);
}
TORCH_LIBRARY_IMPL(ldmat, Autograd, library) {
  library.impl("pair_loss", BeforePairLoss::autograd);
}
