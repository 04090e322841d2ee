#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

namespace tiny {

// xoshiro256** 1.0 (Blackman and Vigna, 2018; public domain), seeded by splitmix64. Integers and
// uniform() give the same values on every platform; normal() uses std::log and so may differ in
// the last bit between mathematics libraries.
class Rng {
 public:
  using State = std::array<std::uint64_t, 4>;

  explicit constexpr Rng(std::uint64_t seed = 0) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15u;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      word = z ^ (z >> 31);
    }
  }
  explicit constexpr Rng(const State& state) : state_(state) {}

  constexpr const State& state() const { return state_; }

  constexpr std::uint64_t next() {
    const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
  }

  // A multiple of 2^-53 in [0, 1).
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  // Standard normal by Marsaglia's polar method; the second value is thrown away, so that the state
  // is all there is to save.
  double normal() {
    for (;;) {
      const double u = 2 * uniform() - 1;
      const double v = 2 * uniform() - 1;
      const double s = u * u + v * v;
      if (s > 0 && s < 1) return u * std::sqrt(-2 * std::log(s) / s);
    }
  }

  // A uniform integer in [0, n) without bias; n must be positive.
  constexpr std::uint64_t below(std::uint64_t n) {
    const std::uint64_t reject_below = (0 - n) % n;  // 2^64 mod n
    for (;;) {
      const std::uint64_t value = next();
      if (value >= reject_below) return value % n;
    }
  }

  // Fisher-Yates: every order is equally likely.
  template <typename Range>
  constexpr void shuffle(Range&& range) {
    const auto first = std::begin(range);
    for (auto i = static_cast<std::uint64_t>(std::size(range)); i > 1; --i) {
      using std::swap;
      swap(first[static_cast<std::ptrdiff_t>(i - 1)], first[static_cast<std::ptrdiff_t>(below(i))]);
    }
  }

 private:
  static constexpr std::uint64_t rotate_left(std::uint64_t x, int bits) {
    return (x << bits) | (x >> (64 - bits));
  }

  State state_{};
};

}  // namespace tiny
