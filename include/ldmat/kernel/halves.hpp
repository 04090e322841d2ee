#pragma once

#include <ldmat/kernel/simd.hpp>

#include <cstdint>

/// Half numbers, as their bits, to floats and back, by the pack where the instruction set can; compilers
/// do not find this by themselves. Both functions return how many of `count` they converted.

namespace ldmat::detail {

enum class HalfKind { ieee, bfloat };

#if defined(__AVX2__) && defined(__F16C__)

template <class Arch, HalfKind Kind>
Index widen(Index count, const std::uint16_t* from, float* to) noexcept {
  Index k = 0;
  for (; k + 8 <= count; k += 8) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k));
    if constexpr (Kind == HalfKind::ieee) {
      _mm256_storeu_ps(to + k, _mm256_cvtph_ps(bits));
    } else {
      const __m256i high = _mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16);
      _mm256_storeu_ps(to + k, _mm256_castsi256_ps(high));
    }
  }
  return k;
}

/// Rounds to nearest, ties to even; NaN stays NaN.
template <class Arch, HalfKind Kind>
Index narrow(Index count, const float* from, std::uint16_t* to) noexcept {
  Index k = 0;
  for (; k + 8 <= count; k += 8) {
    const __m256 x = _mm256_loadu_ps(from + k);
    __m128i result;
    if constexpr (Kind == HalfKind::ieee) {
      result = _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
    } else {
      const __m256i bits = _mm256_castps_si256(x);
      const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
      const __m256i rounded =
          _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
      const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
      const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
      const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
      result = _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + k), result);
  }
  return k;
}

#else

template <class Arch, HalfKind Kind>
Index widen(Index /*count*/, const std::uint16_t* /*from*/, float* /*to*/) noexcept {
  return 0;
}
template <class Arch, HalfKind Kind>
Index narrow(Index /*count*/, const float* /*from*/, std::uint16_t* /*to*/) noexcept {
  return 0;
}

#endif

}  // namespace ldmat::detail
