#pragma once

#include <ldmat/config.hpp>

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

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

struct Shape {
  long long rows;
  long long columns;
};

/// A piece of a message: text, a number or a shape. Messages are lists of them, put together in one
/// function that is compiled once and called never, if all goes well: joining strings at every
/// check would be a good part of what a program compiles of ldmat.
class Piece {
 public:
  Piece(const char* text) : text_(text) {}
  Piece(const std::string& text) : text_(text.c_str()) {}
  Piece(double number) : kind_(Kind::real), real_(number) {}
  Piece(Shape shape) : kind_(Kind::shape), integer_(shape.rows), columns_(shape.columns) {}
  template <std::integral T>
  Piece(T number)
      : kind_(std::is_signed_v<T> ? Kind::integer : Kind::natural),
        integer_(static_cast<long long>(number)) {}

  LDMAT_DETAIL_COLD void add_to(std::string& message) const {
    char digits[48];
    switch (kind_) {
      case Kind::text:
        message += text_;
        return;
      case Kind::integer:
        std::snprintf(digits, sizeof digits, "%lld", integer_);
        break;
      case Kind::natural:
        std::snprintf(digits, sizeof digits, "%llu", static_cast<unsigned long long>(integer_));
        break;
      case Kind::real:
        std::snprintf(digits, sizeof digits, "%g", real_);
        break;
      case Kind::shape:
        std::snprintf(digits, sizeof digits, "%lld x %lld", integer_, columns_);
        break;
    }
    message += digits;
  }

 private:
  enum class Kind { text, integer, natural, real, shape };
  Kind kind_ = Kind::text;
  const char* text_ = "";
  long long integer_ = 0;
  long long columns_ = 0;
  double real_ = 0;
};

[[noreturn]] LDMAT_DETAIL_COLD inline void throw_invalid(std::initializer_list<Piece> pieces) {
  std::string message;
  for (const Piece& piece : pieces) piece.add_to(message);
  throw_invalid(message);
}

/// An argument's name and, where it is an element of a table, its place.
struct Name {
  const char* text = "";
  long long row = -1;
  long long column = -1;
};

[[noreturn]] LDMAT_DETAIL_COLD inline void throw_invalid(const Name& name,
                                                         std::initializer_list<Piece> pieces) {
  std::string message = name.text;
  if (name.row >= 0) {
    for (const Piece& piece :
         {Piece("("), Piece(name.row), Piece(", "), Piece(name.column), Piece(")")}) {
      piece.add_to(message);
    }
  }
  for (const Piece& piece : pieces) piece.add_to(message);
  throw_invalid(message);
}

[[noreturn]] LDMAT_DETAIL_COLD inline void throw_shape(const char* argument, Shape given,
                                                       const char* rule, Shape wanted) {
  throw_invalid({argument, " is ", given, ", but ", rule, ", here ", wanted});
}

/// Neither NaN nor infinite. Looks at the bits in memory: -ffast-math lets a compiler take for granted
/// what std::isfinite is asked.
template <class S>
bool is_finite(const S& value) {
  using Limits = std::numeric_limits<S>;
  using Bits = std::conditional_t<sizeof(S) == 2, std::uint16_t,
                                  std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>>;
  static_assert(sizeof(S) == sizeof(Bits) && Limits::digits > 1);
  constexpr int exponent_from = Limits::digits - 1;
  constexpr auto exponent =
      static_cast<Bits>(((Bits{1} << (8 * sizeof(S) - 1)) - 1) >> exponent_from << exponent_from);
  Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  return (bits & exponent) != exponent;
}

/// Refuses `value` outside [low, high]; NaN is outside every range.
inline void require_range(const char* argument, const double& value, double low, double high) {
  if (!(is_finite(value) && value >= low && value <= high)) {
    throw_invalid({argument, " is ", value, ", but must be between ", low, " and ", high});
  }
}

/// Refuses a negative, infinite or NaN `value`.
inline void require_non_negative(const Name& argument, const double& value) {
  if (!(is_finite(value) && value >= 0)) {
    throw_invalid(argument, {" is ", value, ", but must be finite and not negative"});
  }
}

}  // namespace ldmat::detail
