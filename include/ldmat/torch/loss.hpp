#pragma once

#include <ldmat/loss.hpp>
#include <ldmat/torch/evaluation.hpp>

#include <torch/csrc/autograd/custom_function.h>

#include <tuple>
#include <utility>

/// The loss as a function of PyTorch's C++ tensors, known to its autograd. Not part of
/// ldmat/ldmat.hpp; needs LibTorch 1.13 or newer.

namespace ldmat {

namespace detail {

/// slope * gradient in the type of the features: what a backward pass returns. Its own derivative,
/// the second one of the loss, is refused rather than left out.
struct TorchSlope : torch::autograd::Function<TorchSlope> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& gradient,
                            const at::Tensor& slope, const at::Tensor& features) {
    return (gradient * slope).to(features.scalar_type());
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 const torch::autograd::variable_list&) {
    throw_invalid(
        "the loss cannot be differentiated twice: its gradient is computed in closed form with its "
        "value, and has no derivative of its own");
  }
};

/// The edge of the graph from a value to the features whose gradient came with it.
struct TorchNode : torch::autograd::Function<TorchNode> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& features,
                            const at::Tensor& gradient, const at::Tensor& value) {
    context->save_for_backward({features, gradient});
    return value.clone();
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& slopes) {
    const auto saved = context->get_saved_variables();
    return {TorchSlope::apply(saved[1], slopes[0], saved[0]), at::Tensor(), at::Tensor()};
  }
};

}  // namespace detail

/// The LDMAT loss of tensors, for training with LibTorch:
///
///   ldmat::TorchLoss loss{{.regularizer = ldmat::offset(0.1)}};
///   loss(network->forward(images), labels).backward();
///
///   features   n x d, Float, Double, Half or BFloat16, any strides; read where it is
///   labels     n class ids of any integer type (copied to 64 bits where they are of another), or an
///              n x p floating-point matrix of label vectors
///
/// Returns a tensor without dimensions, of Double for double features and of Float for the others,
/// so that a scaled loss of half types does not overflow. Value and gradient are computed together
/// where autograd will ask for the gradient, and the value alone where not. The gradient (n x d) is
/// kept in the value's type, multiplied by what the backward pass brings, and only then rounded to
/// the features' type: scaling the loss keeps small gradients of half types from being lost.
///
/// CUDA tensors: where the program is compiled with LDMAT_TORCH_CUDA and has a .cu file that instantiates
/// the loss for these policies (ldmat/torch/cuda.hpp); else they are refused. Value and gradient are on
/// the features' device, computed on the current stream, for which the call waits: only then is it known
/// whether the labels were good.
///
/// The features may not be changed in place before the backward pass; autograd refuses that.
///
/// An adaptive regularizer sees the batches whose gradient is computed. Calls on one object may not
/// run at the same time.
///
/// Errors: std::invalid_argument as of Loss, for tensors of other types or shapes or on a device that
/// there is no backend for, for labels that require a gradient, and, when the gradient is itself
/// differentiated, for a second derivative.
///
/// Cost and numerical limits: those of Loss. Threads: with LossOptions::threads = 0 as many as
/// at::get_num_threads(), for batches that gain from it.
template <class M = Euclidean, class P = Squared, class R = Regularizer>
class TorchLoss {
 public:
  using Options = LossOptions<M, P, R>;  ///< those of Loss

  /// Plain LDMAT.
  TorchLoss() : TorchLoss(Options{}) {}
  /// Throws std::invalid_argument where an option is outside its range.
  explicit TorchLoss(const Options& options)
      : losses_{Loss<float, M, P, R>(options), Loss<double, M, P, R>(options),
                Loss<Eigen::half, M, P, R>(options), Loss<Eigen::bfloat16, M, P, R>(options)} {
    running_ = std::get<0>(losses_).running_distances();
  }

  /// As given.
  const Options& options() const { return std::get<0>(losses_).options(); }

