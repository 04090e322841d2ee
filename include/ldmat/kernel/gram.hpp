#pragma once

#include <ldmat/kernel/epilogue.hpp>
#include <ldmat/kernel/layout.hpp>
#include <ldmat/kernel/multiply.hpp>
#include <ldmat/kernel/transpose.hpp>

#include <bit>

/// Metrics of |x - y|^2 in many dimensions, by matrix products: a pair of row tiles at a time,
/// S = X_I X_J^T, then in place S -> |x_i - x_j|^2 -> C_ij = w_ij phi'(D_ij - T_ij) slope(D_ij),
/// then G_I += C X_J and G_J += C^T X_I; the gradient is diag(C 1) X - G. Never more than one tile
/// of S.
///
/// |x_i|^2 + |x_j|^2 - 2 <x_i, x_j> loses digits where it is small against the norms. The features
/// are centred to make the norms small, and every pair below `near_bound` times them is computed again
/// from its differences, value and gradient both.

namespace ldmat::detail {

/// Pairs of a row that were recomputed.
struct NearPairs {
  Index count = 0;
  Index column[GramLayout<float>::most] = {};
};

/// All that the gram kernel does but the epilogue; knows neither metric, target nor penalty.
template <class Arch, class T>
class GramTiles {
  using V = Pack<T, Arch>;
  using Layout = GramLayout<T>;
  using Registers = RegisterTile<T, Arch>;
  static constexpr Index lanes = PackTraits<V>::size;
  static constexpr Index panel = Registers::columns;
  static constexpr Index tile_stride = Layout::tile_stride;
  static_assert(Layout::unit % Registers::rows == 0 && Layout::unit % panel == 0);
  /// Components of one product: a panel of them stays in the first cache.
  static constexpr Index depth = 256;

 public:
  const PackedBatch<T>& batch;
  Index stride;       ///< of rows and gradient
  Index panel_depth;  ///< components of a panel

  explicit GramTiles(const PackedBatch<T>& packed)
      : batch(packed),
        stride(Layout::stride(packed.width)),
        panel_depth(Layout::panel_depth(packed.width)) {}

  /// rows = features minus their mean over the batch, norms = |rows_i|^2, and the panels, with what
  /// pads them. O(n width).
  void centre() const noexcept {
    sum_rows();
    const Index n = batch.n;
    const Index padded = Layout::padded_rows(n);
    for (Index i = 0; i < n; ++i) centre_row(i);
    std::fill(batch.rows + n * stride, batch.rows + padded * stride, T(0));
    std::fill(batch.norms + n, batch.norms + padded + lanes, T(0));
    for (Index i = 0; i < padded; i += panel) {
      transpose<Arch>(panel, panel_depth, batch.rows + i * stride, stride,
                      batch.panels + i * panel_depth, panel);
    }
  }

  /// products = X_I X_J^T; of the tile on the diagonal only what register tiles hold of i < j.
  void inner_products(Index i0, Index i1, Index j0, Index j1, T* products) const noexcept {
    for (Index k = 0; k < batch.width; k += depth) {
      const Index count = std::min(depth, batch.width - k);
      for (Index j = j0; j < j1; j += panel) {
        const T* const columns = batch.panels + j * panel_depth + k * panel;
        const Index last = i0 == j0 ? std::min(i1, j + panel) : i1;
        for (Index i = i0; i < last; i += Registers::rows) {
          multiply_tile<Arch, Registers::rows, Registers::packs>(
              count, Factor<T>{batch.rows + i * stride + k, stride, 1}, columns, panel,
              products + (i - i0) * tile_stride + (j - j0), tile_stride, k > 0);
        }
      }
    }
  }

  /// gradient += C X, both ways round. What the last register tiles read behind the last row and
  /// column of the batch is not set, and only goes to rows of the gradient that are padding.
  void add_gradient(Index i0, Index i1, Index j0, Index j1, const T* products) const noexcept {
    const Index width = round_up(batch.width, lanes);
    T* const g = batch.gradient;
    for (Index k = 0; k < width; k += panel) {
      const bool whole = k + panel <= width;
      for (Index i = i0; i < i1; i += Registers::rows) {
        const Index skip = i0 == j0 ? i - i0 : 0;  // left of the diagonal there is nothing
        add_rows(whole, j1 - j0 - skip, {products + (i - i0) * tile_stride + skip, tile_stride, 1},
                 batch.rows + (j0 + skip) * stride + k, g + i * stride + k);
      }
      for (Index j = j0; j < j1; j += Registers::rows) {
        const Index count = i0 == j0 ? std::min(i1 - i0, j - j0 + Registers::rows) : i1 - i0;
        add_rows(whole, count, {products + (j - j0), 1, tile_stride}, batch.rows + i0 * stride + k,
                 g + j * stride + k);
      }
    }
  }

