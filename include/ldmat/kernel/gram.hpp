#pragma once

#include <ldmat/kernel/direct.hpp>

#include <Eigen/Core>

#include <algorithm>

/// Metrics of |x - y|^2 in many dimensions, by matrix products: a pair of row tiles at a time,
/// S = X_I X_J^T, then in place S -> -C_ij = -w_ij phi'(D_ij - T_ij) slope(D_ij), then
/// G_I += (-C) X_J and G_J += (-C)^T X_I; at the end G += diag(C 1) X. Never more than one tile of
/// S.
///
/// |x_i|^2 + |x_j|^2 - 2 <x_i, x_j> loses digits where it is small against the norms. The features
/// are centred to make the norms small, and every pair below `near` times them is computed again
/// from its differences, value and gradient both.

namespace ldmat::detail {

/// Rows and columns of a tile, and components of one product.
inline constexpr Index gram_tile = 128;

/// to += a * b, all row-major (m x n, m x k, k x n; none above gram_tile): the one product of the
/// kernel, since every other combination of layouts would double what a program has to compile.
/// The bounds in the types keep Eigen's packing buffers off the heap, and with at most 32 rows at a
/// time Eigen does not start OpenMP threads for a tile, which would cost more than they bring.
template <class T>
void add_product(Index m, Index n, Index k, const T* a, Index a_stride, const T* b, Index b_stride,
                 T* to, Index to_stride) noexcept {
  constexpr int side = static_cast<int>(gram_tile);
  constexpr int strip = 32;
  using Left = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, strip, side>;
  using Right = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, side, side>;
  using Stride = Eigen::OuterStride<>;
  const Eigen::Map<const Right, Eigen::Unaligned, Stride> right(b, k, n, Stride(b_stride));
  for (Index i = 0; i < m; i += strip) {
    const Index rows = std::min<Index>(strip, m - i);
    const Eigen::Map<const Left, Eigen::Unaligned, Stride> left(a + i * a_stride, rows, k,
                                                                Stride(a_stride));
    Eigen::Map<Left, Eigen::Unaligned, Stride>(to + i * to_stride, rows, n, Stride(to_stride))
        .noalias() += left * right;
  }
}

/// to (columns x rows) = from^T (rows x columns).
template <class T>
void transpose(Index rows, Index columns, const T* from, Index from_stride, T* to,
               Index to_stride) noexcept {
  for (Index i = 0; i < rows; ++i) {
    for (Index k = 0; k < columns; ++k) to[k * to_stride + i] = from[i * from_stride + k];
  }
}

template <class Arch, bool WithGradient, class T, Metric M, Penalty P, class Target>
class GramKernel {
  static_assert(M::from_squared_norm);
  using V = Pack<T, Arch>;
  static constexpr Index lanes = PackTraits<V>::size;
  static constexpr Index depth = gram_tile;

 public:
  static constexpr Index tile = gram_tile;
  static constexpr Index tile_stride = tile + lanes;
  static constexpr Index scratch_size = (tile + std::max(tile, depth)) * tile_stride;
  /// Pairs with |x_i - x_j|^2 <= near (|x_i|^2 + |x_j|^2) are recomputed. The rounding error of the
  /// product form is some units in the last place of the norms, so that a distance kept at this
  /// bound has lost less than a factor 1 / near of its relative precision.
  static constexpr T near = T(0.03);

  const T* exact;       ///< n rows of `width` components, as given
  Index exact_stride;   ///< from row to row
  const T* centred;     ///< the same minus the batch mean, rows `width` apart
  const T* norms;       ///< |centred_i|^2, padded by one pack
  T* g;                 ///< n x width, zero at first: receives the gradient of the penalty sum
  T* coefficient_sums;  ///< n, zero at first, padded by one pack: scratch
  T* products;          ///< scratch_size: one tile, and one transposed block
  Index n;
  Index width;
  const M& metric;
  const P& penalty;
  const Target& target;

  PairSums operator()() const noexcept {
    PairSums sums;
    for (Index i = 0; i < n; i += tile) {
      for (Index j = i; j < n; j += tile) {
        tile_pair(i, std::min(tile, n - i), j, std::min(tile, n - j), sums);
      }
    }
    if constexpr (WithGradient) {
      for (Index i = 0; i < n; ++i) {
        for (Index k = 0; k < width; ++k) {
          g[i * width + k] += coefficient_sums[i] * centred[i * width + k];
        }
      }
    }
    return sums;
  }

 private:
  void tile_pair(Index i0, Index i_count, Index j0, Index j_count, PairSums& sums) const noexcept {
    T* const transposed = products + tile * tile_stride;
    std::fill(products, products + i_count * tile_stride, T(0));
    for (Index k = 0; k < width; k += depth) {
      const Index count = std::min(depth, width - k);
      transpose(j_count, count, centred + j0 * width + k, width, transposed, tile_stride);
      add_product(i_count, j_count, count, centred + i0 * width + k, width, transposed, tile_stride,
                  products, tile_stride);
    }
    for (Index i = i0; i < i0 + i_count; ++i) {
      const Index begin = std::max(j0, i + 1);
      T* const row_products = products + (i - i0) * tile_stride;
      if constexpr (WithGradient) std::fill(row_products, row_products + (begin - j0), T(0));
      row(i, begin, j0 + j_count, row_products + (begin - j0), sums);
    }
    if constexpr (WithGradient) {
      transpose(i_count, j_count, products, tile_stride, transposed, tile_stride);
      for (Index k = 0; k < width; k += depth) {
        const Index count = std::min(depth, width - k);
        add_product(i_count, count, j_count, products, tile_stride, centred + j0 * width + k, width,
                    g + i0 * width + k, width);
        add_product(j_count, count, i_count, transposed, tile_stride, centred + i0 * width + k,
                    width, g + j0 * width + k, width);
      }
    }
  }

