#pragma once

#if defined(__CUDACC__)
#error \
    "nvcc cannot compile xsimd: in a .cu file include <ldmat/cuda/loss.hpp>, not <ldmat/ldmat.hpp>"
#endif

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

#if defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)
template <class Arch>
inline constexpr int registers = 16;
#else
/// Vector registers of an instruction set.
template <class Arch>
inline constexpr int registers =
    std::is_base_of_v<xsimd::avx512f, Arch> || std::is_base_of_v<xsimd::neon64, Arch> ? 32 : 16;
#endif

/// c + a * b, or c - a * b where `Subtract`, fused where the instruction set can.
template <bool Subtract, class V>
LDMAT_ALWAYS_INLINE V add_product(const V& a, const V& b, const V& c) {
  if constexpr (std::is_arithmetic_v<V>) {
    return Subtract ? c - a * b : c + a * b;
  } else {
#if defined(__AVX512F__) && XSIMD_VERSION_MAJOR < 11
    // xsimd has no fused form for AVX-512 before release 11.
    if constexpr (std::is_base_of_v<xsimd::avx512f, typename V::arch_type>) {
      if constexpr (sizeof(typename V::value_type) == 4) {
        return Subtract ? _mm512_fnmadd_ps(a, b, c) : _mm512_fmadd_ps(a, b, c);
      } else {
        return Subtract ? _mm512_fnmadd_pd(a, b, c) : _mm512_fmadd_pd(a, b, c);
      }
    }
#endif
    return Subtract ? fnma(a, b, c) : fma(a, b, c);  // xsimd's, where there is one
  }
}

/// a * b + c.
template <class V>
LDMAT_ALWAYS_INLINE V multiply_add(const V& a, const V& b, const V& c) {
  return add_product<false>(a, b, c);
}

/// c - a * b.
template <class V>
LDMAT_ALWAYS_INLINE V subtract_product(const V& a, const V& b, const V& c) {
  return add_product<true>(a, b, c);
}

/// x, kept in a register. GCC otherwise loads again what is used more than once, and the loads, not
/// the arithmetic, then set the pace of the kernels' inner loops.
template <class V>
LDMAT_ALWAYS_INLINE V in_register(V x) {
#if defined(__GNUC__) && defined(__x86_64__)
  if constexpr (!std::is_arithmetic_v<V>) {
    asm("" : "+v"(x.data));  // NOLINT(hicpp-no-assembler): generates no instruction
  }
#endif
  return x;
}

/// Sum of the lanes.
template <class V>
typename PackTraits<V>::scalar sum_of(const V& pack) {
  if constexpr (std::is_arithmetic_v<V>) {
    return pack;
  } else {
#if XSIMD_VERSION_MAJOR < 9
    return hadd(pack);
#else
    return reduce_add(pack);
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
    return any(mask);
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

inline unsigned bits_of(bool mask) {
  return mask ? 1U : 0U;
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

/// Bit l of the result is set where lane l of the mask is.
template <class T, class Arch>
unsigned bits_of(const xsimd::batch_bool<T, Arch>& mask) {
#if defined(__AVX512F__)
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    return static_cast<unsigned>(mask.data);
  } else
#endif
#if defined(__AVX__)
      if constexpr (std::is_base_of_v<xsimd::avx, Arch>) {
    if constexpr (sizeof(T) == 4) {
      return static_cast<unsigned>(_mm256_movemask_ps(mask.data));
    } else {
      return static_cast<unsigned>(_mm256_movemask_pd(mask.data));
    }
  } else
#endif
  {
    unsigned bits = 0;
    for (unsigned l = 0; l < xsimd::batch<T, Arch>::size; ++l) bits |= mask.get(l) ? 1U << l : 0U;
    return bits;
  }
}

/// Where a mask is as wide as a pack, bit operations are cheaper than what compilers make of a blend.
template <class T, class Arch>
struct Choice<xsimd::batch<T, Arch>> {
  using V = xsimd::batch<T, Arch>;
  static constexpr bool wide_masks =
      std::is_same_v<typename xsimd::batch_bool<T, Arch>::register_type, typename V::register_type>;

  LDMAT_ALWAYS_INLINE static V of(Mask<V> condition, V yes, V no) {
    if constexpr (wide_masks) {
      return no ^ (V(condition.data) & (yes ^ no));
    } else {
      return xsimd::select(condition, yes, no);
    }
  }
  LDMAT_ALWAYS_INLINE static V kept(Mask<V> condition, V x) {
    if constexpr (wide_masks) {
      return V(condition.data) & x;
    } else {
      return xsimd::select(condition, x, V(0));
    }
  }
};

#if defined(__AVX2__)

/// Rows of up to 16 floats (8 doubles with AVX-512) stay in registers; of longer ones, and of doubles
/// before AVX-512, the processor gathers.
template <class T, class Arch>
requires std::is_base_of_v<xsimd::avx2, Arch>
struct LookUp<xsimd::batch<T, Arch>> {
  using V = xsimd::batch<T, Arch>;

  LDMAT_ALWAYS_INLINE static V in(const T* base, Index count, const Id<T>* index) {
    const __m256i at = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index));
    if constexpr (std::is_same_v<T, double>) {
      return _mm256_i64gather_pd(base, at, 8);
    } else {
      if (count > 16) return _mm256_i32gather_ps(base, at, 4);
      const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(base), at);
      if (count <= 8) return low;
      const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(base + 8), at);
      // Bit 3 of the index, as a sign.
      return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(at, 28)));
    }
  }
};

