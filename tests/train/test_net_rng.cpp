#include "rng.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <vector>

using tiny::Rng;

static_assert(std::is_trivially_copyable_v<Rng>);

TEST_CASE("rng: seeding and generator give the published values") {
  // splitmix64 from 0
  CHECK(Rng(0).state() == Rng::State{0xe220a8397b1dcdafu, 0x6e789e6aa1b965f4u, 0x06c45d188009454fu,
                                     0xf88bb8a8724c81ecu});
  // xoshiro256** from {1, 2, 3, 4}
  Rng rng(Rng::State{1, 2, 3, 4});
  CHECK(rng.next() == 11520u);
  CHECK(rng.next() == 0u);
  CHECK(rng.next() == 1509978240u);
  CHECK(rng.next() == 1215971899390074240u);
}

TEST_CASE("rng: a restored state continues the sequence") {
  Rng rng(7);
  rng.normal();
  Rng other(rng.state());
  for (int i = 0; i < 10; ++i) CHECK(rng.normal() == other.normal());
  CHECK(rng.state() == other.state());
  CHECK(Rng(7).next() != Rng(8).next());
}

TEST_CASE("rng: uniform and normal have the right moments") {
  Rng rng(1);
  const int n = 200000;
  double smallest = 1, largest = 0, sum = 0, squares = 0, fourth = 0, uniform_sum = 0;
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform();
    smallest = std::min(smallest, u);
    largest = std::max(largest, u);
    uniform_sum += u;
    const double z = rng.normal();
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
  }
  CHECK(smallest >= 0);
  CHECK(smallest < 1e-4);
  CHECK(largest < 1);
  CHECK(largest > 1 - 1e-4);
  CHECK(uniform_sum / n == doctest::Approx(0.5).epsilon(0.01));
  CHECK(std::abs(sum / n) < 0.01);
  CHECK(squares / n == doctest::Approx(1).epsilon(0.015));
  CHECK(fourth / n == doctest::Approx(3).epsilon(0.04));
}

TEST_CASE("rng: below covers its range evenly, also where 2^64 is no multiple of it") {
  Rng rng(3);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) ++counts.at(rng.below(6));
  for (const int count : counts) CHECK(std::abs(count - 10000) < 400);
  CHECK(rng.below(1) == 0);
  // Without rejection, the lower half of [0, 3 * 2^62) would come up twice as often as the rest.
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += rng.below(std::uint64_t{3} << 62) < std::uint64_t{1} << 62;
  CHECK(std::abs(low - 10000) < 400);
}

TEST_CASE("rng: shuffle gives each order equally often") {
  Rng rng(5);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) {
    std::vector<int> order{0, 1, 2};
    rng.shuffle(order);
    std::array<int, 3> sorted{order[0], order[1], order[2]};
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted == std::array{0, 1, 2});
    const int rank = 2 * order[0] + (order[1] > order[2] ? 1 : 0);
    ++counts.at(static_cast<std::size_t>(rank));
  }
  for (const int count : counts) CHECK(std::abs(count - 10000) < 400);
}
