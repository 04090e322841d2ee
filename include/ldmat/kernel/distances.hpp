#pragma once

#include <ldmat/kernel/evaluate.hpp>

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

/// All pairwise distances as a matrix, by the same kernels as the loss and one thread: a tile of
/// pairs i < j at a time gets its sums over components, the metric makes distances of them where
/// they are, and the tile is written twice, as it is and transposed. Both triangles so hold the same
/// bits, and nothing of n x n is needed but the caller's matrix.

namespace ldmat::detail {

/// Rows and columns of a tile, a multiple of what either kernel takes at once. A tile and its
/// transposed copy stay in the second cache, and the lines of the output that a transposed tile
/// fills are whole ones.
inline constexpr Index distance_tile = GramLayout<float>::unit;

/// Dimension from which products beat differences here, measured with AVX2 in float and double:
/// later than in a loss, which has a gradient to compute as well.
inline constexpr Index distance_products_from_width = 32;

/// The caller's n x n matrix, of any strides and element type. Tiles are of the accumulator's type,
/// with rows `stride` apart.
template <class Backend, class T, class G>
class SymmetricOutput {
  using Arch = typename Backend::Arch;

 public:
  /// A symmetric matrix is its own transpose: stored by columns it is written as if by rows.
  explicit SymmetricOutput(MatrixView<G> out) : out_(out) {
    if (out.row_stride < out.column_stride) std::swap(out_.row_stride, out_.column_stride);
  }

  Index size() const { return out_.rows; }

  /// The tile of rows and columns [begin, end), given where i < j.
  void write_diagonal(Index begin, Index end, T* tile, Index stride) const noexcept {
    const Index count = end - begin;
    for (Index i = 0; i < count; ++i) {
      for (Index j = 0; j < i; ++j) tile[i * stride + j] = tile[j * stride + i];
      tile[i * stride + i] = T(0);
    }
    for (Index i = 0; i < count; ++i) write_row(begin + i, begin, count, tile + i * stride);
  }

  /// The tile of rows from i and columns from j, and its mirror image; `turned` holds another tile.
  void write_both(Index i, Index rows, Index j, Index columns, const T* tile, Index stride,
                  T* turned) const noexcept {
    for (Index r = 0; r < rows; ++r) write_row(i + r, j, columns, tile + r * stride);
    if constexpr (std::is_same_v<T, G>) {
      if (out_.column_stride == 1) {
        transpose<Arch>(rows, columns, tile, stride, &out_(j, i), out_.row_stride);
        return;
      }
    }
    transpose<Arch>(rows, columns, tile, stride, turned, stride);
    for (Index c = 0; c < columns; ++c) write_row(j + c, i, rows, turned + c * stride);
  }

 private:
  void write_row(Index i, Index j, Index count, const T* from) const noexcept {
    G* const to = &out_(i, j);
    if (out_.column_stride == 1) {
      convert<Backend>(count, from, to);
    } else {
      for (Index k = 0; k < count; ++k) to[k * out_.column_stride] = static_cast<G>(from[k]);
    }
  }

