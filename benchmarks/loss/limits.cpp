#include "limits.hpp"

#include "pairs_in_two_dimensions.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>

namespace ldmat::bench {

namespace {

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// ---- the rate of matrix products ---------------------------------------------------------------

/// A product of two square matrices: the limit of kernels for many dimensions, which consist of
/// products. Counted are 2 side^3 operations, a multiplication and an addition for each triple.
template <class T>
class Product {
 public:
  static constexpr Eigen::Index side = 1024;
  static constexpr double operations = 2.0 * side * side * side;

  void operator()() { product_.noalias() = left_ * right_; }

 private:
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  Matrix left_ = Matrix::Random(side, side);
  Matrix right_ = Matrix::Random(side, side);
  Matrix product_ = Matrix::Zero(side, side);
};

// ---- the two of them, in float and in double ---------------------------------------------------

/// Measures one of them over and over and keeps the shortest time.
template <class Work>
class Best {
 public:
  explicit Best(int calls) : calls_(calls), work_(std::make_unique<Work>()) { (*work_)(); }

  void sample() {
    const double seconds = seconds_of([this] {
      for (int call = 0; call < calls_; ++call) (*work_)();
    });
    seconds_ = std::min(seconds_, seconds / calls_);
  }
  double seconds() const { return seconds_; }

 private:
  int calls_;
  std::unique_ptr<Work> work_;
  double seconds_ = std::numeric_limits<double>::infinity();
};

template <class T>
struct BestOf {
  using ByEstimate = PairsInTwoDimensions<T, Inverse::estimate>;
  using ByDivision = PairsInTwoDimensions<T, Inverse::division>;

  Best<Product<T>> product{1};
  Best<ByEstimate> by_estimate{50};  // a millisecond or two
  Best<ByDivision> by_division{50};

  void sample() {
    product.sample();
    for (int i = 0; i < 10; ++i) {
      by_estimate.sample();
      by_division.sample();
    }
  }
  Limit limit() const {
    return {.operations_per_second = Product<T>::operations / product.seconds(),
            .seconds_per_pair =
                std::min(by_estimate.seconds(), by_division.seconds()) / ByEstimate::pairs};
  }
};

Limits measure() {
  const int threads = Eigen::nbThreads();
  Eigen::setNbThreads(1);
  BestOf<float> single_precision;
  BestOf<double> double_precision;
  for (int round = 0; round < 16; ++round) {
    single_precision.sample();
    double_precision.sample();
  }
  Eigen::setNbThreads(threads);
  return {single_precision.limit(), double_precision.limit()};
}

}  // namespace

const Limits& limits() {
  static const Limits measured = measure();
  return measured;
}

}  // namespace ldmat::bench
