#pragma once

#include <ldmat/shape.hpp>

namespace ldmat::detail::cuda {

/// c (m x n, rows c_stride apart) = or += op(a) op(b), with k terms in each sum; op transposes where it
/// says so. All by rows. What a device's `multiply` is given.
template <class T>
struct Product {
  Index m;
  Index n;
  Index k;
  const T* a;
  Index a_stride;
  bool a_transposed;
  const T* b;
  Index b_stride;
  bool b_transposed;
  T* c;
  Index c_stride;
  bool add;
};

}  // namespace ldmat::detail::cuda