  void row(Index i, Index begin, Index end, T* row_products, PairSums& sums) const noexcept {
    const auto target_row = target.row(i);
    LaneSums<V> lane_sums;
    V coefficients = math::constant<V>(0);
    for (Index j = begin; j < end; j += lanes, row_products += lanes) {
      step(i, j, std::min(lanes, end - j), target_row, row_products, lane_sums, coefficients, sums);
    }
    lane_sums.add_to(sums);
    if constexpr (WithGradient) coefficient_sums[i] += sum_of(coefficients);
  }

  /// Pairs (i, j) to (i, j + count - 1), count <= lanes, whose products stand at `row_products`.
  template <class TargetRow>
  void step(Index i, Index j, Index count, const TargetRow& target_row, T* row_products,
            LaneSums<V>& lane_sums, V& coefficients, PairSums& sums) const noexcept {
    using namespace math;
    const V zero = constant<V>(0);
    const V product = read<V>(row_products);
    const V norm_sum = V(norms[i]) + read<V>(norms + j);
    const V sum = norm_sum - (product + product);
    const Mask<V> valid = first_lanes<V>(count);
    const Mask<V> close = (sum <= V(near) * norm_sum) && valid;
    if (any_of(close)) near_pairs(i, j, count, close, target_row, sums);
    const Mask<V> skip = close || !valid;

    V distance = metric.distance(V(select(skip, constant<V>(1), sum)));
    const PairTarget<V> pair = target_row.template pair<V>(j);
    const Penalized<V> cost = penalty(V(distance - pair.distance), pair.same);
    const V slope = metric.slope(distance);
    distance = select(skip, zero, distance);
    lane_sums.add(select(skip, zero, V(pair.weight * cost.value)), distance, pair.same);
    if constexpr (Target::observes) {
      if (target_row.observing()) observe(target_row, j, count, skip, distance);
    }
    if constexpr (WithGradient) {
      const V coefficient = select(skip, zero, V(pair.weight * cost.slope * slope));
      coefficients = coefficients + coefficient;
      write(row_products, V(zero - coefficient));
      write(coefficient_sums + j, V(read<V>(coefficient_sums + j) + coefficient));
    }
  }

  static bool lane_of(const Mask<V>& mask, Index lane) noexcept {
    if constexpr (std::is_same_v<Mask<V>, bool>) {
      return mask;
    } else {
      return mask.get(static_cast<std::size_t>(lane));
    }
  }

  template <class TargetRow>
  void observe(const TargetRow& target_row, Index j, Index count, const Mask<V>& skip,
               const V& distance) const noexcept {
    alignas(64) T lane[lanes];
    write(lane, distance);
    for (Index l = 0; l < count; ++l) {
      if (!lane_of(skip, l)) target_row.observe(j + l, lane[l]);
    }
  }

  template <class TargetRow>
  void near_pairs(Index i, Index j, Index count, const Mask<V>& which, const TargetRow& target_row,
                  PairSums& sums) const noexcept {
    for (Index l = 0; l < count; ++l) {
      if (lane_of(which, l)) near_pair(i, j + l, target_row, sums);
    }
  }

  /// One pair from its differences, a pack of components at a time.
  template <class TargetRow>
  void near_pair(Index i, Index j, const TargetRow& target_row, PairSums& sums) const noexcept {
    const T* const a = exact + i * exact_stride;
    const T* const b = exact + j * exact_stride;
    V lane_sum = math::constant<V>(0);
    Index k = 0;
    for (; k + lanes <= width; k += lanes) {
      lane_sum = metric.accumulate(lane_sum, V(read<V>(a + k) - read<V>(b + k)));
    }
    T sum = sum_of(lane_sum);
    for (; k < width; ++k) sum = metric.accumulate(sum, a[k] - b[k]);

    const T distance = metric.distance(sum);
    const PairTarget<T> pair = target_row.template pair<T>(j);
    const Penalized<T> cost = penalty(distance - pair.distance, pair.same);
    sums.penalty += static_cast<double>(pair.weight * cost.value);
    sums.distance += static_cast<double>(distance);
    if (pair.same) sums.same_distance += static_cast<double>(distance);
    if constexpr (Target::observes) {
      if (target_row.observing()) target_row.observe(j, distance);
    }
    if constexpr (WithGradient) {
      const T coefficient = pair.weight * cost.slope * metric.slope(distance);
      T* const g_i = g + i * width;
      T* const g_j = g + j * width;
      for (k = 0; k < width; ++k) {
        const T move = coefficient * (a[k] - b[k]);
        g_i[k] += move;
        g_j[k] -= move;
      }
    }
  }
};

}  // namespace ldmat::detail
