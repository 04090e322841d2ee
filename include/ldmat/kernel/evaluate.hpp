#pragma once

#include <ldmat/kernel/direct.hpp>
#include <ldmat/kernel/gram.hpp>
#include <ldmat/kernel/pack.hpp>
#include <ldmat/kernel/schedule.hpp>
#include <ldmat/workspace.hpp>

/// From features to sums and gradient: packs the features, chooses the kernel, plays its blocks,
/// unpacks the gradient.

namespace ldmat::detail {

/// Dimension from which tile products beat differences, for metrics that allow both.
inline constexpr Index gram_from_width = 16;

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

/// Rows of a block: enough blocks for many threads, but rows long enough to be worth starting.
inline Index block_rows(Index n, Index unit, Index most) {
  const Index sixteenth = (n / 16 + unit - 1) / unit * unit;
  return std::clamp(sixteenth, unit, most);
}

/// Plays all pairs of blocks of n samples; play(i0, i1, j0, j1, scratch).
template <bool Threaded, class T, class Play>
PairSums play_blocks(Index n, Index width, Index block, Index scratch_size, const Execution& how,
                     bool alone, Workspace<T>& workspace, const Play& play) {
  const Tournament tournament{(n + block - 1) / block};
  const int wanted = alone ? 1 : thread_count<Threaded>(how.threads, n, width);
  const int threads = static_cast<int>(std::min<Index>(wanted, tournament.games(0)));
  // A cache line or two between the scratch of one thread and the next.
  const Index apart = (scratch_size + 63) / 64 * 64 + 64;
  T* const scratch = workspace.scratch.reserve(apart * threads);
  PairSums* const slots = workspace.slots.reserve(tournament.blocks);
  return play_all<Threaded>(
      tournament, threads, slots, [&](Index first, Index second, int thread) noexcept {
        return play(first * block, std::min(n, (first + 1) * block), second * block,
                    std::min(n, (second + 1) * block), scratch + thread * apart);
      });
}

/// Whether the target writes down what it sees, for which there is one place only.
template <class Target>
bool observing(const Target& target) {
  if constexpr (Target::observes) {
    return target.observed.distance != nullptr;
  } else {
    return false;
  }
}

template <class Backend, bool WithGradient, class S, class T, class M, class P, class Target>
PackedResult<T> run_direct(MatrixView<const S> features, const M& metric, const P& penalty,
                           const Target& target, Workspace<T>& workspace, const Execution& how) {
  using Kernel = DirectKernel<typename Backend::Arch, WithGradient, T, M, P, Target>;
  const Index n = features.rows;
  const Index width = packed_width<M>(features.columns);
  const Index stride = (n + 15) / 16 * 16 + Kernel::padding;
  PackedResult<T> packed;
  T* inverse_norms = nullptr;
  if constexpr (M::of_directions) inverse_norms = workspace.inverse_norms.reserve(n);
  T* const x = workspace.features.zeroed(stride * width);
  pack_features<M, S, T>(features, {x, n, width, 1, stride}, inverse_norms);
  packed.inverse_norms = inverse_norms;
  packed.features = {x, n, width, 1, stride};
  T* g = nullptr;
  if constexpr (WithGradient) {
    g = workspace.gradient.zeroed(stride * width);
    packed.gradient = {g, n, width, 1, stride};
  }
  const Kernel kernel{x, g, width, stride, metric, penalty, target};
  const Index block = block_rows(n, 128, Kernel::most_columns);
  // Columns whose features and gradient stay in the first cache.
  const Index columns =
      std::clamp<Index>(3072 / width / 64 * 64, 64, static_cast<Index>(Kernel::most_columns));
  packed.sums = play_blocks<Backend::threads>(
      n, width, block, Kernel::scratch_size, how, observing(target), workspace,
      [&](Index i0, Index i1, Index j0, Index j1, T* scratch) noexcept {
        PairSums sums;
        for (Index j = j0; j < j1; j += columns) {
          sums += kernel(i0, i1, j, std::min(j + columns, j1), scratch);
        }
        return sums;
      });
  return packed;
}

/// rows = exact minus its mean over the batch, norms = |rows_i|^2, and the panels: see GramLayout.
/// What pads them is zero. O(n width).
template <class Arch, class T>
void centre(MatrixView<const T> exact, T* mean, T* rows, Index stride, T* norms,
            T* panels) noexcept {
  using V = Pack<T, Arch>;
  using Layout = GramLayout<T, Arch>;
  constexpr Index lanes = Layout::lanes;
  const Index n = exact.rows;
  const Index width = exact.columns;
  const Index padded = Layout::padded_rows(n);
  // Any point near the mean would do, so that its rounding does not matter.
  std::fill(mean, mean + stride, T(0));
  for (Index i = 0; i < n; ++i) {
    const T* const row = exact.data + i * exact.row_stride;
    Index k = 0;
    for (; k + lanes <= width; k += lanes) write(mean + k, V(read<V>(mean + k) + read<V>(row + k)));
    for (; k < width; ++k) mean[k] += row[k];
  }
  for (Index k = 0; k < width; ++k) mean[k] /= static_cast<T>(n);
  for (Index i = 0; i < n; ++i) {
    const T* const row = exact.data + i * exact.row_stride;
    T* const out = rows + i * stride;
    V norm = math::constant<V>(0);
    Index k = 0;
    for (; k + lanes <= width; k += lanes) {
      const V x = read<V>(row + k) - read<V>(mean + k);
      norm = multiply_add(x, x, norm);
      write(out + k, x);
    }
    T rest = T(0);
    for (; k < width; ++k) {
      out[k] = row[k] - mean[k];
      rest += out[k] * out[k];
    }
    std::fill(out + width, out + stride, T(0));
    norms[i] = sum_of(norm) + rest;
  }
  std::fill(rows + n * stride, rows + padded * stride, T(0));
  std::fill(norms + n, norms + padded + lanes, T(0));
  for (Index i = 0; i < padded; i += Layout::panel) {
    T* const panel = panels + i * width;
    for (Index k = 0; k < width; ++k) {
      for (Index s = 0; s < Layout::panel; ++s) {
        panel[k * Layout::panel + s] = rows[(i + s) * stride + k];
      }
    }
  }
}

/// g = diag(coefficient_sums) rows - g.
template <class Arch, class T>
void finish_gradient(Index n, Index stride, const T* coefficient_sums, const T* rows,
                     T* g) noexcept {
  using V = Pack<T, Arch>;
  constexpr Index lanes = PackTraits<V>::size;
  for (Index i = 0; i < n; ++i) {
    const V sum(coefficient_sums[i]);
    for (Index k = i * stride; k < (i + 1) * stride; k += lanes) {
      write(g + k, V(sum * read<V>(rows + k) - read<V>(g + k)));
    }
  }
}

template <class Backend, bool WithGradient, class S, class T, class M, class P, class Target>
PackedResult<T> run_gram(MatrixView<const S> features, const M& metric, const P& penalty,
                         const Target& target, Workspace<T>& workspace, const Execution& how) {
  using Arch = typename Backend::Arch;
  using Kernel = GramKernel<Arch, WithGradient, T, M, P, Target>;
  using Layout = GramLayout<T, Arch>;
  const Index n = features.rows;
  const Index width = packed_width<M>(features.columns);
  PackedResult<T> packed;
  T* inverse_norms = nullptr;
  if constexpr (M::of_directions) inverse_norms = workspace.inverse_norms.reserve(n);
  packed.inverse_norms = inverse_norms;

  bool borrowed = false;
  if constexpr (std::is_same_v<S, T> && !M::of_directions) {
    borrowed = features.column_stride == 1;  // already as the kernel wants them
    if (borrowed) packed.features = features;
  }
  if (!borrowed) {
    const MatrixView<T> to{workspace.features.reserve(n * width), n, width, width, 1};
    pack_features<M, S, T>(features, to, inverse_norms);
    packed.features = {to.data, n, width, width, 1};
  }
  const Index padded = Layout::padded_rows(n);
  const Index stride = Layout::stride(width);
  T* const rows = workspace.centred.reserve(padded * (stride + width));
  T* const panels = rows + padded * stride;
  T* const norms = workspace.norms.reserve(padded + Layout::lanes);
  centre<Arch>(packed.features, workspace.mean.reserve(stride), rows, stride, norms, panels);
  T* g = nullptr;
  T* coefficient_sums = nullptr;
  if constexpr (WithGradient) {
    g = workspace.gradient.zeroed(padded * stride);
    coefficient_sums = workspace.sums.zeroed(padded + Layout::lanes);
  }
  const Kernel kernel{packed.features, rows,   panels,  stride, norms, g,
                      coefficient_sums, metric, penalty, target};
  const Index block =
      n <= Layout::most ? Layout::most : block_rows(n, Layout::unit, 4 * Layout::unit);
  packed.sums = play_blocks<Backend::threads>(n, width, block, Layout::scratch_size, how,
                                              observing(target), workspace, kernel);
  if constexpr (WithGradient) {
    finish_gradient<Arch>(n, stride, coefficient_sums, rows, g);
    packed.gradient = {g, n, width, stride, 1};
  }
  return packed;
}

/// Sums over all pairs of `features` and, WithGradient, their gradient with respect to the packed
/// features, left in `workspace` until its next use.
template <class Backend, bool WithGradient, class S, class T, class M, class P, class Target>
PackedResult<T> evaluate_pairs(MatrixView<const S> features, const M& metric, const P& penalty,
                               const Target& target, Workspace<T>& workspace,
                               const Execution& how = {}) {
  if constexpr (M::from_squared_norm) {
    const Index width = packed_width<M>(features.columns);
    const bool gram = how.kernel == KernelChoice::automatic ? width >= gram_from_width
                                                            : how.kernel == KernelChoice::gram;
    if (gram) {
      return run_gram<Backend, WithGradient>(features, metric, penalty, target, workspace, how);
    }
  }
  return run_direct<Backend, WithGradient>(features, metric, penalty, target, workspace, how);
}

/// gradient = scale * (what evaluate_pairs found).
template <class M, class T, class G>
void write_gradient(const PackedResult<T>& packed, double scale, MatrixView<G> gradient) noexcept {
  unpack_gradient<M, T, G>(packed.gradient, packed.features, packed.inverse_norms, scale, gradient);
}

}  // namespace ldmat::detail
