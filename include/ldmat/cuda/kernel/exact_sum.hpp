#pragma once

#include <ldmat/cuda/kernel/block.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

/// Sums that do not depend on the order of their terms, so that any thread may add to them at any time:
/// a number is split into pieces of 24 bits, and each piece is added, as an integer, to the bin of its
/// weight. No bit is lost before the bins are put together.

namespace ldmat::detail::cuda {

template <class T>
struct ExactSum {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

  static constexpr int piece = 24;
  static constexpr int stored_mantissa = sizeof(T) == 4 ? 23 : 52;
  static constexpr int exponents = sizeof(T) == 4 ? 255 : 2047;  ///< the last one: not finite
  static constexpr int lowest = sizeof(T) == 4 ? -149 : -1074;  ///< the weight of bit 0 is 2^lowest
  /// The last bin counts terms that are infinite or NaN. 2^38 terms fit.
  static constexpr int bins = (exponents + stored_mantissa + piece) / piece + 2;

  LDMAT_KERNEL static void add(std::int64_t* sum, T value) {
    Bits bits;
    std::memcpy(&bits, &value, sizeof bits);
    const auto exponent = static_cast<int>((bits >> stored_mantissa) & Bits(exponents));
    if (exponent == exponents) {
      add_atomically(sum + bins - 1, 1);
      return;
    }
    auto mantissa = static_cast<std::uint64_t>(bits & ((Bits(1) << stored_mantissa) - 1));
    if (exponent > 0) mantissa |= std::uint64_t(1) << stored_mantissa;
    const bool negative = (bits >> (8 * sizeof(T) - 1)) != 0;
    const int place = exponent > 0 ? exponent - 1 : 0;
    constexpr std::uint64_t low = (std::uint64_t(1) << piece) - 1;
    for (int bin = place / piece; mantissa != 0; ++bin, mantissa >>= piece) {
      const std::uint64_t shifted = (mantissa & low) << (place % piece);
      const auto here = static_cast<std::int64_t>(shifted & low);
      const auto next = static_cast<std::int64_t>(shifted >> piece);
      if (here != 0) add_atomically(sum + bin, negative ? -here : here);
      if (next != 0) add_atomically(sum + bin + 1, negative ? -next : next);
    }
  }

  /// The sum, rounded to double a few times; NaN where a term was not finite.
  LDMAT_KERNEL static double value(const std::int64_t* sum) {
    if (sum[bins - 1] != 0) return static_cast<double>(NAN);
    double result = 0;
    for (int bin = 0; bin < bins - 1; ++bin) {
      result += std::ldexp(static_cast<double>(sum[bin]), bin * piece + lowest);
    }
    return result;
  }
};

}  // namespace ldmat::detail::cuda
