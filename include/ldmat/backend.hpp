#pragma once

#include <ldmat/options.hpp>

/// Which loss for which memory, so that generic code can be written once: `LossOn<cpu, float>` is
/// `Loss<float>` of ldmat/loss.hpp, `LossOn<cuda_gpu, float>` is `cuda::Loss<float>` of
/// ldmat/cuda/loss.hpp. The header of a backend says what its loss is; without it the type is incomplete.
///
///   template <class Backend, class Features, class Labels, class Gradient>
///   double step(const Features& features, const Labels& labels, const Gradient& gradient) {
///     ldmat::LossOn<Backend, float> loss{{.class_distance = 1.0}};
///     return loss(features, labels, gradient).on_host().value;
///   }

namespace ldmat {

/// Features, labels and gradient in the memory of the host.
struct cpu {};
/// In the memory of an NVIDIA GPU.
struct cuda_gpu {};

namespace detail {

template <class Backend, class Scalar, class M, class P, class R>
struct LossOf;

}  // namespace detail

/// The loss of a backend, `cpu` or `cuda_gpu`.
template <class Backend, class Scalar, class M = Euclidean, class P = Squared,
          class R = Regularizer>
using LossOn = typename detail::LossOf<Backend, Scalar, M, P, R>::type;

}  // namespace ldmat
