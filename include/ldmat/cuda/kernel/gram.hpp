#pragma once

#include <ldmat/cuda/kernel/pairs.hpp>

/// Metrics of |x - y|^2 in many dimensions, by matrix products: a panel of pairs at a time, whose inner
/// products a library computes, become coefficients in place, and are multiplied with the features
/// again. As on a CPU (kernel/gram.hpp) features are centred first, and pairs that are near to each
/// other for their norms are computed again from their differences, value and gradient both.

namespace ldmat::detail::cuda {

struct GramTile {
  static constexpr int side = 16;            ///< threads, both ways
  static constexpr int micro = 4;            ///< pairs of a thread, both ways
  static constexpr int size = side * micro;  ///< samples; one bit each in a mask
  static constexpr int depth = 16;           ///< components at a time
  static_assert(size == 64);

  LDMAT_HOST_DEVICE static constexpr Index tiles(Index n) { return blocks_for(n, size); }
};

/// The pairs of rows [row, row + rows) and columns [column, column + columns), and what is kept of
/// them. A panel on the diagonal holds both triangles, which are counted once.
template <class T>
struct GramPanel {
  Index row;
  Index rows;
  Index column;
  Index columns;
  T* products;               ///< rows x stride: inner products, then coefficients, 0 for near pairs
  T* near_coefficients;      ///< the same shape: those of near pairs, all others not set
  Index stride;              ///< a multiple of 64
  T* row_sums;               ///< tiles of columns x stride: of the coefficients that are not near
  T* column_sums;            ///< tiles of rows x stride
  std::uint64_t* row_masks;  ///< tiles of columns x stride: near pairs of a row in a tile
  std::uint64_t* column_masks;  ///< tiles of rows x stride: of a column
  double* tile_sums;            ///< 3 x tiles

  LDMAT_HOST_DEVICE bool diagonal() const { return row == column; }
  LDMAT_HOST_DEVICE Index row_tiles() const { return GramTile::tiles(rows); }
  LDMAT_HOST_DEVICE Index column_tiles() const { return GramTile::tiles(columns); }
  LDMAT_HOST_DEVICE Index tiles() const { return row_tiles() * column_tiles(); }
};

/// From inner products to coefficients; one block per tile.
template <class T, class M, class P, class Source>
struct GramEpilogue {
  using Tile = GramTile;
  static constexpr int threads = Tile::side * Tile::side;
  static_assert(threads == block_threads);
  static constexpr int side = Tile::side;
  static constexpr int micro = Tile::micro;
  static constexpr int size = Tile::size;
  static constexpr int depth = Tile::depth;

  /// One sum per thread and sample.
  struct Parts {
    T rows[side][size + 1];
    T columns[side][size + 1];
  };
  struct Shared {
    T rows[depth][size + 1];
    T columns[depth][size + 1];
    unsigned char near_pair[size][size + 4];
    union {
      double sums[3][threads];
      Parts coefficients;
    };
  };
  struct Mine {
    T pairs[micro][micro];  ///< squared distances, then coefficients
    ThreadSums<T> sums;
    unsigned near_pairs;  ///< one bit each
  };

  MatrixView<const T> features;  ///< not centred: near pairs are differences of these
  const T* norms;                ///< of the centred ones
  GramPanel<T> panel;
  M metric;
  P penalty;
  Source source;
  Observer observer;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    const Index tile_row = block.index() / panel.column_tiles();
    const Index tile_column = block.index() % panel.column_tiles();
    const Index r0 = tile_row * size;
    const Index c0 = tile_column * size;

    typename Block::template PerThread<Mine> mine(block);
    const bool any_near = block.any([&](int thread) {
      to_squares(shared, r0, c0, thread, mine[thread]);
      return mine[thread].near_pairs != 0;
    });
    for (Index k = 0; any_near && k < features.columns; k += depth) {
      load(block, shared, r0, c0, k);
      block.each(
          [&](int thread) { add_differences(shared, features.columns - k, thread, mine[thread]); });
    }
    block.each([&](int thread) { to_coefficients(shared, r0, c0, thread, mine[thread]); });
    block.each([&](int thread) {
      const int at = thread % size;
      if (thread < size) {
        T sum = 0;
        for (int part = 0; part < side; ++part) sum += shared.coefficients.rows[part][at];
        panel.row_sums[tile_column * panel.stride + r0 + at] = sum;
      } else if (thread < 2 * size) {
        T sum = 0;
        for (int part = 0; part < side; ++part) sum += shared.coefficients.columns[part][at];
        panel.column_sums[tile_row * panel.stride + c0 + at] = sum;
      } else if (thread < 3 * size) {
        std::uint64_t mask = 0;
        for (int c = 0; any_near && c < size; ++c) {
          mask |= static_cast<std::uint64_t>(shared.near_pair[at][c]) << c;
        }
        panel.row_masks[tile_column * panel.stride + r0 + at] = mask;
      } else {
        std::uint64_t mask = 0;
        for (int r = 0; any_near && r < size; ++r) {
          mask |= static_cast<std::uint64_t>(shared.near_pair[r][at]) << r;
        }
        panel.column_masks[tile_row * panel.stride + c0 + at] = mask;
      }
    });
    block.each([&](int thread) {
      shared.sums[0][thread] = static_cast<double>(mine[thread].sums.penalty);
      shared.sums[1][thread] = static_cast<double>(mine[thread].sums.distance);
      shared.sums[2][thread] = static_cast<double>(mine[thread].sums.same_distance);
    });
    sum_over_threads(block, shared.sums);
    block.each([&](int thread) {
      if (thread < 3)
        panel.tile_sums[thread * panel.tiles() + block.index()] = shared.sums[thread][0];
    });
  }

