#pragma once

#include <ldmat/config.hpp>

#include <cstddef>

namespace ldmat {

/// Of rows, columns and samples; that of Eigen.
using Index = std::ptrdiff_t;

/// A matrix somewhere in memory: element (i, k) is data[i * row_stride + k * column_stride].
template <class T>
struct MatrixView {
  T* data = nullptr;        ///< element (0, 0); borrowed
  Index rows = 0;           ///< one per sample
  Index columns = 0;        ///< one per component
  Index row_stride = 0;     ///< elements from a row to the next
  Index column_stride = 1;  ///< elements from a column to the next

  /// Element (i, k), unchecked.
  LDMAT_HOST_DEVICE T& operator()(Index i, Index k) const {
    return data[i * row_stride + k * column_stride];
  }
};

}  // namespace ldmat
