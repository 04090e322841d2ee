#pragma once

#include <ldmat/shape.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

/// The few functions that metrics, penalties and regularizers are written in, for plain scalars. A
/// policy says `using namespace ldmat::math;` and calls them unqualified: for a SIMD pack the same
/// names are found beside the pack's own type, so that one formula text serves the plain reference,
/// the SIMD kernels and CUDA.

namespace ldmat::math {

using std::abs;
using std::sqrt;

/// a * b + c; the compiler fuses it where the target does.
template <class V>
requires std::is_floating_point_v<V> LDMAT_HOST_DEVICE constexpr V fma(V a, V b, V c) {
  return a * b + c;
}

/// condition ? yes : no.
template <class V>
requires std::is_floating_point_v<V> LDMAT_HOST_DEVICE constexpr V select(bool condition, V yes,
                                                                          V no) {
  return condition ? yes : no;
}

/// A parameter of a policy as a V: `constant<V>(threshold)`.
template <class V>
LDMAT_HOST_DEVICE constexpr V constant(double value) {
  if constexpr (std::is_arithmetic_v<V>) {
    return static_cast<V>(value);
  } else {
    return V(static_cast<typename V::value_type>(value));
  }
}

}  // namespace ldmat::math

namespace ldmat::detail {

template <class X, class... Xs>
concept OneOf = (std::is_same_v<X, Xs> || ...);

/// A constant and not a call: nvcc has no functions of the standard library on a GPU.
template <class T>
inline constexpr T smallest_normal = std::numeric_limits<T>::min();

/// 1 / sqrt(x) of positive normal numbers. Packs have their own in kernel/simd.hpp.
template <class V>
struct InverseSqrt {
  LDMAT_HOST_DEVICE static V of(V x) {
#if defined(__CUDA_ARCH__)
    if constexpr (std::is_same_v<V, float>) return ::rsqrtf(x);  // within 2 units in the last place
#endif
    using namespace math;
    return constant<V>(1) / sqrt(x);
  }
};

/// What a scalar or pack V is made of, how many of them it holds, and the comparison result's type.
template <class V>
struct PackTraits {
  using scalar = typename V::value_type;
  static constexpr int size = static_cast<int>(V::size);
};
template <class V>
requires std::is_arithmetic_v<V>
struct PackTraits<V> {
  using scalar = V;
  static constexpr int size = 1;
};

template <class V>
using Mask = decltype(V() < V());

/// Unaligned load of one V.
template <class V>
LDMAT_HOST_DEVICE V read(const typename PackTraits<V>::scalar* from) {
  if constexpr (std::is_arithmetic_v<V>) {
    return *from;
  } else {
    return V::load_unaligned(from);
  }
}

/// The signed integer as wide as a scalar: what a table is gathered with.
template <class T>
using Id = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// base[index[0]], base[index[1]], ..., of a row of `count` entries. Packs have their own in
/// kernel/simd.hpp, which may read 64 bytes from `base` on.
template <class V>
struct LookUp {
  using T = typename PackTraits<V>::scalar;
  LDMAT_HOST_DEVICE static V in(const T* base, Index /*count*/, const Id<T>* index) {
    if constexpr (std::is_arithmetic_v<V>) {
      return base[*index];
    } else {
      constexpr int size = PackTraits<V>::size;
      alignas(64) T values[size];
      for (int lane = 0; lane < size; ++lane) values[lane] = base[index[lane]];
      return V::load_aligned(values);
    }
  }
};

/// Packs have their own in kernel/simd.hpp.
template <class V>
struct Choice {
  LDMAT_HOST_DEVICE static V of(bool condition, V yes, V no) { return condition ? yes : no; }
  LDMAT_HOST_DEVICE static V kept(bool condition, V x) { return condition ? x : V(0); }
};

/// condition ? yes : no. What `select` says, for kernels: cheapest where yes and no are the same for
/// many packs.
template <class V>
LDMAT_HOST_DEVICE V choose(Mask<V> condition, V yes, V no) {
  return Choice<V>::of(condition, yes, no);
}

/// condition ? x : 0.
template <class V>
LDMAT_HOST_DEVICE V keep_where(Mask<V> condition, V x) {
  return Choice<V>::kept(condition, x);
}

}  // namespace ldmat::detail

namespace ldmat::math {

/// 1 / sqrt(x) of a positive normal number, to a few units in the last place.
template <class V>
LDMAT_HOST_DEVICE V inverse_sqrt(V x) {
  return detail::InverseSqrt<V>::of(x);
}

/// The smallest number of full precision.
template <class V>
LDMAT_HOST_DEVICE V smallest() {
  return V(detail::smallest_normal<typename detail::PackTraits<V>::scalar>);
}

}  // namespace ldmat::math
