#pragma once

#include <ldmat/kernel/backend.hpp>
#include <ldmat/kernel/pack.hpp>
#include <ldmat/workspace.hpp>

/// From features to sums and gradient: packs the features, chooses the kernel, unpacks the gradient.

namespace ldmat::detail {

/// Dimension from which tile products beat differences, for metrics that allow both: measured with
/// AVX2, where differences are as fast up to 20 and do not mind compact classes.
inline constexpr Index gram_from_width = 24;

/// Which kernel computes the sums; `automatic` everywhere but in tests and benchmarks. A kernel
/// that does not take the metric is not chosen.
enum class KernelChoice { automatic, direct, gram };

/// How to compute, not what.
struct Execution {
  int threads = 0;  ///< 0: as many as the work is worth
  KernelChoice kernel = KernelChoice::automatic;
};

/// What `evaluate_pairs` leaves in the workspace for `write_gradient`.
template <class T>
struct PackedResult {
  PairSums sums;
  MatrixView<const T> features;
  MatrixView<const T> gradient;
  const T* inverse_norms = nullptr;
};

/// Whether the target writes down what it sees, for which there is one place only.
template <class Target>
bool observing(const Target& target) {
  if constexpr (Target::observes) {
    return target.observed.distance != nullptr;
  } else {
    return false;
  }
}

/// The features as the gram kernel takes them: the caller's own where they are so already.
template <class Backend, class M, class S, class T>
MatrixView<const T> features_as_rows(MatrixView<const S> features, T* inverse_norms,
                                     Workspace<T>& workspace) {
  if constexpr (std::is_same_v<S, T> && !M::of_directions) {
    if (features.column_stride == 1) return features;
  }
  const Index width = packed_width<M>(features.columns);
  T* const to = workspace.features.reserve(features.rows * width);
  pack_features<M, S, T, Backend>(features, {to, features.rows, width, width, 1}, inverse_norms);
  return {to, features.rows, width, width, 1};
}

/// The features one component behind the other, padded with zeros.
template <class Backend, class M, class S, class T>
MatrixView<const T> features_as_columns(MatrixView<const S> features, T* inverse_norms,
                                        Workspace<T>& workspace) {
  const Index n = features.rows;
  const Index width = packed_width<M>(features.columns);
  const Index stride = DirectLayout<T>::stride(n);
  T* const to = workspace.features.reserve(stride * width);
  pack_features<M, S, T, Backend>(features, {to, n, width, 1, stride}, inverse_norms);
  for (Index k = 0; k < width; ++k) std::fill(to + k * stride + n, to + (k + 1) * stride, T(0));
  return {to, n, width, 1, stride};
}

/// The batch's shape and features, and its memory but for what a gradient and threads need.
template <class Backend, class M, class S, class T>
void reserve_gram(PackedBatch<T>& batch, MatrixView<const S> features, T* inverse_norms,
                  Workspace<T>& workspace) {
  batch.gram = true;
  batch.n = features.rows;
  batch.width = packed_width<M>(features.columns);
  const Index padded = GramLayout<T>::padded_rows(batch.n);
  const Index stride = GramLayout<T>::stride(batch.width);
  batch.features = features_as_rows<Backend, M, S, T>(features, inverse_norms, workspace);
  batch.rows =
      workspace.centred.reserve(padded * (stride + GramLayout<T>::panel_depth(batch.width)));
  batch.panels = batch.rows + padded * stride;
  batch.mean = workspace.mean.reserve(stride);
  batch.norms = workspace.norms.reserve(padded + widest<T>);
}

/// Sums over all pairs of `features` and, WithGradient, their gradient with respect to the packed
/// features, left in `workspace` until its next use.
template <class Backend, bool WithGradient, class S, class T, class M, class P, class Target>
PackedResult<T> evaluate_pairs(MatrixView<const S> features, const M& metric, const P& penalty,
                               const Target& target, Workspace<T>& workspace,
                               const Execution& how = {}) {
  const Index n = features.rows;
  const Index width = packed_width<M>(features.columns);
  const bool gram = M::from_squared_norm &&
                    (how.kernel == KernelChoice::automatic ? width >= gram_from_width
                                                           : how.kernel == KernelChoice::gram);
  T* inverse_norms = nullptr;
  if constexpr (M::of_directions) inverse_norms = workspace.inverse_norms.reserve(n);

  PackedBatch<T> batch{};
  batch.gram = gram;
  batch.n = n;
  batch.width = width;
  const Index blocks = block_count<T>(gram, n);
  batch.threads = observing(target) ? 1 : Backend::thread_count(how.threads, n, width, blocks);
  const Index scratch_size =
      gram ? GramLayout<T>::scratch_size : DirectLayout<T>::scratch_size(width, WithGradient);
  batch.scratch_apart = round_up(scratch_size, 64) + 64;  // threads share no cache line
  batch.scratch = workspace.scratch.reserve(batch.scratch_apart * batch.threads);
  batch.blocks = workspace.blocks.reserve(blocks);

  PackedResult<T> packed;
  packed.inverse_norms = inverse_norms;
  if (gram) {
    reserve_gram<Backend, M>(batch, features, inverse_norms, workspace);
    if constexpr (WithGradient) {
      const Index padded = GramLayout<T>::padded_rows(n);
      const Index stride = GramLayout<T>::stride(width);
      batch.gradient = workspace.gradient.zeroed(padded * stride);
      batch.coefficient_sums = workspace.sums.zeroed(padded + widest<T>);
      packed.gradient = {batch.gradient, n, width, stride, 1};
    }
  } else {
    batch.features = features_as_columns<Backend, M, S, T>(features, inverse_norms, workspace);
    const Index stride = batch.features.column_stride;
    if constexpr (WithGradient) {
      batch.gradient = workspace.gradient.zeroed(stride * width);
      packed.gradient = {batch.gradient, n, width, 1, stride};
    }
  }
  packed.features = batch.features;
  packed.sums = Backend::template sums<WithGradient>(batch, metric, penalty, target);
  return packed;
}

/// gradient = scale * (what evaluate_pairs found).
template <class M, class Backend = DefaultBackend, class T, class G>
void write_gradient(const PackedResult<T>& packed, double scale, MatrixView<G> gradient) noexcept {
  unpack_gradient<M, T, G, Backend>(packed.gradient, packed.features, packed.inverse_norms, scale,
                                    gradient);
}

}  // namespace ldmat::detail
