#pragma once

#include <ldmat/config.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

/// What ldmat throws: std::invalid_argument, always before anything is written, with a message that
/// names the argument, what was given and what is allowed. Only the checks at the entry of a public
/// function throw; kernels are noexcept.

namespace ldmat::detail {

#if defined(__GNUC__)
#define LDMAT_DETAIL_COLD [[gnu::cold, gnu::noinline]]
#elif defined(_MSC_VER)
#define LDMAT_DETAIL_COLD __declspec(noinline)
#else
#define LDMAT_DETAIL_COLD
#endif

[[noreturn]] LDMAT_DETAIL_COLD inline void throw_invalid(const std::string& message) {
#if defined(__cpp_exceptions)
  throw std::invalid_argument("ldmat: " + message);
#else
  std::fprintf(stderr, "ldmat: %s\n", message.c_str());
  std::abort();
#endif
}

/// "3 x 4", for messages.
LDMAT_DETAIL_COLD inline std::string shape_text(long long rows, long long columns) {
  return std::to_string(rows) + " x " + std::to_string(columns);
}

LDMAT_DETAIL_COLD inline std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

[[noreturn]] LDMAT_DETAIL_COLD inline void throw_shape(const char* argument, long long rows,
                                                       long long columns, const char* rule,
                                                       long long wanted_rows,
                                                       long long wanted_columns) {
  throw_invalid(std::string(argument) + " is " + shape_text(rows, columns) + ", but " + rule +
                ", here " + shape_text(wanted_rows, wanted_columns));
}

/// Refuses `value` outside [low, high]; NaN is outside every range.
inline void require_range(const char* argument, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    throw_invalid(std::string(argument) + " is " + number_text(value) + ", but must be between " +
                  number_text(low) + " and " + number_text(high));
  }
}

/// Refuses a negative, infinite or NaN `value`.
inline void require_non_negative(const char* argument, double value) {
  if (!(value >= 0 && value <= 1.7976931348623157e308)) {
    throw_invalid(std::string(argument) + " is " + number_text(value) +
                  ", but must be finite and not negative");
  }
}

}  // namespace ldmat::detail
