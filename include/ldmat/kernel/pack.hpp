#pragma once

#include <ldmat/kernel/convert.hpp>
#include <ldmat/kernel/transpose.hpp>
#include <ldmat/metric.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

/// Features as kernels want them: in the accumulator's type, one row or one column behind the
/// other, and of unit norm for a metric of directions. The gradient goes the same way back.

namespace ldmat::detail {

/// Unit vectors along the rows of `features`, and 1 / |row|: see packed_width.
template <class S, class T>
void pack_directions(MatrixView<const S> features, MatrixView<T> packed,
                     T* inverse_norms) noexcept {
  const Index d = features.columns;
  for (Index i = 0; i < features.rows; ++i) {
    // Scaled by the largest component, squares can't overflow. A row so small that its inverse norm
    // would, has no direction either.
    double largest = 0;
    for (Index k = 0; k < d; ++k) {
      const double size = std::abs(static_cast<double>(static_cast<T>(features(i, k))));
      if (!(size <= largest) && !std::isnan(largest)) largest = size;
    }
    const bool zero = largest < static_cast<double>(std::numeric_limits<T>::min());
    // Some components at a time, one behind the other: compilers would fuse the products of one
    // layout of the features and not those of another, and the same sample would have other bits.
    double sum = 0;
    for (Index k = 0; k < d; k += 64) {
      double some[64];
      const Index count = std::min<Index>(64, d - k);
      for (Index c = 0; c < count; ++c) {
        some[c] = static_cast<double>(static_cast<T>(features(i, k + c))) / largest;
      }
      for (Index c = 0; c < count; ++c) sum += some[c] * some[c];
    }
    const double norm = std::sqrt(sum);
    inverse_norms[i] = zero ? T(0) : static_cast<T>(1 / norm / largest);
    for (Index k = 0; k < d; ++k) {
      const auto x = static_cast<double>(static_cast<T>(features(i, k)));
      packed(i, k) = zero ? T(0) : static_cast<T>(x / largest / norm);
    }
    packed(i, d) = zero ? T(1) : T(0);
  }
}

/// Copies `features` into `packed` (n x packed_width, neighbouring rows or neighbouring columns). For
/// a metric of directions also fills `inverse_norms` (n), with 0 for a row of zeros. O(n d).
template <Metric M, class S, class T, class Backend = DefaultBackend>
void pack_features(MatrixView<const S> features, MatrixView<T> packed, T* inverse_norms) noexcept {
  const Index n = features.rows;
  const Index d = features.columns;
  if constexpr (M::of_directions) {
    pack_directions(features, packed, inverse_norms);
    return;
  }
  if (n == 0 || d == 0) return;  // there may be no memory to refer to
  if (packed.column_stride == 1 && features.column_stride == 1) {
    for (Index i = 0; i < n; ++i) convert<Backend>(d, &features(i, 0), &packed(i, 0));
    return;
  }
  if (packed.row_stride == 1 && features.row_stride == 1) {
    for (Index k = 0; k < d; ++k) convert<Backend>(n, &features(0, k), &packed(0, k));
    return;
  }
  if constexpr (std::is_same_v<S, T>) {
    if (features.column_stride == 1) {
      transpose<typename Backend::Arch>(n, d, features.data, features.row_stride, packed.data,
                                        packed.column_stride);
      return;
    }
    if (features.row_stride == 1) {
      transpose<typename Backend::Arch>(d, n, features.data, features.column_stride, packed.data,
                                        packed.row_stride);
      return;
    }
  }
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < d; ++k) packed(i, k) = static_cast<T>(features(i, k));
  }
}

/// to[k] = factor * from[k], converted.
template <class Backend, class T, class G>
void scale_to(Index count, T factor, const T* from, G* to) noexcept {
  using V = Pack<T, typename Backend::Arch>;
  constexpr Index lanes = PackTraits<V>::size;
  if constexpr (std::is_same_v<T, G>) {
    const Index whole = count / lanes * lanes;
    for (Index k = 0; k < whole; k += lanes) write(to + k, V(V(factor) * read<V>(from + k)));
    for (Index k = whole; k < count; ++k) to[k] = factor * from[k];
  } else {
    T scaled[64];
    for (Index k = 0; k < count; k += 64) {
      const Index some = std::min<Index>(64, count - k);
      scale_to<Backend, T, T>(some, factor, from + k, scaled);
      convert<Backend>(some, scaled, to + k);
    }
  }
}

/// Writes scale * (gradient with respect to the features) to `gradient`, from the gradient with
/// respect to the packed features. For directions u = x / |x| that is (g - u (u.g)) / |x|, and 0
/// for a row of zeros. O(n d).
template <Metric M, class T, class G, class Backend = DefaultBackend>
void unpack_gradient(MatrixView<const T> packed_gradient, MatrixView<const T> packed,
                     const T* inverse_norms, double scale, MatrixView<G> gradient) noexcept {
  const Index n = gradient.rows;
  const Index d = gradient.columns;
  const auto factor = static_cast<T>(scale);
  if (n == 0 || d == 0) return;
  if constexpr (M::of_directions) {
    for (Index i = 0; i < n; ++i) {
      double along = 0;
      for (Index k = 0; k < d; ++k) {
        along += static_cast<double>(packed(i, k)) * static_cast<double>(packed_gradient(i, k));
      }
      for (Index k = 0; k < d; ++k) {
        const T across = packed_gradient(i, k) - packed(i, k) * static_cast<T>(along);
        gradient(i, k) = static_cast<G>(factor * (across * inverse_norms[i]));
      }
    }
  } else if (packed_gradient.column_stride == 1 && gradient.column_stride == 1) {
    for (Index i = 0; i < n; ++i) {
      scale_to<Backend>(d, factor, &packed_gradient(i, 0), &gradient(i, 0));
    }
  } else if (packed_gradient.row_stride == 1 && gradient.row_stride == 1) {
    for (Index k = 0; k < d; ++k) {
      scale_to<Backend>(n, factor, &packed_gradient(0, k), &gradient(0, k));
    }
  } else {
    for (Index i = 0; i < n; ++i) {
      for (Index k = 0; k < d; ++k) {
        gradient(i, k) = static_cast<G>(factor * packed_gradient(i, k));
      }
    }
  }
}

}  // namespace ldmat::detail
