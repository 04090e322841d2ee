#pragma once

#include <ldmat/kernel/simd.hpp>

#include <Eigen/Core>

#include <algorithm>

/// Arrays of one storage type as another: by the pack where the instruction set can, which compilers
/// do not find by themselves.

namespace ldmat::detail {

#if defined(__AVX2__) && defined(__F16C__)

inline __m256 eight_floats(const Eigen::half* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
inline __m256 eight_floats(const Eigen::bfloat16* from) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

inline __m128i eight_halves(__m256 x, Eigen::half /*tag*/) {
  return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
}
/// Rounds to nearest, ties to even; NaN stays NaN.
inline __m128i eight_halves(__m256 x, Eigen::bfloat16 /*tag*/) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  const __m256i kept =
      _mm256_blendv_epi8(rounded, _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000)), nan);
  const __m256i high = _mm256_srli_epi32(kept, 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
}

template <class S>
requires OneOf<S, Eigen::half, Eigen::bfloat16>
inline Index convert_packs(Index count, const S* from, float* to) noexcept {
  Index k = 0;
  for (; k + 8 <= count; k += 8) _mm256_storeu_ps(to + k, eight_floats(from + k));
  return k;
}
template <class S>
requires OneOf<S, Eigen::half, Eigen::bfloat16>
inline Index convert_packs(Index count, const float* from, S* to) noexcept {
  Index k = 0;
  for (; k + 8 <= count; k += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + k),
                     eight_halves(_mm256_loadu_ps(from + k), S{}));
  }
  return k;
}

#endif

/// How many of `count` elements were converted by the pack.
template <class S, class T>
Index convert_packs(Index /*count*/, const S* /*from*/, T* /*to*/) noexcept {
  return 0;
}

/// to[k] = from[k].
template <class Arch, class S, class T>
void convert(Index count, const S* from, T* to) noexcept {
  if constexpr (std::is_same_v<S, T>) {
    std::copy(from, from + count, to);
  } else {
    for (Index k = convert_packs(count, from, to); k < count; ++k) to[k] = static_cast<T>(from[k]);
  }
}

}  // namespace ldmat::detail
