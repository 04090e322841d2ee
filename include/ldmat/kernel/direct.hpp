#pragma once

#include <ldmat/kernel/epilogue.hpp>
#include <ldmat/kernel/layout.hpp>
#include <ldmat/kernel/multiply.hpp>

/// Any metric, by differences: exact for near-duplicates, best for a small dimension. A strip of
/// rows against a block of columns at a time, in three passes over a strip of sums that stays in
/// the first cache: sums over components, epilogue, gradient. Features lie one component behind
/// the other, so that a pack holds the same component of neighbouring samples.

namespace ldmat::detail {

/// The first and the last pass, which know neither target nor penalty. `x` and `g` are of
/// DirectLayout; g receives the gradient of the penalty sum.
template <class Arch, class T, Metric M>
class DirectStrips {
  using V = Pack<T, Arch>;
  using Layout = DirectLayout<T>;
  static constexpr int lanes = PackTraits<V>::size;
  static constexpr int rows = Layout::strip_rows;
  static constexpr int packs = 2;  ///< columns of one step of the first pass
  /// Components of one running sum: longer ones would lose digits, and are sums of sums.
  static constexpr Index depth = 64;

 public:
  const T* x;
  T* g;
  Index width;
  Index stride;
  const M& metric;

  /// sums[r][j - first] = sum over components of a(x_{i + r} - x_j).
  void sum_components(Index i, Index first, Index end, T* sums) const noexcept {
    add_components<false>(i, first, end, 0, std::min(width, depth), sums);
    for (Index k = depth; k < width; k += depth) {
      add_components<true>(i, first, end, k, std::min(width, k + depth), sums);
    }
  }

  /// g_{i + r} += c_rj direction(x_{i + r} - x_j) for r < count, and column_g_j -= the same, for
  /// the coefficients c of the strip. Component k of column_g_j is [k * apart + (j - first)].
  void add_gradient(Index i, Index count, Index first, Index end, const T* coefficients,
                    T* column_g, Index apart) const noexcept {
    for (Index k = 0; k < width; ++k) {
      const T* const component = x + k * stride;
      T* const column_gradients = column_g + k * apart;
      V left[rows];
      V row_gradient[rows];
      unrolled<rows>([&](auto r) LDMAT_ALWAYS_INLINE_LAMBDA {
        left[r] = V(component[i + r]);
        row_gradient[r] = math::constant<V>(0);
      });
      for (Index j = first; j < end; j += lanes) {
        const V right = in_register(read<V>(component + j));
        V column_gradient = read<V>(column_gradients + (j - first));
        unrolled<rows>([&](auto r) LDMAT_ALWAYS_INLINE_LAMBDA {
          const V coefficient =
              in_register(read<V>(coefficients + r * Layout::strip_stride + (j - first)));
          const V direction = metric.direction(V(left[r] - right));
          row_gradient[r] = multiply_add(coefficient, direction, row_gradient[r]);
          column_gradient = subtract_product(coefficient, direction, column_gradient);
        });
        write(column_gradients + (j - first), column_gradient);
      }
      for (Index r = 0; r < count; ++r) g[k * stride + i + r] += sum_of(row_gradient[r]);
    }
  }

  /// g += the gradient of the columns [begin, end) that strips have been added to. One strip of the
  /// batch after the other, added to g itself, would lose digits.
  void add_column_gradient(Index begin, Index end, const T* column_g, Index apart) const noexcept {
    for (Index k = 0; k < width; ++k) {
      T* const gradient = g + k * stride + begin;
      for (Index j = 0; j < end - begin; ++j) gradient[j] += column_g[k * apart + j];
    }
  }

 private:
  template <bool Add>
  void add_components(Index i, Index first, Index end, Index k_begin, Index k_end,
                      T* sums) const noexcept {
    for (Index j = first; j < end; j += packs * lanes) {
      V sum[rows * packs];
      unrolled<rows * packs>([&](auto at)
                                 LDMAT_ALWAYS_INLINE_LAMBDA { sum[at] = math::constant<V>(0); });
      for (Index k = k_begin; k < k_end; ++k) {
        const T* const component = x + k * stride;
        V right[packs];
        unrolled<packs>([&](auto p) LDMAT_ALWAYS_INLINE_LAMBDA {
          right[p] = in_register(read<V>(component + j + p * lanes));
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
        T* const to =
            sums + (at / packs) * Layout::strip_stride + (j - first) + (at % packs) * lanes;
        write(to, Add ? V(read<V>(to) + sum[at]) : sum[at]);
      });
    }
  }
};

/// The pairs i < j of rows i in [row_begin, row_end) and columns j in [begin, end), at most
/// Layout::columns of them, `begin` a multiple of the lanes. Writes to g only there. `scratch` holds
/// Layout::scratch_size.
template <bool WithGradient, class Arch, class T, Metric M>
void direct_pairs(const DirectStrips<Arch, T, M>& strips, Index row_begin, Index row_end,
                  Index begin, Index end, T* scratch, const RowEpilogue<Arch, T>& epilogue,
                  Totals<Pack<T, Arch>>& totals) noexcept {
  using Layout = DirectLayout<T>;
  constexpr Index rows = Layout::strip_rows;
  constexpr Index lanes = PackTraits<Pack<T, Arch>>::size;
  T* const strip = scratch;
  T* const column_g = scratch + Layout::strip_size;
  const Index apart = round_up(end - begin, lanes);
  if constexpr (WithGradient) std::fill_n(column_g, strips.width * apart, T(0));
  for (Index i = row_begin; i < row_end && i + 1 < end; i += rows) {
    const Index count = std::min<Index>(rows, row_end - i);
    const Index first = std::max(begin, (i + 1) / lanes * lanes);
    strips.sum_components(i, first, end, strip);
    for (Index r = 0; r < count; ++r) {
      const Index from = std::min(std::max(first, i + r + 1), end);
      epilogue(i + r, first, from, end, strip + r * Layout::strip_stride, totals);
    }
    if constexpr (WithGradient) {
      for (Index r = count; r < rows; ++r) {
        std::fill_n(strip + r * Layout::strip_stride, end - first + lanes, T(0));
      }
      strips.add_gradient(i, count, first, end, strip, column_g + (first - begin), apart);
    }
  }
  if constexpr (WithGradient) strips.add_column_gradient(begin, end, column_g, apart);
}

}  // namespace ldmat::detail
