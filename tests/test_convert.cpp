#include <ldmat/kernel/convert.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using namespace ldmat::detail;
using ldmat::Index;

TEST_CASE_TEMPLATE("every half number becomes the float that Eigen makes of it, and comes back", S,
                   Eigen::half, Eigen::bfloat16) {
  std::vector<S> all(65536 + 5);
  for (std::size_t at = 0; at < all.size(); ++at) {
    all[at] = std::bit_cast<S>(static_cast<std::uint16_t>(at));
  }
  const auto count = static_cast<Index>(all.size());
  std::vector<float> floats(all.size());
  convert<DefaultBackend>(count, all.data(), floats.data());
  std::vector<S> back(all.size());
  convert<DefaultBackend>(count, floats.data(), back.data());
  std::size_t different = 0;
  for (std::size_t at = 0; at < all.size(); ++at) {
    const auto expected = static_cast<float>(all[at]);
    if (std::isnan(expected)) {
      different += std::isnan(floats[at]) && std::isnan(static_cast<float>(back[at])) ? 0 : 1;
    } else {
      different +=
          std::bit_cast<std::uint32_t>(expected) == std::bit_cast<std::uint32_t>(floats[at]) ? 0
                                                                                             : 1;
      different +=
          std::bit_cast<std::uint16_t>(all[at]) == std::bit_cast<std::uint16_t>(back[at]) ? 0 : 1;
    }
  }
  CHECK(different == 0);
}

TEST_CASE_TEMPLATE("NaN stays NaN, whichever of its bits are set", S, Eigen::half,
                   Eigen::bfloat16) {
  std::vector<float> floats;
  for (const std::uint32_t bits :
       {0x7f800001U, 0x7f807fffU, 0x7f80ffffU, 0x7fc00000U, 0x7fffffffU}) {
    floats.push_back(std::bit_cast<float>(bits));
    floats.push_back(std::bit_cast<float>(bits | 0x80000000U));
  }
  for (int more = 0; more < 3; ++more)
    floats.insert(floats.end(), floats.begin(), floats.begin() + 5);
  std::vector<S> halves(floats.size());
  convert<DefaultBackend>(static_cast<Index>(floats.size()), floats.data(), halves.data());
  for (const S half : halves) CHECK(std::isnan(static_cast<float>(half)));
}

TEST_CASE("half numbers become doubles too, and doubles floats") {
  const std::vector<Eigen::half> halves(11, Eigen::half(0.375F));
  std::vector<double> doubles(11);
  convert<DefaultBackend>(11, halves.data(), doubles.data());
  CHECK(doubles == std::vector<double>(11, 0.375));
  std::vector<float> floats(11);
  convert<DefaultBackend>(11, doubles.data(), floats.data());
  CHECK(floats == std::vector<float>(11, 0.375F));
}

TEST_CASE_TEMPLATE("floats are rounded to half types as Eigen rounds them", S, Eigen::half,
                   Eigen::bfloat16) {
  std::vector<float> floats;
  for (std::uint64_t bits = 0; bits < (1ULL << 32); bits += 60013) {
    const auto word = static_cast<std::uint32_t>(bits);
    const auto x = std::bit_cast<float>(word);
    if (!std::isnan(x)) floats.push_back(x);
  }
  for (const std::uint32_t tie :
       {0x3f808000U, 0x3f818000U, 0x3f801000U, 0x3f803000U, 0x7f7fffffU}) {
    const auto x = std::bit_cast<float>(tie);
    for (const float y : {x, -x, std::nextafter(x, 0.0F), std::nextafter(x, 9e9F)}) {
      floats.push_back(y);
    }
  }
  floats.push_back(std::numeric_limits<float>::infinity());
  std::vector<S> halves(floats.size());
  convert<DefaultBackend>(static_cast<Index>(floats.size()), floats.data(), halves.data());
  std::size_t different = 0;
  for (std::size_t at = 0; at < floats.size(); ++at) {
    const auto expected = static_cast<S>(floats[at]);
    different +=
        std::bit_cast<std::uint16_t>(expected) == std::bit_cast<std::uint16_t>(halves[at]) ? 0 : 1;
  }
  CHECK(different == 0);
}
