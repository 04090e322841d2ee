#pragma once

// First of all: it includes Eigen, and says what nvcc is to think of it.
#include <ldmat/backend.hpp>
#include <ldmat/cuda/basic_loss.hpp>
#include <ldmat/cuda/device.hpp>
#include <ldmat/cuda/kernel/block.hpp>
#include <ldmat/preset.hpp>

/// The LDMAT loss on a GPU, for .cu files: link ldmat::cuda, or cublas and cudart. The headers of the
/// CPU never include this, and this includes nothing that nvcc cannot compile.

namespace ldmat::cuda {

/// What calls of a Loss work in, and the stream that they are launched on.
using Workspace = ldmat::detail::cuda::BasicWorkspace<ldmat::detail::cuda::CudaDevice>;
/// What a call returns: a result that may not have been computed yet.
using Result = ldmat::detail::cuda::PendingResult<ldmat::detail::cuda::CudaDevice>;

/// ldmat::Loss with features, labels and gradient in the memory of a GPU: the same formulas, options
/// (`LossOptions::threads` apart, which counts nothing here) and results, with the same policies, whose
/// call operators must be LDMAT_HOST_DEVICE.
///
///   ldmat::cuda::Loss<float> loss{{.class_distance = 1.0}};
///   loss.set_stream(stream);
///   auto result = loss(ldmat::cuda::device_matrix(features, n, d),
///                      ldmat::cuda::device_labels(labels, n),
///                      ldmat::cuda::device_matrix(gradient, n, d));
///   result.on_device();        // const LossResult* in the memory of the GPU
///   result.on_host().value;    // waits for the stream
///
///   features   n x d, element type Scalar, any strides, borrowed. Half types are computed in float.
///   labels     device_labels (any integer or enum type), device_label_vectors, device_target_matrix
///   gradient   n x d, element type Scalar or its accumulator; overwritten. Must not overlap the
///              features, nor itself.
///
/// Members, as those of ldmat::Loss: operator(), `evaluate` on a `Workspace`, `options`,
/// `running_distances`, `restore`, `reset`; and `settings`, `set_stream`, `workspace`,
/// `workspace_size(n, d)` in bytes, `reserve(n, d)`.
///
/// Nothing waits but `on_host`, `running_distances`, `restore`, `reset`, making and copying a Loss, and
/// a call that has to allocate: the first of a shape, or after `reserve` none. From then on calls may be
/// captured into a CUDA graph. The same input gives the same bits on the same kind of GPU, with the same
/// settings, as far as cuBLAS does; nothing is added up by atomic operations on floating-point numbers.
///
/// Errors: std::invalid_argument at the call for options and settings out of range, shapes that do not
/// agree, pointers to memory that the GPU cannot reach, a gradient that overlaps; and at `on_host` for
/// class ids below 0 or from K on and, with `check_finite`, for NaN or infinite features, which only
/// kernels see: the gradient and an adaptive regularizer's state are then not written. What CUDA or
/// cuBLAS refuse is a std::runtime_error that names the call.
///
/// Cost: O(n^2 d) time; workspace_size(n, d) bytes, O(n d + K^2) and up to about 130 MiB. Sums over some
/// hundred pairs are kept in the accumulator type, all further ones in double, those of the gradient in
/// the accumulator type tile by tile.
///
/// A loss belongs to the GPU that is current when it is made; std::invalid_argument on another.
///
/// Threads: one object or workspace for one thread at a time, as for the CPU.
///
/// Source: Ribeiro et al., CVIU 249 (2024) 104184; docs/cuda.md says how it is computed and tested.
template <class Scalar, class M = Euclidean, class P = Squared, class R = Regularizer>
using Loss = ldmat::detail::cuda::BasicLoss<ldmat::detail::cuda::CudaDevice, Scalar, M, P, R>;

}  // namespace ldmat::cuda

namespace ldmat::detail {

template <class Scalar, class M, class P, class R>
struct LossOf<cuda_gpu, Scalar, M, P, R> {
  using type = ldmat::cuda::Loss<Scalar, M, P, R>;
};

}  // namespace ldmat::detail
