#pragma once

#include "net/layer.hpp"

#include <ldmat/kernel/multiply.hpp>

namespace tiny {

template <typename Scalar>
using Factor = ldmat::detail::Factor<Scalar>;  // element (i, k) is data[i * row + k * step]

namespace detail {

using SimdArch = ldmat::detail::DefaultArch;

// The rows of one stripe of columns, as many at a time as fit the registers.
template <int Packs, typename Scalar>
void stripe_product(Index rows, Index depth, Factor<Scalar> a, const Scalar* b, Index b_row,
                    Scalar* c, Index c_row, bool add) {
  constexpr int most = ldmat::detail::RegisterTile<Scalar, SimdArch>::rows;
  const auto tiles = [&]<int Rows>(std::integral_constant<int, Rows>) {
    if constexpr (Rows <= most) {
      for (; rows >= Rows; rows -= Rows) {
        ldmat::detail::multiply_tile<SimdArch, Rows, Packs>(depth, a, b, b_row, c, c_row, add);
        a.data += Rows * a.row;
        c += Rows * c_row;
      }
    }
  };
  tiles(std::integral_constant<int, 12>());
  tiles(std::integral_constant<int, 8>());
  tiles(std::integral_constant<int, 6>());
  tiles(std::integral_constant<int, 4>());
  tiles(std::integral_constant<int, 2>());
  tiles(std::integral_constant<int, 1>());
}

}  // namespace detail

// c = a b or c += a b in the register tiles of the library's own gram kernel: c is rows x columns
// with rows c_row apart, b depth x columns with rows b_row apart. For the small, strided products
// that convolutions are made of, which a general product would first have to copy together.
// Columns beyond the last whole vector are computed one by one.
template <typename Scalar>
void product(Index rows, Index columns, Index depth, Factor<Scalar> a, const Scalar* b, Index b_row,
             Scalar* c, Index c_row, bool add) {
  constexpr Index lanes = ldmat::detail::RegisterTile<Scalar, detail::SimdArch>::lanes;
  Index column = 0;
  for (; column + 2 * lanes <= columns; column += 2 * lanes) {
    detail::stripe_product<2>(rows, depth, a, b + column, b_row, c + column, c_row, add);
  }
  for (; column + lanes <= columns; column += lanes) {
    detail::stripe_product<1>(rows, depth, a, b + column, b_row, c + column, c_row, add);
  }
  if (column == columns) return;
  for (Index i = 0; i < rows; ++i) {
    for (Index j = column; j < columns; ++j) {
      Scalar sum = add ? c[i * c_row + j] : Scalar(0);
      for (Index k = 0; k < depth; ++k) sum += a.data[i * a.row + k * a.step] * b[k * b_row + j];
      c[i * c_row + j] = sum;
    }
  }
}

}  // namespace tiny
