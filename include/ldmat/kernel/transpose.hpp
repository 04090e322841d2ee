#pragma once

#include <ldmat/kernel/simd.hpp>

namespace ldmat::detail {

/// to (columns x rows) = from^T (rows x columns), both with neighbouring columns.
template <class Arch, class T>
void transpose(Index rows, Index columns, const T* from, Index from_stride, T* to,
               Index to_stride) noexcept {
  constexpr Index side = square<T, Arch>;
  const Index whole_rows = rows / side * side;
  const Index whole_columns = columns / side * side;
  for (Index k = 0; k < whole_columns; k += side) {
    for (Index i = 0; i < whole_rows; i += side) {
      transpose_square<T, Arch>(from + i * from_stride + k, from_stride, to + k * to_stride + i,
                                to_stride);
    }
  }
  for (Index i = 0; i < rows; ++i) {
    for (Index k = i < whole_rows ? whole_columns : 0; k < columns; ++k) {
      to[k * to_stride + i] = from[i * from_stride + k];
    }
  }
}

}  // namespace ldmat::detail