  /// Row i of a tile from inner products to |x_i - x_j|^2, for the columns from `first`, a multiple
  /// of the lanes, to `end`, of which those from `begin` on are wanted.
  void to_squares(Index i, Index first, Index begin, Index end, T* row,
                  NearPairs& near_pairs) const noexcept {
    const V norm(batch.norms[i]);
    near_pairs.count = 0;
    for (Index j = first; j < end; j += lanes) {
      T* const at = row + (j - first);
      const V product = read<V>(at);
      const V norm_sum = norm + read<V>(batch.norms + j);
      const V sum = norm_sum - (product + product);
      write(at, sum);
      const Mask<V> close = sum <= V(static_cast<T>(near_bound)) * norm_sum;
      if (any_of(close)) {
        for (unsigned bits = bits_of(close); bits != 0; bits &= bits - 1) {
          const Index column = j + std::countr_zero(bits);
          if (column >= begin && column < end) near_pairs.column[near_pairs.count++] = column;
        }
      }
    }
    for (Index p = 0; p < near_pairs.count; ++p) {
      row[near_pairs.column[p] - first] = exact_square(i, near_pairs.column[p]);
    }
  }

  /// The gradient's share of recomputed pairs, whose coefficients are zero afterwards, and the sums
  /// of the coefficients of row i, and of columns, of which column_sums[0] is `first`.
  void sum_coefficients(Index i, Index first, Index end, T* row, const NearPairs& near_pairs,
                        T* column_sums) const noexcept {
    for (Index p = 0; p < near_pairs.count; ++p) {
      T& coefficient = row[near_pairs.column[p] - first];
      move_pair(i, near_pairs.column[p], coefficient);
      coefficient = T(0);
    }
    V row_sum = math::constant<V>(0);
    for (Index j = 0; j < end - first; j += lanes) {
      const V coefficient = read<V>(row + j);
      row_sum = row_sum + coefficient;
      write(column_sums + j, V(read<V>(column_sums + j) + coefficient));
    }
    batch.coefficient_sums[i] += sum_of(row_sum);
  }

  /// The sums of a tile's columns [j0, j1). One row of the batch after the other would lose digits.
  void add_column_sums(Index j0, Index j1, const T* column_sums) const noexcept {
    for (Index j = j0; j < j1; ++j) batch.coefficient_sums[j] += column_sums[j - j0];
  }

  /// gradient = diag(C 1) rows - gradient.
  void finish_gradient() const noexcept {
    for (Index i = 0; i < batch.n; ++i) {
      const V sum(batch.coefficient_sums[i]);
      for (Index k = i * stride; k < (i + 1) * stride; k += lanes) {
        T* const g = batch.gradient + k;
        write(g, V(sum * read<V>(batch.rows + k) - read<V>(g)));
      }
    }
  }

 private:
  const T* features(Index i) const { return batch.features.data + i * batch.features.row_stride; }

  /// Any point near the mean would do, but a sum of one row of the batch after the other may end
  /// farther from it than the samples are.
  void sum_rows() const noexcept {
    constexpr Index group = 32;
    T* const mean = batch.mean;
    std::fill(mean, mean + stride, T(0));
    for (Index begin = 0; begin < batch.n; begin += group) {
      const Index end = std::min(begin + group, batch.n);
      Index k = 0;
      for (; k + lanes <= batch.width; k += lanes) {
        V sum = math::constant<V>(0);
        for (Index i = begin; i < end; ++i) sum = sum + read<V>(features(i) + k);
        write(mean + k, V(read<V>(mean + k) + sum));
      }
      for (; k < batch.width; ++k) {
        T sum = T(0);
        for (Index i = begin; i < end; ++i) sum += features(i)[k];
        mean[k] += sum;
      }
    }
    for (Index k = 0; k < batch.width; ++k) mean[k] /= static_cast<T>(batch.n);
  }

