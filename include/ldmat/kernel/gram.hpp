#pragma once

#include <ldmat/kernel/epilogue.hpp>
#include <ldmat/kernel/multiply.hpp>

#include <algorithm>

/// Metrics of |x - y|^2 in many dimensions, by matrix products: a pair of row tiles at a time,
/// S = X_I X_J^T, then in place S -> C_ij = w_ij phi'(D_ij - T_ij) slope(D_ij), then G_I += C X_J
/// and G_J += C^T X_I; the gradient is diag(C 1) X - G. Never more than one tile of S.
///
/// |x_i|^2 + |x_j|^2 - 2 <x_i, x_j> loses digits where it is small against the norms. The features
/// are centred to make the norms small, and every pair below `near` times them is computed again
/// from its differences, value and gradient both.

namespace ldmat::detail {

/// How the gram kernel keeps a batch of n samples of `width` components: `rows`, one sample behind
/// the other, and `panels`, a few neighbouring samples component by component, which is the order
/// that S reads them in. Both are centred and padded with zeros.
template <class T, class Arch>
struct GramLayout {
  using Registers = RegisterTile<T, Arch>;
  static constexpr Index lanes = Registers::lanes;
  static constexpr Index panel = Registers::columns;
  /// Samples are padded to a multiple of this, which whole register tiles fit both ways.
  static constexpr Index unit = 96;
  static_assert(unit % Registers::rows == 0 && unit % panel == 0);
  /// Tiles between row blocks; a batch that is no larger than `most` is one tile.
  static constexpr Index tile = unit;
  static constexpr Index most = 2 * unit;
  /// Row to row in a tile: no power of two, which would put a column into few sets of a cache.
  static constexpr Index tile_stride = most + 16;
  static constexpr Index scratch_size = most * tile_stride;
  /// Components of one product: a panel of them stays in the first cache.
  static constexpr Index depth = 256;

  static Index padded_rows(Index n) { return (n + unit - 1) / unit * unit; }
  static Index stride(Index width) {
    const Index whole = (width + lanes - 1) / lanes * lanes;
    return whole % 128 == 0 ? whole + 16 : whole;
  }
};

template <class Arch, bool WithGradient, class T, Metric M, Penalty P, class Target>
class GramKernel {
  static_assert(M::from_squared_norm);
  using V = Pack<T, Arch>;
  using Layout = GramLayout<T, Arch>;
  using Registers = RegisterTile<T, Arch>;
  static constexpr Index lanes = PackTraits<V>::size;
  static constexpr Index stride = Layout::tile_stride;

 public:
  /// Pairs with |x_i - x_j|^2 <= near (|x_i|^2 + |x_j|^2) are recomputed. The rounding error of the
  /// product form is some units in the last place of the norms, so that a distance kept at this
  /// bound has lost less than a factor 1 / near of its relative precision.
  static constexpr T near = T(0.03);

  MatrixView<const T> exact;  ///< n rows, as given; neighbouring components
  const T* rows;              ///< centred, row_stride apart
  const T* panels;
  Index row_stride;
  const T* norms;       ///< |rows_i|^2, padded
  T* g;                 ///< as `rows`, zero at first
  T* coefficient_sums;  ///< C 1, zero at first, padded
  const M& metric;
  const P& penalty;
  const Target& target;

  /// The pairs i < j of rows i in [i0, i1) and columns j in [j0, j1), which is the same range or one
  /// behind it; both begin at multiples of Layout::unit. `products` holds Layout::scratch_size.
  PairSums operator()(Index i0, Index i1, Index j0, Index j1, T* products) const noexcept {
    Epilogue<Arch, WithGradient, T, M, P, Target> epilogue(metric, penalty, target);
    const Index tile = std::max(i1 - i0, j1 - j0) <= Layout::most ? Layout::most : Layout::tile;
    for (Index i = i0; i < i1; i += tile) {
      for (Index j = i0 == j0 ? i : j0; j < j1; j += tile) {
        tile_pair(i, std::min(i + tile, i1), j, std::min(j + tile, j1), products, epilogue);
      }
    }
    return epilogue.take_sums();
  }

 private:
  template <class E>
  void tile_pair(Index i0, Index i1, Index j0, Index j1, T* products, E& epilogue) const noexcept {
    inner_products(i0, i1, j0, j1, products);
    for (Index i = i0; i < i1; ++i) {
      T* const row = products + (i - i0) * stride;
      pairs_of(i, std::max(j0, i + 1), j0, j1, row, epilogue);
    }
    if constexpr (WithGradient) add_gradient(i0, i1, j0, j1, products);
  }

  static constexpr Index round_up(Index count, Index step) {
    return (count + step - 1) / step * step;
  }

  /// products = X_I X_J^T; of the tile on the diagonal only what register tiles hold of i < j.
  void inner_products(Index i0, Index i1, Index j0, Index j1, T* products) const noexcept {
    for (Index k = 0; k == 0 || k < row_width(); k += Layout::depth) {
      const Index depth = std::min(Layout::depth, row_width() - k);
      for (Index j = j0; j < j1; j += Layout::panel) {
        const T* const panel = panels + j * row_width() + k * Layout::panel;
        const Index last = i0 == j0 ? std::min(i1, j + Layout::panel) : i1;
        for (Index i = i0; i < last; i += Registers::rows) {
          multiply_tile<Arch, Registers::rows, Registers::packs>(
              depth, Factor<T>{rows + i * row_stride + k, row_stride, 1}, panel, Layout::panel,
              products + (i - i0) * stride + (j - j0), stride, k > 0);
        }
      }
    }
  }
  Index row_width() const { return exact.columns; }

