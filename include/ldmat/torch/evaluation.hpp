#pragma once

#include <ldmat/options.hpp>
#include <ldmat/torch/tensor.hpp>

#include <memory>

/// What an evaluation of tensors gives, whichever backend computed it.

namespace ldmat {

/// What one evaluation gives: the value (a tensor without dimensions), dl/dfeatures (n x d, or
/// undefined where none was asked for), both in float, or double for double features, and the
/// figures of the batch.
struct TorchEvaluation {
  at::Tensor value;     ///< without dimensions
  at::Tensor gradient;  ///< n x d, or undefined
  LossResult result;    ///< figures of the batch
};

namespace detail {

/// Losses of the CUDA backend, made by the first call with CUDA tensors. A copy makes its own.
struct TorchCudaState {
  std::shared_ptr<void> losses;
  int device = -1;

  TorchCudaState() = default;
  TorchCudaState(const TorchCudaState& /*other*/) {}
  TorchCudaState& operator=(const TorchCudaState& /*other*/) {
    losses.reset();
    return *this;
  }
  ~TorchCudaState() = default;
};

/// The loss of CUDA tensors. Defined in ldmat/torch/cuda.hpp, for a .cu file.
template <class M, class P, class R>
TorchEvaluation evaluate_on_cuda(const LossOptions<M, P, R>& options, TorchCudaState& state,
                                 RunningDistances& running, const at::Tensor& features,
                                 const at::Tensor& labels, bool with_gradient);

}  // namespace detail
}  // namespace ldmat
