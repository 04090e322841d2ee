#include <ldmat/ldmat.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

// Batches that whole matrices could not hold (16 GiB each), in a program of its own so that what the
// system says of it is theirs.

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

using ldmat::Index;
using Features = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A batch whose components take few values, so that rounding errors have all the same sign.
struct Batch {
  Batch(Index n, Index d) : features(n, d), labels(static_cast<std::size_t>(n)) {
    for (Index i = 0; i < n; ++i) {
      labels[static_cast<std::size_t>(i)] = static_cast<int>(i % 10);
      for (Index k = 0; k < d; ++k) {
        features(i, k) = static_cast<float>((i * 7919 + k * 104729) % 1009) / 1009.0F;
      }
    }
  }

  /// Row i of the gradient of the mean of (D - T)^2 over the pairs, T = 0 or 1, by its definition.
  Eigen::RowVectorXd exact_gradient(Index i) const {
    const auto n = static_cast<double>(features.rows());
    Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(features.cols());
    for (Index j = 0; j < features.rows(); ++j) {
      const Eigen::RowVectorXd difference =
          features.row(i).cast<double>() - features.row(j).cast<double>();
      const double distance = difference.norm();
      if (distance == 0) continue;
      const double target = i % 10 == j % 10 ? 0 : 1;
      sum += 2 * (distance - target) / distance * difference;
    }
    return sum / (n * (n - 1) / 2);
  }

  /// Of some rows from the first to the last, against their norm.
  double gradient_error(const Features& gradient) const {
    constexpr Index rows = 12;
    double error = 0;
    double norm = 0;
    for (Index row = 0; row < rows; ++row) {
      const Index i = row * (features.rows() - 1) / (rows - 1);
      const Eigen::RowVectorXd exact = exact_gradient(i);
      error += (gradient.row(i).cast<double>() - exact).squaredNorm();
      norm += exact.squaredNorm();
    }
    return std::sqrt(error / norm);
  }

  Features features;
  std::vector<int> labels;
};

/// Of the norm. A sum over the batch of one term after the other is off by more than 1e-5 here.
constexpr double bound = 2e-6;

}  // namespace

TEST_CASE("65,536 samples of 64 components: value and gradient in less than 150 MiB in all") {
  const Batch batch(65536, 64);
  Features gradient(65536, 64);
  ldmat::Loss<float> loss{};
  const ldmat::LossResult result = loss(batch.features, batch.labels, gradient);
  CHECK(result.pairs == Index{65536} * 65535 / 2);
  CHECK(std::isfinite(result.value));
  const double resident = most_resident();
  MESSAGE("most memory: ", resident, " MiB");
  CHECK(resident < 150);
  const double error = batch.gradient_error(gradient);
  MESSAGE("error of the gradient: ", error, " of its norm");
  CHECK(error <= bound);
}

TEST_CASE("65,536 samples of 2 components: the gradient is the definition's") {
  const Batch batch(65536, 2);
  Features gradient(65536, 2);
  ldmat::Loss<float> loss{};
  loss(batch.features, batch.labels, gradient);
  const double error = batch.gradient_error(gradient);
  MESSAGE("error of the gradient: ", error, " of its norm");
  CHECK(error <= bound);
}
