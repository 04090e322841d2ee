#pragma once

#include <ldmat/cuda/kernel/direct.hpp>
#include <ldmat/cuda/kernel/features.hpp>
#include <ldmat/cuda/kernel/gram.hpp>

#include <algorithm>
#include <cstddef>

/// The memory of a call: one allocation, cut into pieces whose sizes follow from the shape alone.

namespace ldmat::detail::cuda {

/// Hands out the pieces of an allocation; without one it only counts, so that a size and the pieces
/// come from the same lines.
class Arena {
 public:
  static constexpr std::size_t alignment = 256;

  explicit Arena(void* base = nullptr) : base_(static_cast<std::byte*>(base)) {}

  template <class T>
  T* take(Index count) {
    const std::size_t at = used_;
    const auto size = static_cast<std::size_t>(count) * sizeof(T);
    used_ += (size + alignment - 1) / alignment * alignment;
    return base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + at);
  }
  std::size_t used() const { return used_; }

 private:
  std::byte* base_;
  std::size_t used_ = 0;
};

/// What the sizes of a call follow from.
struct CallShape {
  Index n = 0;
  Index d = 0;
  Index width = 0;    ///< of packed features
  bool gram = false;  ///< by products
  bool gradient = false;
  Index classes = 0;        ///< of tables; 0: none
  bool observe = false;     ///< for an adaptive regularizer
  Index label_width = 0;    ///< of packed label vectors; 0: none
  std::size_t window = 0;   ///< bytes that the slots of a window of games may take
  Index panel_rows = 0;     ///< of a panel of products
  std::size_t library = 0;  ///< bytes that the products' library wants
};

/// Row to row of features, so that rows begin where a library reads them fastest.
constexpr Index feature_stride(Index width) {
  return (width + 3) / 4 * 4;
}

/// Rounds of a window: as many as fit, and at least one.
template <class T, bool Wide>
Index window_rounds(const CallShape& shape) {
  using Tile = DirectTile<T, Wide>;
  const Index tiles = Tile::tiles(shape.n);
  const Index sums = 3 * tiles * static_cast<Index>(sizeof(double));
  // Counted without gradient too, so that a call needs no more than with one.
  const Index slot = shape.width * tiles * Tile::size * static_cast<Index>(sizeof(T));
  const auto fit = static_cast<Index>(shape.window) / std::max<Index>(sums + slot, 1);
  return std::clamp<Index>(fit, 1, std::max<Index>(tiles, 1));
}

/// Whether sums over components are sums of sums.
constexpr bool is_wide(Index width) {
  return width > 64;
}

template <class T>
struct CallMemory {
  Report* report;
  TargetFacts<T>* facts;
  std::int64_t* labels;
  T* ids;
  Id<T>* index;
  std::int64_t* samples;
  T* distances;
  T* weights;
  std::int64_t* observed;
  T* label_vectors;
  T* label_inverse_norms;
  double* row_sums;

  T* packed;
  T* inverse_norms;
  T* gradient;

  // By differences.
  Index rounds;
  double* game_sums;
  T* slots;

  // By products.
  T* mean_parts;
  T* mean;
  T* centred;
  T* norms;
  T* coefficient_sums;
  Index panel_rows;
  GramPanel<T> panel;
  void* library;

  CallMemory(Arena& arena, const CallShape& shape) {
    const Index n = shape.n;
    const Index k = shape.classes;
    const Index pairs = k * k;
    report = arena.take<Report>(1);
    facts = arena.take<TargetFacts<T>>(1);
    labels = arena.take<std::int64_t>(n);
    ids = arena.take<T>(n);
    index = arena.take<Id<T>>(k > 0 ? n : 0);
    samples = arena.take<std::int64_t>(k);
    distances = arena.take<T>(pairs);
    weights = arena.take<T>(pairs);
    observed = arena.take<std::int64_t>(shape.observe ? pairs * ExactSum<T>::bins : 0);
    label_vectors = arena.take<T>(shape.label_width * n);
    label_inverse_norms = arena.take<T>(shape.label_width > 0 ? n : 0);
    row_sums = arena.take<double>(n);
    packed = arena.take<T>(n * feature_stride(shape.width));
    inverse_norms = arena.take<T>(n);
    if (shape.gram) {
      take_gram(arena, shape);
    } else if (is_wide(shape.width)) {
      take_direct<true>(arena, shape);
    } else {
      take_direct<false>(arena, shape);
    }
  }

 private:
  template <bool Wide>
  void take_direct(Arena& arena, const CallShape& shape) {
    using Tile = DirectTile<T, Wide>;
    const Index tiles = Tile::tiles(shape.n);
    const Index slot = shape.gradient ? shape.width * tiles * Tile::size : Index{0};
    rounds = window_rounds<T, Wide>(shape);
    gradient = arena.take<T>(slot);
    game_sums = arena.take<double>(3 * rounds * tiles);
    slots = arena.take<T>(rounds * slot);
  }

  void take_gram(Arena& arena, const CallShape& shape) {
    const Index n = shape.n;
    gradient = arena.take<T>(shape.gradient ? n * feature_stride(shape.width) : 0);
    mean_parts = arena.take<T>(blocks_for(n, SumColumns<T>::chunk) * shape.width);
    mean = arena.take<T>(shape.width);
    centred = arena.take<T>(n * feature_stride(shape.width));
    norms = arena.take<T>(n);
    coefficient_sums = arena.take<T>(n);
    panel_rows = shape.panel_rows;
    const Index rows = std::min(n, shape.panel_rows);
    const Index tiles = GramTile::tiles(rows);
    const Index stride = tiles * GramTile::size;
    panel = {};
    panel.stride = stride;
    panel.products = arena.take<T>(rows * stride);
    panel.near_coefficients = arena.take<T>(rows * stride);
    panel.row_sums = arena.take<T>(tiles * stride);
    panel.column_sums = arena.take<T>(tiles * stride);
    panel.row_masks = arena.take<std::uint64_t>(tiles * stride);
    panel.column_masks = arena.take<std::uint64_t>(tiles * stride);
    panel.tile_sums = arena.take<double>(3 * tiles * tiles);
    library = arena.take<std::byte>(static_cast<Index>(shape.library));
  }
};

}  // namespace ldmat::detail::cuda
