#include "support.hpp"

#include <omp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

using ldmat::Index;
using support::Random;

namespace {

template <class Scalar>
struct Outcome {
  ldmat::LossResult result;
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> gradient;
};

template <class Scalar>
Outcome<Scalar> with_threads(int threads, const support::Batch& batch) {
  ldmat::Loss<Scalar> loss{{.class_distance = 2, .threads = threads}};
  Outcome<Scalar> outcome;
  outcome.result =
      loss(batch.features.template cast<Scalar>().eval(), batch.labels, outcome.gradient);
  return outcome;
}

template <class Scalar>
bool same_bits(const Outcome<Scalar>& a, const Outcome<Scalar>& b) {
  const auto bits = [](const ldmat::LossResult& r) {
    const std::array values{r.value, r.mean_same_distance, r.mean_different_distance};
    return std::bit_cast<std::array<std::uint64_t, 3>>(values);
  };
  return bits(a.result) == bits(b.result) && a.result.pairs == b.result.pairs &&
         a.result.same_pairs == b.result.same_pairs &&
         std::memcmp(a.gradient.data(), b.gradient.data(),
                     static_cast<std::size_t>(a.gradient.size()) * sizeof(Scalar)) == 0;
}

}  // namespace

TEST_CASE_TEMPLATE("any number of threads gives the same bits", Scalar, float, double) {
  Random random(71);
  for (const Index n : {1, 2, 129, 257, 500, 1300}) {
    for (const Index d : {2, 5, 40}) {
      const support::Batch batch = support::random_batch(random, n, d, 7);
      const Outcome<Scalar> one = with_threads<Scalar>(1, batch);
      for (const int threads : {0, 2, 3, 8}) {
        INFO("n ", n, " d ", d, " threads ", threads);
        CHECK(same_bits(one, with_threads<Scalar>(threads, batch)));
      }
    }
  }
}

TEST_CASE("threads are started for large batches only, no more than asked for or than blocks") {
  using Backend = ldmat::detail::OwnBackend;
  static_assert(Backend::threads);
  CHECK(Backend::thread_count(0, 32, 2, 100) == 1);
  CHECK(Backend::thread_count(0, 4096, 128, 100) == std::min(omp_get_max_threads(), 100));
  CHECK(Backend::thread_count(0, 4096, 128, 1) == 1);
  CHECK(Backend::thread_count(3, 32, 2, 100) == 3);
  CHECK(Backend::thread_count(3, 32, 2, 2) == 2);
  int inside = 0;
#pragma omp parallel num_threads(2)
  {
#pragma omp single
    inside = Backend::thread_count(0, 4096, 128, 100);
  }
  CHECK(inside == 1);
}

TEST_CASE("an adaptive regularizer sees the same with threads as without") {
  Random random(72);
  const support::Batch batch = support::random_batch(random, 700, 3, 4);
  const auto seen = [&](int threads) {
    ldmat::Loss<double> loss{
        {.classes = 4, .regularizer = ldmat::adaptive(0.3), .threads = threads}};
    support::Matrix gradient;
    loss(batch.features, batch.labels, gradient);
    return loss.running_distances().distance;
  };
  CHECK(seen(2) == seen(1));
}

TEST_CASE("a negative number of threads is refused") {
  CHECK_THROWS_WITH_AS(ldmat::Loss<float>{{.threads = -1}},
                       doctest::Contains("LossOptions::threads is -1"), std::invalid_argument);
}
