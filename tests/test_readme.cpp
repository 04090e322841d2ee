#include "support.hpp"

// The README's second block, compiled to the letter; check_readme.cmake compares the two.
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

  support::Random random(71);
  const support::Batch batch = support::random_batch(random, 30, 4, 3);
  const Eigen::MatrixXf narrow = batch.features.cast<float>();
  CHECK(loss(narrow, batch.labels).value > 0);
  CHECK(banded(batch.features, batch.labels).value > 0);
  const support::Matrix target = ldmat::label_distances(batch.labels, ldmat::ClassTable{table});
  ldmat::Loss<float> whole{};
  CHECK(by_hierarchy(narrow, batch.labels).value ==
        doctest::Approx(whole(narrow, ldmat::target_matrix(target)).value));
}