#endif
#if defined(__AVX512F__)

template <class T, class Arch>
requires std::is_base_of_v<xsimd::avx512f, Arch>
struct LookUp<xsimd::batch<T, Arch>> {
  using V = xsimd::batch<T, Arch>;

  LDMAT_ALWAYS_INLINE static V in(const T* base, Index count, const Id<T>* index) {
    const __m512i at = _mm512_loadu_si512(index);
    if constexpr (std::is_same_v<T, double>) {
      if (count > 8) return _mm512_i64gather_pd(at, base, 8);
      return _mm512_permutexvar_pd(at, _mm512_loadu_pd(base));
    } else {
      if (count > 16) return _mm512_i32gather_ps(at, base, 4);
      return _mm512_permutexvar_ps(at, _mm512_loadu_ps(base));
    }
  }
};

#endif

/// y for y = (1 + error) / sqrt(x), with Newton's step: error' = -3/2 error^2.
template <class V>
LDMAT_ALWAYS_INLINE V refine(const V& x, const V& y) {
  const V error = subtract_product(V(x * y), y, V(1));
  return multiply_add(V(V(0.5) * y), error, y);
}

/// The processor's estimate of 1 / sqrt(x), good to 2^-11.4 (2^-14 with AVX-512), and one or two
/// steps: 2.1e-7 in float, 4 units in the last place in double. There is no estimate of doubles
/// before AVX-512, and to begin with the one of floats took longer than square root and division.
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
        if constexpr (std::is_base_of_v<xsimd::avx, Arch> && std::is_same_v<T, float>) {
      return refine(x, V(_mm256_rsqrt_ps(x)));
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

/// Elements of a small square that is transposed in registers; 1 where there is none.
template <class T, class Arch>
inline constexpr Index square =
#if defined(__SSE2__)
    // cppcheck-suppress internalAstError  ; version 2.10 takes the `>` for a comparison
    std::is_same_v<T, float> ? 4 : (std::is_same_v<T, double> ? 2 : 1);
#else
    1;
#endif

/// to (square x square) = from^T.
template <class T, class Arch>
LDMAT_ALWAYS_INLINE void transpose_square(const T* from, Index from_stride, T* to,
                                          Index to_stride) {
#if defined(__SSE2__)
  if constexpr (std::is_same_v<T, float>) {
    __m128 a = _mm_loadu_ps(from);
    __m128 b = _mm_loadu_ps(from + from_stride);
    __m128 c = _mm_loadu_ps(from + 2 * from_stride);
    __m128 d = _mm_loadu_ps(from + 3 * from_stride);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(to, a);
    _mm_storeu_ps(to + to_stride, b);
    _mm_storeu_ps(to + 2 * to_stride, c);
    _mm_storeu_ps(to + 3 * to_stride, d);
    return;
  } else if constexpr (std::is_same_v<T, double>) {
    const __m128d a = _mm_loadu_pd(from);
    const __m128d b = _mm_loadu_pd(from + from_stride);
    _mm_storeu_pd(to, _mm_unpacklo_pd(a, b));
    _mm_storeu_pd(to + to_stride, _mm_unpackhi_pd(a, b));
    return;
  }
#endif
  static_cast<void>(from_stride);
  static_cast<void>(to_stride);
  *to = *from;
}

}  // namespace ldmat::detail
