#pragma once

#include <ldmat/config.hpp>

#include <cstddef>

namespace ldmat {

using Index = std::ptrdiff_t;

/// A matrix somewhere in memory: element (i, k) is data[i * row_stride + k * column_stride].
template <class T>
struct MatrixView {
  T* data = nullptr;
  Index rows = 0;
  Index columns = 0;
  Index row_stride = 0;
  Index column_stride = 1;

  LDMAT_HOST_DEVICE T& operator()(Index i, Index k) const {
    return data[i * row_stride + k * column_stride];
  }
};

}  // namespace ldmat