  void centre_row(Index i) const noexcept {
    const T* const row = features(i);
    T* const out = batch.rows + i * stride;
    V norm = math::constant<V>(0);
    Index k = 0;
    for (; k + lanes <= batch.width; k += lanes) {
      const V x = read<V>(row + k) - read<V>(batch.mean + k);
      norm = multiply_add(x, x, norm);
      write(out + k, x);
    }
    T rest = T(0);
    for (; k < batch.width; ++k) {
      out[k] = row[k] - batch.mean[k];
      rest += out[k] * out[k];
    }
    std::fill(out + batch.width, out + stride, T(0));
    batch.norms[i] = sum_of(norm) + rest;
  }

  void add_rows(bool whole, Index count, Factor<T> a, const T* b, T* to) const noexcept {
    if (whole) {
      multiply_tile<Arch, Registers::rows, 2>(count, a, b, stride, to, stride, true);
    } else {
      multiply_tile<Arch, Registers::rows, 1>(count, a, b, stride, to, stride, true);
    }
  }

  T exact_square(Index i, Index j) const noexcept {
    const T* const a = features(i);
    const T* const b = features(j);
    V lane_sum = math::constant<V>(0);
    Index k = 0;
    for (; k + lanes <= batch.width; k += lanes) {
      const V difference = read<V>(a + k) - read<V>(b + k);
      lane_sum = multiply_add(difference, difference, lane_sum);
    }
    T sum = sum_of(lane_sum);
    for (; k < batch.width; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
  }

  /// The gradient is subtracted at the end.
  void move_pair(Index i, Index j, T coefficient) const noexcept {
    const T* const a = features(i);
    const T* const b = features(j);
    T* const g_i = batch.gradient + i * stride;
    T* const g_j = batch.gradient + j * stride;
    Index k = 0;
    for (; k + lanes <= batch.width; k += lanes) {
      const V move = V(coefficient) * (read<V>(a + k) - read<V>(b + k));
      write(g_i + k, V(read<V>(g_i + k) - move));
      write(g_j + k, V(read<V>(g_j + k) + move));
    }
    for (; k < batch.width; ++k) {
      const T move = coefficient * (a[k] - b[k]);
      g_i[k] -= move;
      g_j[k] += move;
    }
  }
};

/// The pairs i < j of rows i in [i0, i1) and columns j in [j0, j1), which is the same range or one
/// behind it; both begin at multiples of Layout::unit. `products` holds Layout::scratch_size.
template <bool WithGradient, class Arch, class T>
void gram_pairs(const GramTiles<Arch, T>& tiles, Index i0, Index i1, Index j0, Index j1,
                T* products, const RowEpilogue<Arch, T>& epilogue,
                Totals<Pack<T, Arch>>& totals) noexcept {
  using Layout = GramLayout<T>;
  constexpr Index lanes = PackTraits<Pack<T, Arch>>::size;
  const Index tile = std::max(i1 - i0, j1 - j0) <= Layout::most ? Layout::most : Layout::tile;
  NearPairs near_pairs;
  T column_sums[Layout::most];
  for (Index top = i0; top < i1; top += tile) {
    const Index bottom = std::min(top + tile, i1);
    for (Index left = i0 == j0 ? top : j0; left < j1; left += tile) {
      const Index right = std::min(left + tile, j1);
      tiles.inner_products(top, bottom, left, right, products);
      if constexpr (WithGradient) std::fill(std::begin(column_sums), std::end(column_sums), T(0));
      for (Index i = top; i < bottom; ++i) {
        T* const row = products + (i - top) * Layout::tile_stride;
        const Index begin = std::clamp(i + 1, left, right);
        const Index first = begin / lanes * lanes;  // `left` is a multiple of the lanes
        if constexpr (WithGradient) std::fill(row, row + (first - left), T(0));
        tiles.to_squares(i, first, begin, right, row + (first - left), near_pairs);
        epilogue(i, first, begin, right, row + (first - left), totals);
        if constexpr (WithGradient) {
          tiles.sum_coefficients(i, first, right, row + (first - left), near_pairs,
                                 column_sums + (first - left));
        }
      }
      if constexpr (WithGradient) {
        tiles.add_column_sums(left, right, column_sums);
        tiles.add_gradient(top, bottom, left, right, products);
      }
    }
  }
}

}  // namespace ldmat::detail
