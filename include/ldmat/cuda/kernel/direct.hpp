#pragma once

#include <ldmat/cuda/kernel/pairs.hpp>

/// Any metric, by differences. The batch is cut into tiles; in each round a tile meets one other, or
/// itself, so that a round's games never add to the same rows, and after as many rounds as there are
/// tiles every pair of samples has been seen once. A window of rounds is one launch, one block per
/// game: it leaves the gradient of its rows and of its columns in the slots of its round, which are then
/// added up in the order of the rounds. Nothing depends on which block comes first, and the memory is
/// that of one window.

namespace ldmat::detail::cuda {

/// Sizes of a tile. With `Wide`, for more than 64 components, sums over components are sums of sums, and
/// a thread has fewer pairs to leave it the registers.
template <class T, bool Wide>
struct DirectTile {
  static constexpr int side = 16;                                ///< threads, both ways
  static constexpr int micro = sizeof(T) == 4 && !Wide ? 8 : 4;  ///< pairs of a thread, both ways
  static constexpr int size = side * micro;                      ///< samples
  static constexpr int depth = 16;                               ///< components at a time

  LDMAT_HOST_DEVICE static constexpr Index tiles(Index n) { return blocks_for(n, size); }
};

template <class T, bool Wide, bool WithGradient, class M, class P, class Source>
struct DirectGames {
  using Tile = DirectTile<T, Wide>;
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
    union {
      double sums[3][threads];
      Parts gradient;
    };
  };
  struct Mine {
    T pairs[micro][micro];  ///< sums over components, then coefficients
  };

  MatrixView<const T> features;
  M metric;
  P penalty;
  Source source;
  Observer observer;
  Index tiles;
  Index first_round;
  Index rounds;       ///< of this window
  double* game_sums;  ///< 3 x rounds x tiles
  T* slots;           ///< rounds x width x stride
  Index stride;       ///< >= tiles * size

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    const Index round = block.index() / tiles;
    const Index left = block.index() % tiles;
    const Index right = opponent(left, first_round + round, tiles);
    if (right < left) return;  // the other one's game
    const Index i0 = left * size;
    const Index j0 = right * size;
    const Index width = features.columns;