  /// g += C X, both ways round. What the last register tiles read behind the last row and column of
  /// the batch is not set, and only goes to rows of g that are padding.
  void add_gradient(Index i0, Index i1, Index j0, Index j1, const T* products) const noexcept {
    const Index width = round_up(row_width(), lanes);
    for (Index k = 0; k < width; k += Layout::panel) {
      const bool whole = k + Layout::panel <= width;
      for (Index i = i0; i < i1; i += Registers::rows) {
        const Index skip = i0 == j0 ? i - i0 : 0;  // left of the diagonal there is nothing
        add_rows(whole, j1 - j0 - skip, {products + (i - i0) * stride + skip, stride, 1},
                 rows + (j0 + skip) * row_stride + k, g + i * row_stride + k);
      }
      for (Index j = j0; j < j1; j += Registers::rows) {
        const Index count = i0 == j0 ? std::min(i1 - i0, j - j0 + Registers::rows) : i1 - i0;
        add_rows(whole, count, {products + (j - j0), 1, stride}, rows + i0 * row_stride + k,
                 g + j * row_stride + k);
      }
    }
  }
  void add_rows(bool whole, Index depth, Factor<T> a, const T* b, T* to) const noexcept {
    if (whole) {
      multiply_tile<Arch, Registers::rows, 2>(depth, a, b, row_stride, to, row_stride, true);
    } else {
      multiply_tile<Arch, Registers::rows, 1>(depth, a, b, row_stride, to, row_stride, true);
    }
  }

  /// Row i of a tile, from inner products to coefficients.
  template <class E>
  void pairs_of(Index i, Index begin, Index j0, Index j1, T* row, E& epilogue) const noexcept {
    Index near_pairs[Layout::most];
    Index count = 0;
    const Index first = std::min(begin, j1) / lanes * lanes;  // j0 is a multiple of the lanes
    for (Index j = j0; j < first; j += lanes) {
      if constexpr (WithGradient) write(row + (j - j0), math::constant<V>(0));
    }
    const V norm(norms[i]);
    for (Index j = first; j < j1; j += lanes) {
      T* const at = row + (j - j0);
      const V product = read<V>(at);
      const V norm_sum = norm + read<V>(norms + j);
      const V sum = norm_sum - (product + product);
      write(at, sum);
      const Mask<V> close = sum <= V(near) * norm_sum;
      if (any_of(close)) {
        for (Index l = 0; l < lanes; ++l) {
          if (lane_of(close, l) && j + l >= begin && j + l < j1) near_pairs[count++] = j + l;
        }
      }
    }
    for (Index p = 0; p < count; ++p) row[near_pairs[p] - j0] = exact_sum(i, near_pairs[p]);
    epilogue.row(i, first, begin, j1, row + (first - j0));
    if constexpr (WithGradient) {
      for (Index p = 0; p < count; ++p) {
        T& coefficient = row[near_pairs[p] - j0];
        move_pair(i, near_pairs[p], coefficient);
        coefficient = T(0);
      }
      V row_sum = math::constant<V>(0);
      for (Index j = first; j < j1; j += lanes) {
        const V coefficient = read<V>(row + (j - j0));
        row_sum = row_sum + coefficient;
        write(coefficient_sums + j, V(read<V>(coefficient_sums + j) + coefficient));
      }
      coefficient_sums[i] += sum_of(row_sum);
    }
  }

  T exact_sum(Index i, Index j) const noexcept {
    const T* const a = exact.data + i * exact.row_stride;
    const T* const b = exact.data + j * exact.row_stride;
    V lane_sum = math::constant<V>(0);
    Index k = 0;
    for (; k + lanes <= row_width(); k += lanes) {
      lane_sum = metric.accumulate(lane_sum, V(read<V>(a + k) - read<V>(b + k)));
    }
    T sum = sum_of(lane_sum);
    for (; k < row_width(); ++k) sum = metric.accumulate(sum, a[k] - b[k]);
    return sum;
  }

  /// The pair's gradient from its differences; g is subtracted at the end.
  void move_pair(Index i, Index j, T coefficient) const noexcept {
    const T* const a = exact.data + i * exact.row_stride;
    const T* const b = exact.data + j * exact.row_stride;
    T* const g_i = g + i * row_stride;
    T* const g_j = g + j * row_stride;
    Index k = 0;
    for (; k + lanes <= row_width(); k += lanes) {
      const V move = V(coefficient) * (read<V>(a + k) - read<V>(b + k));
      write(g_i + k, V(read<V>(g_i + k) - move));
      write(g_j + k, V(read<V>(g_j + k) + move));
    }
    for (; k < row_width(); ++k) {
      const T move = coefficient * (a[k] - b[k]);
      g_i[k] -= move;
      g_j[k] += move;
    }
  }
};

}  // namespace ldmat::detail
