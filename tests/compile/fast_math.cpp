// With -ffast-math a compiler may take every number to be finite: what ldmat checks, it still finds.
#include "batch.hpp"

#include <ldmat/quality.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>

#if !defined(__FAST_MATH__) && !defined(_M_FP_FAST)
#error "this is to be compiled with -ffast-math"
#endif

namespace {

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

/// Numbers that no compiler knows.
template <class S>
S read(S value) {
  volatile S kept = value;
  return kept;
}

}  // namespace

TEST_CASE("value and gradient under -ffast-math") {
  CHECK(largest_error() < 1e-5);
}

TEST_CASE_TEMPLATE("check_finite under -ffast-math", S, float, double) {
  using Limits = std::numeric_limits<S>;
  for (const S bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic> f(3, 2);
    f << 1, 2, 3, 4, 5, 6;
    const std::vector<int> labels{0, 0, 1};
    ldmat::Loss<S> loss({.check_finite = true});
    CHECK(message_of([&] { loss(f, labels); }).empty());
    f(1, 0) = read(bad);
    CHECK(message_of([&] { loss(f, labels); }).starts_with("ldmat: features(1, 0) is "));
    CHECK(message_of([&] { ldmat::silhouette(f, labels); }).starts_with("ldmat: features(1, 0)"));
  }
}

TEST_CASE("parameters under -ffast-math") {
  using Limits = std::numeric_limits<double>;
  for (const double bad : {Limits::quiet_NaN(), Limits::infinity(), -1.0}) {
    const double given = read(bad);
    CHECK(message_of([&] {
            ldmat::Loss<float>({.class_distance = given});
          }).starts_with("ldmat: LossOptions::class_distance is "));
    CHECK(message_of([&] {
            ldmat::Loss<float>({.regularizer = ldmat::shrink(given)});
          }).starts_with("ldmat: Regularizer::"));
    CHECK(message_of([&] {
            ldmat::LossOptions<ldmat::Euclidean, ldmat::Huber> options;
            options.penalty.threshold = given;
            ldmat::Loss<float, ldmat::Euclidean, ldmat::Huber>{options};
          }).starts_with("ldmat: Huber::threshold is "));
  }
}
