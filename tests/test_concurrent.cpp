// Threads of the caller's own. Built alone it shows equal results; the thread sanitizer
// (`sh cmake/run.sh thread`) looks at it for races.
#include "support.hpp"

#include <ldmat/quality.hpp>
#include <ldmat/retrieval.hpp>

#include <cstring>
#include <thread>

using support::Random;

namespace {

constexpr int threads = 4;
constexpr int repeats = 3;

template <class Work>
void in_threads(const Work& work) {
  std::vector<std::thread> running;
  running.reserve(threads);
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&work, t] {
      for (int i = 0; i < repeats; ++i) work(t);
    });
  }
  for (auto& thread : running) thread.join();
}

template <class M>
bool same_bits(const M& a, const M& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(),
                     static_cast<std::size_t>(a.size()) * sizeof(typename M::Scalar)) == 0;
}

}  // namespace

TEST_CASE_TEMPLATE("one const loss, a workspace for each thread", Scalar, float, double) {
  using Features = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
  Random random(5);
  for (const ldmat::Index d : {2, 40}) {  // both kernels
    const support::Batch batch = support::random_batch(random, 150, d, 5);
    const Features features = batch.features.template cast<Scalar>();
    const ldmat::Loss<Scalar> loss({.classes = 5, .regularizer = ldmat::adaptive(0.25)});
    ldmat::Workspace<Scalar> first;
    Features expected;
    const auto value = loss.evaluate(features, batch.labels, expected, first).value;
    std::vector<int> right(threads, 0);
    in_threads([&](int t) {
      ldmat::Workspace<Scalar> workspace;
      Features gradient;
      const bool same =
          loss.evaluate(features, batch.labels, gradient, workspace).value == value &&
          same_bits(gradient, expected) &&
          std::abs(loss.evaluate(features, batch.labels, workspace).value - value) <= 1e-5 * value;
      right[static_cast<std::size_t>(t)] += same ? 1 : 0;
    });
    CHECK(right == std::vector<int>(threads, repeats));
  }
}

TEST_CASE("a loss for each thread learns from its own batches only") {
  Random random(6);
  std::vector<support::Batch> batches;
  std::vector<Eigen::MatrixXd> expected;
  const ldmat::LossOptions<> options{.classes = 4, .regularizer = ldmat::adaptive(0.5)};
  const auto learn = [&](const support::Batch& batch) {
    ldmat::Loss<float> loss(options);
    const Eigen::MatrixXf features = batch.features.cast<float>();
    for (int i = 0; i < 3; ++i) loss(features, batch.labels);
    return Eigen::MatrixXd(loss.running_distances().distance);
  };
  for (int t = 0; t < threads; ++t) {
    batches.push_back(support::random_batch(random, 60, 3, 4));
    expected.push_back(learn(batches.back()));
  }
  std::vector<int> right(threads, 0);
  in_threads([&](int t) {
    const auto at = static_cast<std::size_t>(t);
    right[at] += same_bits(learn(batches[at]), expected[at]) ? 1 : 0;
  });
  CHECK(right == std::vector<int>(threads, repeats));
}

TEST_CASE("matrices and figures are computed side by side") {
  Random random(7);
  const support::Batch batch = support::random_batch(random, 90, 4, 4);
  const Eigen::MatrixXf features = batch.features.cast<float>();
  const Eigen::MatrixXf distances = ldmat::feature_distances(features);
  const Eigen::MatrixXd target =
      ldmat::regularize(ldmat::label_distances(batch.labels), ldmat::shrink(0.5));
  const double silhouette = ldmat::silhouette(features, batch.labels);
  const double precision = ldmat::retrieval(features, batch.labels).map_at_r;
  std::vector<int> right(threads, 0);
  in_threads([&](int t) {
    const bool same = same_bits(Eigen::MatrixXf(ldmat::feature_distances(features)), distances) &&
                      same_bits(Eigen::MatrixXd(ldmat::regularize(
                                    ldmat::label_distances(batch.labels), ldmat::shrink(0.5))),
                                target) &&
                      ldmat::silhouette(features, batch.labels) == silhouette &&
                      ldmat::retrieval(features, batch.labels).map_at_r == precision;
    right[static_cast<std::size_t>(t)] += same ? 1 : 0;
  });
  CHECK(right == std::vector<int>(threads, repeats));
}
