#include "support.hpp"

#include <ldmat/quality.hpp>
#include <ldmat/retrieval.hpp>

#include <iostream>
#include <sstream>
#include <stdexcept>
#include <vector>

// The blocks of README.md and docs/quickstart.md; docs/snippets.cmake compares them.

using support::Random;

namespace {

/// Sends std::cout elsewhere for as long as it lives.
class Captured {
 public:
  Captured() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  ~Captured() { std::cout.rdbuf(before_); }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

}  // namespace

TEST_CASE("the options that the README shows") {
  // clang-format off
auto loss = ldmat::recommended<float>();                        // one-sided Huber penalty

ldmat::Loss<double, ldmat::Cosine, ldmat::Band> banded{{        // metric and penalty are types,
    .class_distance = 0.8,                                      // everything else is an option
    .penalty = {.same = 0.05, .different = 0.1},
    .weights = ldmat::class_balanced(),
    .reduction = ldmat::Reduction::sum}};

const Eigen::MatrixXd table{{0, 1, 2}, {1, 0, 2}, {2, 2, 0}};   // classes 0 and 1 are related
ldmat::Loss<float> by_hierarchy{{.class_table = table}};        // K x K distances between classes
  // clang-format on

  Random random(71);
  const support::Batch batch = support::random_batch(random, 30, 4, 3);
  const Eigen::MatrixXf narrow = batch.features.cast<float>();
  CHECK(loss(narrow, batch.labels).value > 0);
  CHECK(banded(batch.features, batch.labels).value > 0);
  const support::Matrix target = ldmat::label_distances(batch.labels, ldmat::ClassTable{table});
  ldmat::Loss<float> whole{};
  CHECK(by_hierarchy(narrow, batch.labels).value ==
        doctest::Approx(whole(narrow, ldmat::target_matrix(target)).value));
}

TEST_CASE("a step of training on buffers of another library") {
  Random random(72);
  const support::Batch batch = support::random_batch(random, 40, 2, 10);
  const ldmat::Index n = 40;
  const ldmat::Index d = 2;
  std::vector<float> features(80);
  for (ldmat::Index i = 0; i < n; ++i) {
    for (ldmat::Index k = 0; k < d; ++k) {
      features[static_cast<std::size_t>(i * d + k)] = static_cast<float>(batch.features(i, k));
    }
  }
  const std::vector<int>& labels = batch.labels;
  std::vector<float> gradient(80);
  auto loss = ldmat::recommended<float>();  // make it once, outside of the loop

  const auto x = ldmat::view(features.data(), n, d);  // n x d floats, row by row; nothing is copied
  const auto result = loss(x, labels, ldmat::view(gradient.data(), n, d));  // overwrites gradient
  ldmat::Loss<double> plain{};
  CHECK(plain(batch.features, labels).pairs == result.pairs);
  const Eigen::MatrixXf copy = batch.features.cast<float>();
  Eigen::MatrixXf expected;
  CHECK(loss(copy, labels, expected).value == result.value);
  CHECK(ldmat::view(gradient.data(), n, d) == expected);
  CHECK(result.value > 0);

  Captured captured;
  std::cout << result.value << ": same class " << result.mean_same_distance
            << " apart, different classes " << result.mean_different_distance << '\n';
  CHECK(captured.text().find(": same class ") != std::string::npos);
}

TEST_CASE("features are judged by any classifier") {
  Random random(73);
  const support::Batch batch = support::random_batch(random, 200, 2, 4);
  const Eigen::MatrixXf train_features = batch.features.topRows(120).cast<float>();
  const Eigen::MatrixXf test_features = batch.features.bottomRows(80).cast<float>();
  const std::vector<int> train_labels(batch.labels.begin(), batch.labels.begin() + 120);
  const std::vector<int> test_labels(batch.labels.begin() + 120, batch.labels.end());
  const double nearest_centre =
      ldmat::nearest_centroid_accuracy(train_features, train_labels, test_features, test_labels);
  const double five_neighbours =
      ldmat::knn_accuracy(train_features, train_labels, test_features, test_labels, 5);
  const ldmat::ClassSpread spread = ldmat::class_spread(test_features, test_labels);
  // spread.min_ratio: the smallest distance between class centres over the mean within a class
  CHECK(nearest_centre > 0.25);
  CHECK(five_neighbours > 0.25);
  CHECK(spread.classes == 4);
}

TEST_CASE("what does not fit is refused") {
  Captured captured;
  ldmat::Loss<double> loss{};
  const Eigen::MatrixXd features = Eigen::MatrixXd::Random(3, 2);
  try {
    loss(features, std::vector<int>{0, 1});
  } catch (const std::invalid_argument& error) {
    std::cout << error.what() << '\n';
  }
  CHECK(captured.text() ==
        "ldmat: labels has 2 entries, but features has 3 rows: one label per row is needed\n");
}

TEST_CASE("threads with a workspace each") {
  Random random(74);
  const support::Batch batch = support::random_batch(random, 30, 3, 3);
  const support::Matrix& features = batch.features;
  const std::vector<int>& labels = batch.labels;
  support::Matrix gradient;
  const ldmat::Loss<double> shared{};            // const: any number of threads may use it
  ldmat::Loss<double>::WorkspaceType workspace;  // one for each thread
  const auto result = shared.evaluate(features, labels, gradient, workspace);
  support::Matrix expected;
  ldmat::Loss<double> own{};
  CHECK(own(features, labels, expected).value == result.value);
  CHECK(gradient == expected);
}