    typename Block::template PerThread<Mine> mine(block);
    block.each([&](int thread) {
      for (auto& row : mine[thread].pairs) {
        for (T& sum : row) sum = 0;
      }
    });
    for (Index k = 0; k < width; k += depth) {
      load(block, shared, i0, j0, k);
      block.each([&](int thread) { accumulate(shared, width - k, thread, mine[thread]); });
    }
    block.each([&](int thread) { finish_pairs(shared, i0, j0, thread, mine[thread]); });
    sum_over_threads(block, shared.sums);
    block.each([&](int thread) {
      if (thread < 3) {
        game_sums[thread * rounds * tiles + block.index()] = shared.sums[thread][0];
      }
    });
    if constexpr (WithGradient) {
      T* const to = slots + round * width * stride;
      for (Index k = 0; k < width; k += depth) {
        if (width > depth) load(block, shared, i0, j0, k);
        const int count = width - k < depth ? static_cast<int>(width - k) : depth;
        for (int c = 0; c < count; ++c) {
          block.each([&](int thread) { move(shared, c, thread, mine[thread]); });
          block.each([&](int thread) {
            write(shared, thread, left == right, to + (k + c) * stride + i0,
                  to + (k + c) * stride + j0);
          });
        }
      }
    }
  }

 private:
  /// Components k, k + 1, ... of both tiles; zeros behind the last component and sample.
  template <class Block>
  LDMAT_KERNEL void load(Block& block, Shared& shared, Index i0, Index j0, Index k) const {
    block.each([&](int thread) {
      load_tile<threads>(features, i0, features.rows, k, thread, shared.rows);
      load_tile<threads>(features, j0, features.rows, k, thread, shared.columns);
    });
  }

  LDMAT_KERNEL void accumulate(const Shared& shared, Index left, int thread, Mine& mine) const {
    const int row = thread / side;
    const int column = thread % side;
    const int count = left < depth ? static_cast<int>(left) : depth;
    if constexpr (Wide) {
      T part[micro][micro] = {};
      add_components(shared, row, column, count, part);
      LDMAT_UNROLL
      for (int r = 0; r < micro; ++r) {
        LDMAT_UNROLL
        for (int c = 0; c < micro; ++c) mine.pairs[r][c] += part[r][c];
      }
    } else {
      add_components(shared, row, column, count, mine.pairs);
    }
  }

  LDMAT_KERNEL void add_components(const Shared& shared, int row, int column, int count,
                                   T (&pairs)[micro][micro]) const {
    for (int k = 0; k < count; ++k) {
      T right[micro];
      LDMAT_UNROLL
      for (int c = 0; c < micro; ++c) right[c] = shared.columns[k][column + side * c];
      LDMAT_UNROLL
      for (int r = 0; r < micro; ++r) {
        const T left = shared.rows[k][row + side * r];
        LDMAT_UNROLL
        for (int c = 0; c < micro; ++c) {
          pairs[r][c] = metric.accumulate(pairs[r][c], left - right[c]);
        }
      }
    }
  }

  LDMAT_KERNEL void finish_pairs(Shared& shared, Index i0, Index j0, int thread, Mine& mine) const {
    const auto target = source.load();
    const PairEpilogue<T, M, P, decltype(target)> epilogue{metric, penalty, target, observer};
    ThreadSums<T> sums{};
    LDMAT_UNROLL
    for (int r = 0; r < micro; ++r) {
      LDMAT_UNROLL
      for (int c = 0; c < micro; ++c) {
        const Index i = i0 + thread / side + side * r;
        const Index j = j0 + thread % side + side * c;
        T& pair = mine.pairs[r][c];
        pair = i < j && j < features.rows ? epilogue(i, j, pair, true, sums) : T(0);
      }
    }
    shared.sums[0][thread] = static_cast<double>(sums.penalty);
    shared.sums[1][thread] = static_cast<double>(sums.distance);
    shared.sums[2][thread] = static_cast<double>(sums.same_distance);
  }

  /// Component k of what the pairs of a thread add to the gradients of their rows and columns.
  LDMAT_KERNEL void move(Shared& shared, int k, int thread, const Mine& mine) const {
    const int row = thread / side;
    const int column = thread % side;
    T right[micro];
    T down[micro];
    LDMAT_UNROLL
    for (int c = 0; c < micro; ++c) {
      right[c] = shared.columns[k][column + side * c];
      down[c] = 0;
    }
    LDMAT_UNROLL
    for (int r = 0; r < micro; ++r) {
      const T left = shared.rows[k][row + side * r];
      T across = 0;
      LDMAT_UNROLL
      for (int c = 0; c < micro; ++c) {
        const T step = mine.pairs[r][c] * metric.direction(left - right[c]);
        across += step;
        down[c] -= step;
      }
      shared.gradient.rows[column][row + side * r] = across;
    }
    LDMAT_UNROLL
    for (int c = 0; c < micro; ++c) shared.gradient.columns[row][column + side * c] = down[c];
  }

  LDMAT_KERNEL void write(const Shared& shared, int thread, bool diagonal, T* rows,
                          T* columns) const {
    const int at = thread % size;
    const bool down = thread >= size;
    if (down ? diagonal || thread >= 2 * size : false) return;
    T sum = 0;
    if (!down || diagonal) {
      for (int part = 0; part < side; ++part) sum += shared.gradient.rows[part][at];
    }
    if (down || diagonal) {
      for (int part = 0; part < side; ++part) sum += shared.gradient.columns[part][at];
    }
    (down ? columns : rows)[at] = sum;
  }
};

/// gradient += the slots of a window, round by round. The gradient lies one component behind the other,
/// as slots do.
template <class T>
struct AddSlots {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  const T* slots;
  Index rounds;
  Index count;  ///< width x stride
  T* gradient;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, count, [&](Index at) {
      T sum = 0;
      for (Index round = 0; round < rounds; ++round) sum += slots[round * count + at];
      gradient[at] += sum;
    });
  }
};

}  // namespace ldmat::detail::cuda
