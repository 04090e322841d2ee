#pragma once

#include <ldmat/cuda/loss.hpp>
#include <ldmat/torch/evaluation.hpp>

#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAGuard.h>

#include <memory>
#include <tuple>

/// TorchLoss for CUDA tensors: one .cu file of the program includes this header and instantiates the
/// loss for the policies in use,
///
///   LDMAT_TORCH_CUDA_LOSS(ldmat::Euclidean, ldmat::Squared, ldmat::Regularizer)
///
/// and all files that include ldmat/torch/loss.hpp are compiled with LDMAT_TORCH_CUDA defined. Needs a
/// LibTorch with CUDA, 2.1 or newer. Compiled, but not run on a GPU yet.

namespace ldmat::detail {

template <class M, class P, class R>
class TorchCudaLosses {
 public:
  explicit TorchCudaLosses(const LossOptions<M, P, R>& options)
      : losses_{ldmat::cuda::Loss<float, M, P, R>(options),
                ldmat::cuda::Loss<double, M, P, R>(options),
                ldmat::cuda::Loss<Eigen::half, M, P, R>(options),
                ldmat::cuda::Loss<Eigen::bfloat16, M, P, R>(options)} {}

  template <class S>
  TorchEvaluation run(RunningDistances& running, const at::Tensor& features,
                      const at::Tensor& labels, bool with_gradient) {
    using T = Accumulator<S>;
    const auto type = torch_accumulator(features.scalar_type());
    if (at::isIntegralType(labels.scalar_type(), true)) {
      const at::Tensor ids = labels.to(at::kLong).contiguous();
      return call<S>(running, features,
                     ldmat::cuda::device_labels(ids.template const_data_ptr<std::int64_t>(),
                                                static_cast<Index>(ids.size(0))),
                     with_gradient);
    }
    const at::Tensor vectors = labels.to(type).resolve_neg();
    return call<S>(running, features,
                   ldmat::cuda::device_label_vectors(
                       ldmat::cuda::DeviceMatrix<const T>{tensor_view<T>(vectors)}),
                   with_gradient);
  }

 private:
  template <class S, class L>
  TorchEvaluation call(RunningDistances& running, const at::Tensor& features, const L& labels,
                       bool with_gradient) {
    auto& loss = std::get<ldmat::cuda::Loss<S, M, P, R>>(losses_);
    loss.set_stream(at::cuda::getCurrentCUDAStream());
    const bool adaptive = loss.options().regularizer.uses_running();
    if (adaptive) loss.restore(running);
    const ldmat::cuda::DeviceMatrix<const S> x{tensor_view<S>(features)};
    const auto options = features.options().dtype(torch_accumulator(features.scalar_type()));
    TorchEvaluation all;
    if (with_gradient) {
      all.gradient = at::empty({features.size(0), features.size(1)}, options);
      const ldmat::cuda::DeviceMatrix<Accumulator<S>> g{
          tensor_output<Accumulator<S>>(all.gradient)};
      all.result = loss(x, labels, g).on_host();
    } else {
      all.result = loss(x, labels).on_host();
    }
    if (adaptive) running = loss.running_distances();
    all.value = at::full({}, all.result.value, options);
    return all;
  }

  std::tuple<ldmat::cuda::Loss<float, M, P, R>, ldmat::cuda::Loss<double, M, P, R>,
             ldmat::cuda::Loss<Eigen::half, M, P, R>, ldmat::cuda::Loss<Eigen::bfloat16, M, P, R>>
      losses_;
};

template <class M, class P, class R>
TorchEvaluation evaluate_on_cuda(const LossOptions<M, P, R>& options, TorchCudaState& state,
                                 RunningDistances& running, const at::Tensor& features,
                                 const at::Tensor& labels, bool with_gradient) {
  const c10::cuda::CUDAGuard on(features.device());
  using Losses = TorchCudaLosses<M, P, R>;
  if (state.losses == nullptr || state.device != features.device().index()) {
    state.losses = std::make_shared<Losses>(options);
    state.device = features.device().index();
  }
  auto& losses = *static_cast<Losses*>(state.losses.get());
  const at::Tensor x = features.resolve_neg();
  switch (x.scalar_type()) {
    case at::kDouble:
      return losses.template run<double>(running, x, labels, with_gradient);
    case at::kHalf:
      return losses.template run<Eigen::half>(running, x, labels, with_gradient);
    case at::kBFloat16:
      return losses.template run<Eigen::bfloat16>(running, x, labels, with_gradient);
    default:
      return losses.template run<float>(running, x, labels, with_gradient);
  }
}

}  // namespace ldmat::detail

/// Instantiates TorchLoss<M, P, R> for CUDA tensors.
#define LDMAT_TORCH_CUDA_LOSS(M, P, R)                                      \
  template ldmat::TorchEvaluation ldmat::detail::evaluate_on_cuda<M, P, R>( \
      const ldmat::LossOptions<M, P, R>&, ldmat::detail::TorchCudaState&,   \
      ldmat::RunningDistances&, const at::Tensor&, const at::Tensor&, bool);