  MatrixView<G> out_;
};

/// Calls sum_tile(i0, i1, j0, j1, tile) for all tiles of pairs i < j, those on the diagonal among
/// them, and writes the distances of what it leaves at tile[(i - i0) * stride + j - j0]: from the
/// pack of column max(i + 1, j0) on to the end of the last one.
template <class Backend, class T, class G, Metric M, class SumTile>
void write_distances(const SymmetricOutput<Backend, T, G>& out, const M& metric, T* scratch,
                     Index stride, const SumTile& sum_tile) noexcept {
  using V = Pack<T, typename Backend::Arch>;
  constexpr Index lanes = PackTraits<V>::size;
  const Index n = out.size();
  T* const turned = scratch + distance_tile * stride;
  for (Index i0 = 0; i0 < n; i0 += distance_tile) {
    const Index i1 = std::min(i0 + distance_tile, n);
    for (Index j0 = i0; j0 < n; j0 += distance_tile) {
      const Index j1 = std::min(j0 + distance_tile, n);
      sum_tile(i0, i1, j0, j1, scratch);
      for (Index i = i0; i < i1; ++i) {
        T* const row = scratch + (i - i0) * stride;
        for (Index j = std::max(i + 1, j0) / lanes * lanes; j < j1; j += lanes) {
          T* const at = row + (j - j0);
          write(at, V(metric.distance(read<V>(at))));
        }
      }
      if (i0 == j0) {
        out.write_diagonal(i0, i1, scratch, stride);
      } else {
        out.write_both(i0, i1 - i0, j0, j1 - j0, scratch, stride, turned);
      }
    }
  }
}

/// Any metric, by differences.
template <class Backend, class T, class G, Metric M>
void direct_distances(MatrixView<const T> columns, const M& metric, T* scratch,
                      const SymmetricOutput<Backend, T, G>& out) noexcept {
  using Arch = typename Backend::Arch;
  using Layout = DirectLayout<T>;
  constexpr Index step = 2 * PackTraits<Pack<T, Arch>>::size;
  const DirectStrips<Arch, T, M> strips{columns.data, nullptr, columns.columns,
                                        columns.column_stride, metric};
  write_distances(out, metric, scratch, Layout::strip_stride,
                  [&](Index i0, Index i1, Index j0, Index j1, T* tile) noexcept {
                    for (Index i = i0; i < i1; i += Layout::strip_rows) {
                      const Index first =
                          std::max(j0, i / step * step);  // left of the diagonal there is nothing
                      strips.sum_components(i, first, j1,
                                            tile + (i - i0) * Layout::strip_stride + (first - j0));
                    }
                  });
}

/// Metrics of |x - y|^2, by products and, for near pairs, differences.
template <class Backend, class T, class G, Metric M>
void gram_distances(const GramTiles<typename Backend::Arch, T>& tiles, const M& metric, T* scratch,
                    const SymmetricOutput<Backend, T, G>& out) noexcept {
  constexpr Index stride = GramLayout<T>::tile_stride;
  constexpr Index lanes = PackTraits<Pack<T, typename Backend::Arch>>::size;
  NearPairs near_pairs;
  write_distances(out, metric, scratch, stride,
                  [&](Index i0, Index i1, Index j0, Index j1, T* tile) noexcept {
                    tiles.inner_products(i0, i1, j0, j1, tile);
                    for (Index i = i0; i < i1; ++i) {
                      const Index begin = std::max(i + 1, j0);
                      const Index first = begin / lanes * lanes;
                      tiles.to_squares(i, first, begin, j1, tile + (i - i0) * stride + (first - j0),
                                       near_pairs);
                    }
                  });
}

/// Whether no sum of the product form can overflow. Products spread a NaN or an infinity over the
/// whole batch, where differences leave it to the pairs that it belongs to.
template <class T>
bool products_fit(const PackedBatch<T>& batch) noexcept {
  constexpr T most = std::numeric_limits<T>::max() / 8;
  return std::all_of(batch.norms, batch.norms + batch.n, [](T norm) { return norm <= most; });
}

/// out = the distances of all pairs of rows of `features`, which it does not overlap. O(n^2 d)
/// time, O(n d) memory, allocated before anything is written.
template <class Backend, class T, class S, Metric M, class G>
void pairwise_distances(MatrixView<const S> features, const M& metric, MatrixView<G> out,
                        KernelChoice kernel = KernelChoice::automatic) {
  const Index n = features.rows;
  if (n == 0) return;
  const Index width = packed_width<M>(features.columns);
  const SymmetricOutput<Backend, T, G> matrix(out);
  Workspace<T> workspace;
  T* inverse_norms = nullptr;
  if constexpr (M::of_directions) inverse_norms = workspace.inverse_norms.reserve(n);
  if constexpr (M::from_squared_norm) {
    if (kernel == KernelChoice::automatic ? width >= distance_products_from_width
                                          : kernel == KernelChoice::gram) {
      PackedBatch<T> batch{};
      reserve_gram<Backend, M>(batch, features, inverse_norms, workspace);
      const GramTiles<typename Backend::Arch, T> tiles(batch);
      tiles.centre();
      if (products_fit(batch)) {
        T* const scratch =
            workspace.scratch.reserve(2 * distance_tile * GramLayout<T>::tile_stride);
        gram_distances(tiles, metric, scratch, matrix);
        return;
      }
    }
  }
  const auto columns = features_as_columns<Backend, M, S, T>(features, inverse_norms, workspace);
  T* const scratch = workspace.scratch.reserve(2 * distance_tile * DirectLayout<T>::strip_stride);
  direct_distances(columns, metric, scratch, matrix);
}

}  // namespace ldmat::detail
