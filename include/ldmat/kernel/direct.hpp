#pragma once

#include <ldmat/kernel/epilogue.hpp>
#include <ldmat/kernel/multiply.hpp>

#include <algorithm>

/// Any metric, by differences: exact for near-duplicates, best for a small dimension. A strip of
/// rows against a block of columns at a time, in three passes over a strip of sums that stays in
/// the first cache: sums over components, epilogue, gradient. Features lie one component behind
/// the other, so that a pack holds the same component of neighbouring samples.

namespace ldmat::detail {

/// `x` holds component k of sample i at x[k * stride + i]; `g`, of the same layout, must be zero at
/// first and receives the gradient of the penalty sum. Both are padded by `padding`.
template <class Arch, bool WithGradient, class T, Metric M, Penalty P, class Target>
class DirectKernel {
  using V = Pack<T, Arch>;
  static constexpr int lanes = PackTraits<V>::size;
  static constexpr int rows = 4;   ///< of a strip: what registers hold in both passes
  static constexpr int packs = 2;  ///< columns of one step of the first pass

 public:
  static constexpr Index padding = packs * lanes;
  /// Most columns of a block, a multiple of every number of lanes.
  static constexpr Index most_columns = 512;
  static constexpr Index strip_stride = most_columns + padding;
  static constexpr Index scratch_size = rows * strip_stride;

  const T* x;
  T* g;
  Index width;
  Index stride;
  const M& metric;
  const P& penalty;
  const Target& target;

  /// The pairs i < j of rows i in [row_begin, row_end) and columns j in [begin, end), at most
  /// `most_columns` of them, `begin` a multiple of the lanes. Writes to g only there, and past end
  /// only where `end` is not a multiple of the lanes.
  PairSums operator()(Index row_begin, Index row_end, Index begin, Index end,
                      T* strip) const noexcept {
    Epilogue<Arch, WithGradient, T, M, P, Target> epilogue(metric, penalty, target);
    for (Index i = row_begin; i < row_end && i + 1 < end; i += rows) {
      const Index count = std::min<Index>(rows, row_end - i);
      const Index first = std::max(begin, (i + 1) / lanes * lanes);
      sum_components(i, first, end, strip);
      for (Index r = 0; r < count; ++r) {
        const Index from = std::min(std::max(first, i + r + 1), end);
        epilogue.row(i + r, first, from, end, strip + r * strip_stride);
      }
      if constexpr (WithGradient) {
        for (Index r = count; r < rows; ++r) {
          std::fill_n(strip + r * strip_stride, end - first + lanes, T(0));
        }
        add_gradient(i, count, first, end, strip);
      }
    }
    return epilogue.take_sums();
  }

 private:
  void sum_components(Index i, Index first, Index end, T* strip) const noexcept {
    for (Index j = first; j < end; j += packs * lanes) {
      V sum[rows * packs];
      unrolled<rows * packs>(
          [&](auto at) LDMAT_ALWAYS_INLINE_LAMBDA { sum[at] = math::constant<V>(0); });
      for (Index k = 0; k < width; ++k) {
        const T* const component = x + k * stride;
        V right[packs];
        unrolled<packs>([&](auto p) LDMAT_ALWAYS_INLINE_LAMBDA {
          right[p] = read<V>(component + j + p * lanes);
        });
        unrolled<rows>([&](auto r) LDMAT_ALWAYS_INLINE_LAMBDA {
          const V left(component[i + r]);
          unrolled<packs>([&](auto p) LDMAT_ALWAYS_INLINE_LAMBDA {
            constexpr int at = r * packs + p;
            sum[at] = metric.accumulate(sum[at], V(left - right[p]));
          });
        });
      }
      unrolled<rows * packs>([&](auto at) LDMAT_ALWAYS_INLINE_LAMBDA {
        write(strip + (at / packs) * strip_stride + (j - first) + (at % packs) * lanes, sum[at]);
      });
    }
  }

  /// g_i += c_ij direction(x_i - x_j) and g_j -= the same, for the coefficients c of the strip.
  void add_gradient(Index i, Index count, Index first, Index end, const T* strip) const noexcept {
    for (Index k = 0; k < width; ++k) {
      const T* const component = x + k * stride;
      T* const gradient = g + k * stride;
      V left[rows];
      V row_gradient[rows];
      unrolled<rows>([&](auto r) LDMAT_ALWAYS_INLINE_LAMBDA {
        left[r] = V(component[i + r]);
        row_gradient[r] = math::constant<V>(0);
      });
      for (Index j = first; j < end; j += lanes) {
        const V right = read<V>(component + j);
        V column_gradient = read<V>(gradient + j);
        unrolled<rows>([&](auto r) LDMAT_ALWAYS_INLINE_LAMBDA {
          const V coefficient = read<V>(strip + r * strip_stride + (j - first));
          const V direction = metric.direction(V(left[r] - right));
          row_gradient[r] = multiply_add(coefficient, direction, row_gradient[r]);
          column_gradient = subtract_product(coefficient, direction, column_gradient);
        });
        write(gradient + j, column_gradient);
      }
      for (Index r = 0; r < count; ++r) gradient[i + r] += sum_of(row_gradient[r]);
    }
  }
};

}  // namespace ldmat::detail