  /// The loss of a batch, for autograd: see above.
  at::Tensor operator()(const at::Tensor& features, const at::Tensor& labels) {
    const bool with_gradient =
        features.defined() && at::GradMode::is_enabled() && features.requires_grad();
    const TorchEvaluation all = evaluate(features, labels, with_gradient);
    result_ = all.result;
    if (!with_gradient) return all.value;
    return detail::TorchNode::apply(features, all.gradient, all.value);
  }

  /// The figures of the last batch: pairs, mean distances within and between classes.
  const LossResult& result() const { return result_; }

  /// Value and, if asked for, gradient, outside of autograd.
  TorchEvaluation evaluate(const at::Tensor& features, const at::Tensor& labels,
                           bool with_gradient) {
    detail::require_torch_features(features);
    detail::require_torch_labels(features, labels);
    const at::NoGradGuard no_graph;
#if defined(LDMAT_TORCH_CUDA)
    if (features.is_cuda()) {
      return detail::evaluate_on_cuda(options(), cuda_, running_, features, labels, with_gradient);
    }
#endif
    if (!features.is_cpu()) detail::throw_device(features);
    // Tensors that stand for their negative (an imaginary part of a conjugate) are the only strided
    // ones whose memory is not their value.
    const at::Tensor x = features.resolve_neg();
    switch (x.scalar_type()) {
      case at::kDouble:
        return on_cpu<double>(x, labels, with_gradient);
      case at::kHalf:
        return on_cpu<Eigen::half>(x, labels, with_gradient);
      case at::kBFloat16:
        return on_cpu<Eigen::bfloat16>(x, labels, with_gradient);
      default:
        return on_cpu<float>(x, labels, with_gradient);
    }
  }

  /// State of an adaptive regularizer, as in Loss: one for tensors of all types.
  const RunningDistances& running_distances() const {
    return running_;
  }
  /// Sets it: see Loss::restore.
  void restore(const RunningDistances& state) {
    std::get<0>(losses_).restore(state);
    running_ = state;
  }

 private:
  template <class S>
  TorchEvaluation on_cpu(const at::Tensor& features, const at::Tensor& labels, bool with_gradient) {
    if (at::isIntegralType(labels.scalar_type(), true)) {
      const at::Tensor ids = labels.to(at::kLong);
      return run<S>(
          features,
          detail::TorchIds{ids.template data_ptr<std::int64_t>(), ids.size(0), ids.stride(0)},
          with_gradient);
    }
    const at::Tensor vectors =
        labels.to(detail::torch_accumulator(features.scalar_type())).resolve_neg();
    return run<S>(features, label_vectors(tensor_view<Accumulator<S>>(vectors)), with_gradient);
  }

  template <class S, class L>
  TorchEvaluation run(const at::Tensor& features, const L& labels, bool with_gradient) {
    auto& loss = std::get<Loss<S, M, P, R>>(losses_);
    const bool running = options().regularizer.uses_running();
    if (running) loss.restore(running_);
    const auto type = at::dtype(detail::torch_accumulator(features.scalar_type()));
    const MatrixView<const S> x = tensor_view<S>(features);
    TorchEvaluation all;
    if (with_gradient) {
      all.gradient = at::empty({x.rows, x.columns}, type);
      all.result = loss(x, labels, tensor_output<Accumulator<S>>(all.gradient));
    } else {
      all.result = loss(x, labels);
    }
    if (running) running_ = loss.running_distances();
    all.value = at::scalar_tensor(all.result.value, type);
    return all;
  }

  std::tuple<Loss<float, M, P, R>, Loss<double, M, P, R>, Loss<Eigen::half, M, P, R>,
             Loss<Eigen::bfloat16, M, P, R>>
      losses_;
  RunningDistances running_;
  LossResult result_;
#if defined(LDMAT_TORCH_CUDA)
  detail::TorchCudaState cuda_;
#endif
};

}  // namespace ldmat
