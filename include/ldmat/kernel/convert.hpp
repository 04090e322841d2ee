#pragma once

#include <ldmat/eigen.hpp>
#include <ldmat/kernel/backend.hpp>
#include <ldmat/kernel/halves.hpp>

#include <algorithm>

namespace ldmat::detail {

template <class S>
inline constexpr HalfKind half_kind =
    std::is_same_v<S, Eigen::half> ? HalfKind::ieee : HalfKind::bfloat;

/// How many of `count` elements were converted by the pack.
template <class Backend, class S>
Index convert_packs(Index count, const S* from, float* to) noexcept {
  static_assert(OneOf<S, Eigen::half, Eigen::bfloat16> && sizeof(S) == 2);
  return Backend::template widen<half_kind<S>>(count, reinterpret_cast<const std::uint16_t*>(from),
                                               to);
}
template <class Backend, class S>
requires(!std::is_same_v<S, float>) Index convert_packs(Index count, const float* from, S* to)
noexcept {
  static_assert(OneOf<S, Eigen::half, Eigen::bfloat16> && sizeof(S) == 2);
  return Backend::template narrow<half_kind<S>>(count, from, reinterpret_cast<std::uint16_t*>(to));
}

/// to[k] = from[k], of any two storage types.
template <class Backend, class S, class T>
void convert(Index count, const S* from, T* to) noexcept {
  if constexpr (std::is_same_v<S, T>) {
    std::copy(from, from + count, to);
  } else {
    Index k = 0;
    constexpr bool widens = sizeof(S) == 2 && std::is_same_v<T, float>;
    constexpr bool narrows = std::is_same_v<S, float> && sizeof(T) == 2;
    if constexpr (widens || narrows) k = convert_packs<Backend>(count, from, to);
    for (; k < count; ++k) to[k] = static_cast<T>(from[k]);
  }
}

}  // namespace ldmat::detail
