#include <ldmat/ldmat.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

// One batch that whole matrices could not hold (16 GiB each), in a program of its own so that what
// the system says of it is the batch's.

namespace {

/// The most memory that the program has had, in MiB; 0 where the system does not say.
double most_resident() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes / 1024;
  }
  return 0;
}

}  // namespace

TEST_CASE("65,536 samples of 64 components: value and gradient in less than 150 MiB in all") {
  using Features = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  constexpr ldmat::Index n = 65536;
  constexpr ldmat::Index d = 64;
  Features features(n, d);
  std::vector<int> labels(n);
  for (ldmat::Index i = 0; i < n; ++i) {
    labels[static_cast<std::size_t>(i)] = static_cast<int>(i % 10);
    for (ldmat::Index k = 0; k < d; ++k) {
      features(i, k) = static_cast<float>((i * 7919 + k * 104729) % 1009) / 1009.0F;
    }
  }
  Features gradient(n, d);
  ldmat::Loss<float> loss{};
  const ldmat::LossResult result = loss(features, labels, gradient);
  CHECK(result.pairs == n * (n - 1) / 2);
  CHECK(std::isfinite(result.value));
  CHECK(gradient.allFinite());
  const double resident = most_resident();
  MESSAGE("most memory: ", resident, " MiB");
  CHECK(resident < 150);
}
