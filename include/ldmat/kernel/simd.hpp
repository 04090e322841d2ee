#pragma once

#include <ldmat/math.hpp>

#include <xsimd/xsimd.hpp>

#include <array>
#include <cstddef>

/// The only header that includes xsimd, from 8.1 to today's releases, and the few lines that adapt
/// them. No CUDA file may reach it. Everything takes the instruction set as a template parameter,
/// so that translation units built for different ones get different symbols.

namespace ldmat::detail {

#if defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)
struct DefaultArch {};
template <class T, class Arch>
using Pack = T;
#else
using DefaultArch = xsimd::default_arch;
template <class T, class Arch>
using Pack = xsimd::batch<T, Arch>;
#endif

/// Sum of the lanes.
template <class V>
typename PackTraits<V>::scalar sum_of(const V& pack) {
  if constexpr (std::is_arithmetic_v<V>) {
    return pack;
  } else {
#if XSIMD_VERSION_MAJOR < 9
    return xsimd::hadd(pack);
#else
    return xsimd::reduce_add(pack);
#endif
  }
}

/// The mask of the first `count` lanes.
template <class V>
Mask<V> first_lanes(std::ptrdiff_t count) {
  using T = typename PackTraits<V>::scalar;
  if constexpr (std::is_arithmetic_v<V>) {
    return count > 0;
  } else {
    alignas(64) static constexpr auto lane = [] {
      std::array<T, PackTraits<V>::size> numbers{};
      for (int l = 0; l < PackTraits<V>::size; ++l) {
        numbers[static_cast<std::size_t>(l)] = static_cast<T>(l);
      }
      return numbers;
    }();
    return V::load_aligned(lane.data()) < V(static_cast<T>(count));
  }
}

template <class M>
bool any_of(const M& mask) {
  if constexpr (std::is_same_v<M, bool>) {
    return mask;
  } else {
    return xsimd::any(mask);
  }
}

template <class V>
void write(typename PackTraits<V>::scalar* to, const V& pack) {
  if constexpr (std::is_arithmetic_v<V>) {
    *to = pack;
  } else {
    pack.store_unaligned(to);
  }
}

}  // namespace ldmat::detail
