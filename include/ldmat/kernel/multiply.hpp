#pragma once

#include <ldmat/kernel/simd.hpp>

#include <utility>

/// The matrix product of the gram kernel: one register tile, and the loops around it.

namespace ldmat::detail {

/// Calls f(0), f(1), ..., f(Count - 1) with numbers known at compile time.
template <int Count, class F>
LDMAT_ALWAYS_INLINE void unrolled(const F& f) {
  [&]<int... Number>(std::integer_sequence<int, Number...>) LDMAT_ALWAYS_INLINE_LAMBDA {
    (f(std::integral_constant<int, Number>{}), ...);
  }
  (std::make_integer_sequence<int, Count>{});
}

/// A matrix in memory: element (i, k) is data[i * row + k * step].
template <class T>
struct Factor {
  const T* data;
  Index row;
  Index step;
};

/// How many accumulators a product holds in registers: `rows` rows of `packs` packs. Of 16 vector
/// registers, 12 leave room for two packs of b and one element of a; of 32, 24 do.
template <class T, class Arch>
struct RegisterTile {
  static constexpr int rows = registers<Arch> >= 32 ? 12 : 6;
  static constexpr int packs = 2;
  static constexpr Index lanes = PackTraits<Pack<T, Arch>>::size;
  static constexpr Index columns = packs * lanes;
};

/// c = a b, or c += a b: `rows` x (packs of columns) of c, whose rows are c_row apart; b's rows are
/// b_row apart.
template <class Arch, int Rows, int Packs, class T>
LDMAT_ALWAYS_INLINE void multiply_tile(Index depth, Factor<T> a, const T* b, Index b_row, T* c,
                                       Index c_row, bool add) noexcept {
  using V = Pack<T, Arch>;
  constexpr int lanes = PackTraits<V>::size;
  constexpr int groups = (Rows + 2) / 3;
  V sum[Rows * Packs];
  unrolled<Rows * Packs>([&](auto at) LDMAT_ALWAYS_INLINE_LAMBDA { sum[at] = V(T(0)); });
  // One pointer for three rows of a: what an address can hold without more registers.
  const T* from[groups];
  unrolled<groups>([&](auto group)
                       LDMAT_ALWAYS_INLINE_LAMBDA { from[group] = a.data + 3 * group * a.row; });
  for (Index k = 0; k < depth; ++k) {
    V right[Packs];
    unrolled<Packs>([&](auto p) LDMAT_ALWAYS_INLINE_LAMBDA { right[p] = read<V>(b + p * lanes); });
    unrolled<Rows>([&](auto r) LDMAT_ALWAYS_INLINE_LAMBDA {
      const V left(from[r / 3][(r % 3) * a.row]);
      unrolled<Packs>([&](auto p) LDMAT_ALWAYS_INLINE_LAMBDA {
        sum[r * Packs + p] = multiply_add(left, right[p], sum[r * Packs + p]);
      });
    });
    unrolled<groups>([&](auto group) LDMAT_ALWAYS_INLINE_LAMBDA { from[group] += a.step; });
    b += b_row;
  }
  unrolled<Rows>([&](auto r) LDMAT_ALWAYS_INLINE_LAMBDA {
    T* const to = c + r * c_row;
    unrolled<Packs>([&](auto p) LDMAT_ALWAYS_INLINE_LAMBDA {
      const V total = sum[r * Packs + p];
      write(to + p * lanes, add ? V(read<V>(to + p * lanes) + total) : total);
    });
  });
}

}  // namespace ldmat::detail