 private:
  LDMAT_KERNEL bool inside(Index r, Index c) const {
    return r < panel.rows && c < panel.columns && panel.row + r != panel.column + c;
  }

  LDMAT_KERNEL void to_squares(Shared& shared, Index r0, Index c0, int thread, Mine& mine) const {
    mine.near_pairs = 0;
    LDMAT_UNROLL
    for (int r = 0; r < micro; ++r) {
      LDMAT_UNROLL
      for (int c = 0; c < micro; ++c) {
        const int row = thread / side + side * r;
        const int column = thread % side + side * c;
        T sum = 0;
        bool near_pair = false;
        if (inside(r0 + row, c0 + column)) {
          const T product = panel.products[(r0 + row) * panel.stride + c0 + column];
          const T norm_sum = norms[panel.row + r0 + row] + norms[panel.column + c0 + column];
          sum = norm_sum - (product + product);
          near_pair = sum <= static_cast<T>(near_bound) * norm_sum;
        }
        mine.pairs[r][c] = near_pair ? T(0) : sum;
        if (near_pair) mine.near_pairs |= 1u << (r * micro + c);
        shared.near_pair[row][column] = near_pair ? 1 : 0;
      }
    }
  }

  template <class Block>
  LDMAT_KERNEL void load(Block& block, Shared& shared, Index r0, Index c0, Index k) const {
    const Index i0 = panel.row + r0;
    const Index j0 = panel.column + c0;
    block.each([&](int thread) {
      load_tile<threads>(features, i0, panel.row + panel.rows, k, thread, shared.rows);
      load_tile<threads>(features, j0, panel.column + panel.columns, k, thread, shared.columns);
    });
  }

  LDMAT_KERNEL void add_differences(const Shared& shared, Index left, int thread,
                                    Mine& mine) const {
    const int count = left < depth ? static_cast<int>(left) : depth;
    LDMAT_UNROLL
    for (int r = 0; r < micro; ++r) {
      LDMAT_UNROLL
      for (int c = 0; c < micro; ++c) {
        if ((mine.near_pairs >> (r * micro + c) & 1u) == 0) continue;
        const int row = thread / side + side * r;
        const int column = thread % side + side * c;
        T part = 0;
        for (int k = 0; k < count; ++k) {
          const T difference = shared.rows[k][row] - shared.columns[k][column];
          part = metric.accumulate(part, difference);
        }
        mine.pairs[r][c] += part;
      }
    }
  }

  LDMAT_KERNEL void to_coefficients(Shared& shared, Index r0, Index c0, int thread,
                                    Mine& mine) const {
    const auto target = source.load();
    const PairEpilogue<T, M, P, decltype(target)> epilogue{metric, penalty, target, observer};
    mine.sums = {};
    T down[micro] = {};
    LDMAT_UNROLL
    for (int r = 0; r < micro; ++r) {
      const int row = thread / side + side * r;
      T across = 0;
      LDMAT_UNROLL
      for (int c = 0; c < micro; ++c) {
        const int column = thread % side + side * c;
        const Index i = panel.row + r0 + row;
        const Index j = panel.column + c0 + column;
        const bool near_pair = (mine.near_pairs >> (r * micro + c) & 1u) != 0;
        T coefficient = 0;
        if (inside(r0 + row, c0 + column)) {
          coefficient = i < j ? epilogue(i, j, mine.pairs[r][c], true, mine.sums)
                              : epilogue(j, i, mine.pairs[r][c], false, mine.sums);
        }
        const T kept = near_pair ? T(0) : coefficient;
        across += kept;
        down[c] += kept;
        if (r0 + row < panel.rows && c0 + column < panel.columns) {
          const Index at = (r0 + row) * panel.stride + c0 + column;
          panel.products[at] = kept;
          if (near_pair) panel.near_coefficients[at] = coefficient;
        }
      }
      shared.coefficients.rows[thread % side][row] = across;
    }
    LDMAT_UNROLL
    for (int c = 0; c < micro; ++c) {
      shared.coefficients.columns[thread / side][thread % side + side * c] = down[c];
    }
  }
};

}  // namespace ldmat::detail::cuda
