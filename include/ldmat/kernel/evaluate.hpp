#pragma once

#include <ldmat/kernel/direct.hpp>
#include <ldmat/kernel/gram.hpp>
#include <ldmat/workspace.hpp>

/// From features to sums and gradient: packs the features, chooses the kernel, unpacks the
/// gradient.

namespace ldmat::detail {

/// Dimension from which tile products beat differences, for metrics that allow both.
inline constexpr Index gram_from_width = 16;

/// Which kernel computes the sums; `automatic` everywhere but in tests and benchmarks. A kernel
/// that does not take the metric is not chosen.
enum class KernelChoice { automatic, direct, gram };

/// What `evaluate_pairs` leaves in the workspace for `write_gradient`.
template <class T>
struct PackedResult {
  PairSums sums;
  MatrixView<const T> features;
  MatrixView<const T> gradient;
  const T* inverse_norms = nullptr;
};

template <class Arch, bool WithGradient, class T, class M, class P, class Target>
PairSums run_direct(const PackedResult<T>& packed, T* g, const M& metric, const P& penalty,
                    const Target& target, Workspace<T>& workspace) {
  const MatrixView<const T>& x = packed.features;
  constexpr Index lanes = PackTraits<Pack<T, Arch>>::size;
  T* const row_gradient = workspace.scratch.reserve(x.columns * lanes);
  return DirectKernel<Arch, WithGradient, T, M, P, Target>{.x = x.data,
                                                           .g = g,
                                                           .n = x.rows,
                                                           .width = x.columns,
                                                           .stride = x.column_stride,
                                                           .row_gradient = row_gradient,
                                                           .metric = metric,
                                                           .penalty = penalty,
                                                           .target = target}();
}

/// centred = exact minus its mean over the batch (summed in double), norms = |centred_i|^2. O(n
/// width).
template <class T>
void centre(MatrixView<const T> exact, double* mean, T* centred, T* norms) noexcept {
  const Index n = exact.rows;
  const Index width = exact.columns;
  std::fill(mean, mean + width, 0.0);
  for (Index i = 0; i < n; ++i) {
    const T* const row = exact.data + i * exact.row_stride;
    for (Index k = 0; k < width; ++k) mean[k] += static_cast<double>(row[k]);
  }
  for (Index k = 0; k < width; ++k) mean[k] /= static_cast<double>(n);
  for (Index i = 0; i < n; ++i) {
    const T* const row = exact.data + i * exact.row_stride;
    T* const out = centred + i * width;
    double norm = 0;
    for (Index k = 0; k < width; ++k) {
      out[k] = row[k] - static_cast<T>(mean[k]);
      norm += static_cast<double>(out[k]) * static_cast<double>(out[k]);
    }
    norms[i] = static_cast<T>(norm);
  }
}

/// Centres `exact` into the workspace and runs the gram kernel.
template <class Arch, bool WithGradient, class T, class M, class P, class Target>
PairSums run_gram(MatrixView<const T> exact, T* g, const M& metric, const P& penalty,
                  const Target& target, Workspace<T>& workspace) {
  using Kernel = GramKernel<Arch, WithGradient, T, M, P, Target>;
  constexpr Index lanes = PackTraits<Pack<T, Arch>>::size;
  const Index n = exact.rows;
  const Index width = exact.columns;
  T* const centred = workspace.centred.reserve(n * width);
  T* const norms = workspace.norms.zeroed(n + lanes);
  centre(exact, workspace.mean.reserve(width), centred, norms);
  return Kernel{.exact = exact.data,
                .exact_stride = exact.row_stride,
                .centred = centred,
                .norms = norms,
                .g = g,
                .coefficient_sums = workspace.sums.zeroed(n + lanes),
                .products = workspace.scratch.reserve(Kernel::scratch_size),
                .n = n,
                .width = width,
                .metric = metric,
                .penalty = penalty,
                .target = target}();
}

/// Sums over all pairs of `features` and, WithGradient, their gradient with respect to the packed
/// features, left in `workspace` until its next use.
template <class Arch, bool WithGradient, class S, class T, class M, class P, class Target>
PackedResult<T> evaluate_pairs(MatrixView<const S> features, const M& metric, const P& penalty,
                               const Target& target, Workspace<T>& workspace,
                               KernelChoice choice = KernelChoice::automatic) {
  constexpr Index lanes = PackTraits<Pack<T, Arch>>::size;
  const Index n = features.rows;
  const Index width = packed_width<M>(features.columns);
  const bool gram =
      M::from_squared_norm &&
      (choice == KernelChoice::automatic ? width >= gram_from_width : choice == KernelChoice::gram);

  PackedResult<T> packed;
  T* inverse_norms = nullptr;
  if constexpr (M::of_directions) inverse_norms = workspace.inverse_norms.reserve(n);
  packed.inverse_norms = inverse_norms;

  bool borrowed = false;
  if constexpr (std::is_same_v<S, T> && !M::of_directions) {
    borrowed = gram && features.column_stride == 1;  // already as the gram kernel wants them
    if (borrowed) packed.features = features;
  }
  const Index stride = n + lanes;  // of the direct kernel: one component behind the other, padded
  if (!borrowed) {
    const MatrixView<T> to =
        gram ? MatrixView<T>{workspace.features.reserve(n * width), n, width, width, 1}
             : MatrixView<T>{workspace.features.zeroed(stride * width), n, width, 1, stride};
    pack_features<M, S, T>(features, to, inverse_norms);
    packed.features = {to.data, to.rows, to.columns, to.row_stride, to.column_stride};
  }
  T* g = nullptr;
  if constexpr (WithGradient) {
    g = workspace.gradient.zeroed((gram ? n : stride) * width);
    packed.gradient = gram ? MatrixView<const T>{g, n, width, width, 1}
                           : MatrixView<const T>{g, n, width, 1, stride};
  }
  if constexpr (M::from_squared_norm) {
    if (gram) {
      packed.sums =
          run_gram<Arch, WithGradient, T>(packed.features, g, metric, penalty, target, workspace);
      return packed;
    }
  }
  packed.sums = run_direct<Arch, WithGradient, T>(packed, g, metric, penalty, target, workspace);
  return packed;
}

/// gradient = scale * (what evaluate_pairs found).
template <class M, class T, class G>
void write_gradient(const PackedResult<T>& packed, double scale, MatrixView<G> gradient) noexcept {
  unpack_gradient<M, T, G>(packed.gradient, packed.features, packed.inverse_norms, scale, gradient);
}

}  // namespace ldmat::detail
