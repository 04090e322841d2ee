#pragma once

#include <ldmat/math.hpp>
#include <ldmat/shape.hpp>

#include <xsimd/xsimd.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

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

/// What a kernel is compiled for: an instruction set, and whether it may start OpenMP threads. A
/// template parameter of everything compiled for it, so that files of other settings share nothing.
template <class Isa, bool Threads>
struct Backend {
  using Arch = Isa;
  static constexpr bool threads = Threads;
};
#if defined(_OPENMP)
using DefaultBackend = Backend<DefaultArch, true>;
#else
using DefaultBackend = Backend<DefaultArch, false>;
#endif

#if defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)
template <class Arch>
inline constexpr int registers = 16;
#else
/// Vector registers of an instruction set.
template <class Arch>
inline constexpr int registers =
    std::is_base_of_v<xsimd::avx512f, Arch> || std::is_base_of_v<xsimd::neon, Arch> ? 32 : 16;
#endif

/// a * b + c, fused where the instruction set can.
template <class V>
LDMAT_ALWAYS_INLINE V multiply_add(const V& a, const V& b, const V& c) {
  if constexpr (std::is_arithmetic_v<V>) {
    return a * b + c;
  } else {
#if defined(__AVX512F__) && XSIMD_VERSION_MAJOR < 11
    // xsimd has no fused form for AVX-512 before release 11.
    using Arch = typename V::arch_type;
    if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
      if constexpr (sizeof(typename V::value_type) == 4) {
        return _mm512_fmadd_ps(a, b, c);
      } else {
        return _mm512_fmadd_pd(a, b, c);
      }
    }
#endif
    return xsimd::fma(a, b, c);
  }
}

/// c - a * b, fused where the instruction set can.
template <class V>
LDMAT_ALWAYS_INLINE V subtract_product(const V& a, const V& b, const V& c) {
  if constexpr (std::is_arithmetic_v<V>) {
    return c - a * b;
  } else {
    return multiply_add(V(-a), b, c);
  }
}

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

/// Whether the lane's bit of a mask is set.
template <class M>
bool lane_of(const M& mask, Index lane) {
  if constexpr (std::is_same_v<M, bool>) {
    return mask;
  } else {
    return mask.get(static_cast<std::size_t>(lane));
  }
}

#if !defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)

/// y for y = (1 + error) / sqrt(x): two more terms of the series, error' = -5/16 (2 error)^3.
template <class V>
LDMAT_ALWAYS_INLINE V refine_cubic(const V& x, const V& y) {
  const V error = subtract_product(V(x * y), y, V(1));
  return multiply_add(V(y * error), multiply_add(error, V(0.375), V(0.5)), y);
}
/// One more term (Newton's step): error' = -3/2 error^2.
template <class V>
LDMAT_ALWAYS_INLINE V refine(const V& x, const V& y) {
  const V error = subtract_product(V(x * y), y, V(1));
  return multiply_add(V(V(0.5) * y), error, y);
}

/// The processor's estimate of 1 / sqrt(x), good to 2^-11.4 (2^-14 with AVX-512), refined: in float
/// to 2.1e-7, in double to 4 units in the last place. Only where square root and division are the
/// slower way; there is no estimate of doubles before AVX-512, and so float's serves where float's
/// range does.
template <class T, class Arch>
struct InverseSqrt<xsimd::batch<T, Arch>> {
  using V = xsimd::batch<T, Arch>;

  LDMAT_ALWAYS_INLINE static V of(const V& x) {
#if defined(__AVX512F__)
    if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
      if constexpr (std::is_same_v<T, float>) {
        return refine(x, V(_mm512_rsqrt14_ps(x)));
      } else {
        return refine(x, refine(x, V(_mm512_rsqrt14_pd(x))));
      }
    } else
#endif
#if defined(__AVX__)
        if constexpr (std::is_base_of_v<xsimd::avx, Arch>) {
      if constexpr (std::is_same_v<T, float>) {
        return refine(x, V(_mm256_rsqrt_ps(x)));
      } else {
        if (any_of(x < V(1e-37)) || any_of(x > V(1e37))) return V(1) / xsimd::sqrt(x);
        const V estimate(_mm256_cvtps_pd(_mm_rsqrt_ps(_mm256_cvtpd_ps(x))));
        return refine(x, refine_cubic(x, estimate));
      }
    } else
#endif
#if defined(__SSE2__)
        if constexpr (std::is_base_of_v<xsimd::sse2, Arch> && std::is_same_v<T, float>) {
      return refine(x, V(_mm_rsqrt_ps(x)));
    } else
#endif
    {
      return V(1) / xsimd::sqrt(x);
    }
  }
};

#endif

}  // namespace ldmat::detail
