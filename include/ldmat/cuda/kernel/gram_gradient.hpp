#pragma once

#include <ldmat/cuda/kernel/gram.hpp>

#if !defined(__CUDACC__)
#include <bit>
#endif

/// From the coefficients of a panel to the gradient, but for the products themselves.

namespace ldmat::detail::cuda {

/// coefficient_sums += the sums of a panel's rows or columns, tile by tile.
template <class T>
struct AddCoefficients {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  const T* tile_sums;  ///< tiles x stride
  Index tiles;
  Index stride;
  Index count;
  T* coefficient_sums;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, count, [&](Index at) {
      T sum = 0;
      for (Index tile = 0; tile < tiles; ++tile) sum += tile_sums[tile * stride + at];
      coefficient_sums[at] += sum;
    });
  }
};

/// gradient_i -= sum over near pairs of c_ij (x_i - x_j), for the rows i of a panel or, transposed, for
/// its columns; the sign is that of the products, which FinishGram takes off. Eight samples a block,
/// 32 threads each.
template <class T>
struct MoveNear {
  static constexpr int threads = block_threads;
  static constexpr int lanes = 32;
  static constexpr int samples = threads / lanes;
  static constexpr int per_lane = 4;
  using Shared = NothingShared;

  MatrixView<const T> features;
  GramPanel<T> panel;
  bool transposed;
  MatrixView<T> gradient;

  static Index blocks(const GramPanel<T>& panel, bool transposed, Index width) {
    return blocks_for(transposed ? panel.columns : panel.rows, samples) *
           blocks_for(width, lanes * per_lane);
  }

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    block.each([&](int thread) {
      const Index count = transposed ? panel.columns : panel.rows;
      const Index groups = blocks_for(count, samples);
      const Index at = block.index() % groups * samples + thread / lanes;
      const Index k = block.index() / groups * lanes * per_lane + thread % lanes;
      if (at < count) move(at, k);
    });
  }

 private:
  LDMAT_KERNEL static int lowest_bit(std::uint64_t mask) {
#if defined(__CUDACC__)
    return __ffsll(static_cast<long long>(mask)) - 1;
#else
    return std::countr_zero(mask);
#endif
  }

  /// Components k, k + 32, ... of one sample.
  LDMAT_KERNEL void move(Index at, Index k) const {
    const Index i = (transposed ? panel.column : panel.row) + at;
    const Index others = transposed ? panel.row : panel.column;
    const std::uint64_t* const masks = transposed ? panel.column_masks : panel.row_masks;
    const Index tiles = transposed ? panel.row_tiles() : panel.column_tiles();
    T total[per_lane] = {};
    bool moved = false;
    for (Index tile = 0; tile < tiles; ++tile) {
      std::uint64_t mask = masks[tile * panel.stride + at];
      if (mask == 0) continue;
      moved = true;
      T part[per_lane] = {};
      for (; mask != 0; mask &= mask - 1) {
        const Index other = tile * GramTile::size + lowest_bit(mask);
        const T coefficient = panel.near_coefficients[transposed ? other * panel.stride + at
                                                                 : at * panel.stride + other];
        LDMAT_UNROLL
        for (int m = 0; m < per_lane; ++m) {
          const Index component = k + m * lanes;
          if (component >= features.columns) break;
          part[m] += coefficient * (features(i, component) - features(others + other, component));
        }
      }
      LDMAT_UNROLL
      for (int m = 0; m < per_lane; ++m) total[m] += part[m];
    }
    if (!moved) return;
    LDMAT_UNROLL
    for (int m = 0; m < per_lane; ++m) {
      const Index component = k + m * lanes;
      if (component < features.columns) gradient(i, component) -= total[m];
    }
  }
};

/// gradient = diag(C 1) centred - gradient.
template <class T>
struct FinishGram {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  MatrixView<const T> centred;
  const T* coefficient_sums;
  MatrixView<T> gradient;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, centred.rows * centred.columns, [&](Index at) {
      const Index i = at / centred.columns;
      const Index k = at % centred.columns;
      gradient(i, k) = coefficient_sums[i] * centred(i, k) - gradient(i, k);
    });
  }
};

}  // namespace ldmat::detail::cuda
