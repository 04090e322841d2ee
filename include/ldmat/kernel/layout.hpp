#pragma once

#include <ldmat/kernel/sums.hpp>

#include <algorithm>
#include <atomic>
#include <thread>

/// How kernels keep a batch: sizes that hold for every instruction set, so that whoever allocates
/// need not know for which one a kernel was compiled.

namespace ldmat::detail {

constexpr Index round_up(Index count, Index step) {
  return (count + step - 1) / step * step;
}

/// Elements of the widest pack, 64 bytes.
template <class T>
inline constexpr Index widest = static_cast<Index>(64 / sizeof(T));

/// A batch for the direct kernel: component k of sample i at [k * stride + i].
template <class T>
struct DirectLayout {
  /// What may be read and written behind the last sample: two packs.
  static constexpr Index padding = 2 * widest<T>;
  static constexpr Index strip_rows = 4;
  /// Most columns of a strip.
  static constexpr Index most_columns = 512;
  static constexpr Index strip_stride = most_columns + padding;
  static constexpr Index strip_size = strip_rows * strip_stride;

  /// Columns of a block, whose features and gradient stay in the first cache.
  static constexpr Index columns(Index width) {
    return std::clamp<Index>(3072 / std::max<Index>(width, 1) / 64 * 64, 64, most_columns);
  }
  /// A strip and, behind it, the gradient of a block's columns.
  static constexpr Index scratch_size(Index width, bool with_gradient) {
    return strip_size + (with_gradient ? width * columns(width) : 0);
  }

  static constexpr Index stride(Index n) { return round_up(n, widest<T>) + padding; }
};

/// A batch for the gram kernel: `rows`, one sample behind the other, and `panels`, a few neighbouring
/// samples component by component, which is the order that inner products read them in. Both are
/// padded with zeros.
template <class T>
struct GramLayout {
  /// Whole register tiles of every instruction set fit into this many samples, both ways.
  static constexpr Index unit = 96;
  /// Rows of a tile; a block of rows no larger than `most` is one tile.
  static constexpr Index tile = unit;
  static constexpr Index most = 2 * unit;
  /// Row to row in a tile: no power of two, which would put a column into few sets of a cache.
  static constexpr Index tile_stride = most + 16;
  static constexpr Index scratch_size = most * tile_stride;

  static constexpr Index padded_rows(Index n) { return round_up(n, unit); }
  /// Row to row; no power of two either.
  static constexpr Index stride(Index width) {
    const Index whole = round_up(width, widest<T>);
    return whole % 128 == 0 ? whole + widest<T> : whole;
  }
  /// Components of a panel.
  static constexpr Index panel_depth(Index width) { return round_up(width, 4); }
};

/// What is computed by one thread at a time: the pairs of two blocks of this many samples. Enough
/// blocks for many threads, but rows long enough to be worth starting.
template <class T>
LDMAT_ALWAYS_INLINE Index block_rows(bool gram, Index n) {
  if (gram && n <= GramLayout<T>::most) return GramLayout<T>::most;
  const Index unit = gram ? GramLayout<T>::unit : 256;
  const Index most = gram ? 4 * unit : DirectLayout<T>::most_columns;
  return std::clamp(round_up(n / 16, unit), unit, most);
}
template <class T>
LDMAT_ALWAYS_INLINE Index block_count(bool gram, Index n) {
  const Index rows = block_rows<T>(gram, n);
  return (n + rows - 1) / rows;
}

/// How far a block is, and the sums of the games in which it was the first: for each block the same
/// ones in the same order, whichever thread plays them.
struct BlockState {
  PairSums sums;
  std::atomic<Index> rounds{0};

  LDMAT_ALWAYS_INLINE void wait_for(Index round) const noexcept {
    while (rounds.load(std::memory_order_acquire) < round) std::this_thread::yield();
  }
  LDMAT_ALWAYS_INLINE void finish(Index round) noexcept {
    rounds.store(round + 1, std::memory_order_release);
  }
};

/// A batch in one of these layouts, and the memory to compute in.
template <class T>
struct PackedBatch {
  bool gram = false;
  Index n = 0;
  Index width = 0;
  MatrixView<const T> features;  ///< gram: n rows of neighbouring components, not padded
  T* gradient = nullptr;         ///< zero at first; null without gradient. Padded; gram: rows

  T* rows = nullptr;    ///< gram: centred features, written by the kernel, as all that follows
  T* panels = nullptr;  ///< gram
  T* mean = nullptr;    ///< gram: stride
  T* norms = nullptr;   ///< gram: padded rows and one more pack
  T* coefficient_sums = nullptr;  ///< gram, with gradient: the same; zero at first

  BlockState* blocks = nullptr;  ///< memory for one per block
  T* scratch = nullptr;          ///< threads x scratch_apart
  Index scratch_apart = 0;
  int threads = 1;
};

}  // namespace ldmat::detail
