#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// What every fuzz target is: one function that takes any bytes and aborts where a property fails,
/// and the inputs to begin with. A target is linked with libFuzzer, or with driver.cpp.

namespace fuzz {

using Bytes = std::vector<std::uint8_t>;

/// Inputs that reach far into the code; made anew by each run.
std::vector<Bytes> seeds();

/// Runs one input. Returns if all is well.
void run(std::span<const std::uint8_t> input);

[[noreturn]] inline void fail(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  std::abort();
}

/// A property: libFuzzer and the driver take the abort for a finding.
#define FUZZ_CHECK(...) ((__VA_ARGS__) ? void() : ::fuzz::fail(__FILE__, __LINE__, #__VA_ARGS__))

/// Whether ldmat threw it. The memory sanitizer takes for unset what the standard library, which is
/// not compiled with it, wrote into the exception: then the text is not looked at.
inline bool is_ours([[maybe_unused]] const std::exception& error) {
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
  return true;
#endif
#endif
  return std::strstr(error.what(), "ldmat: ") != nullptr;
}

/// Takes values off the input; zeros where it has ended.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    const std::size_t count = bytes_.size() < sizeof(T) ? bytes_.size() : sizeof(T);
    if (count > 0) std::memcpy(&value, bytes_.data(), count);
    bytes_ = bytes_.subspan(count);
    return value;
  }
  /// 0 .. n - 1.
  int below(int n) { return take<std::uint8_t>() % n; }
  bool flag() { return below(2) != 0; }
  std::span<const std::uint8_t> rest() const { return bytes_; }

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Bytes that look random and are the same each time.
inline Bytes noise(std::size_t count, std::uint64_t seed) {
  Bytes bytes(count);
  for (auto& byte : bytes) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<std::uint8_t>(seed >> 56);
  }
  return bytes;
}

}  // namespace fuzz
