#include "support.hpp"

#include <ldmat/anchored.hpp>
#include <ldmat/attainable.hpp>

// The block of docs/method.md, and the figures beside it; docs/snippets.cmake compares it.

TEST_CASE("what ten equal classes can have in the plane") {
  support::Random random(91);
  const support::Batch batch = support::random_batch(random, 300, 2, 10);
  const support::Matrix& features = batch.features;
  const std::vector<int>& labels = batch.labels;

  const Eigen::MatrixXd table = Eigen::MatrixXd::Ones(10, 10) - Eigen::MatrixXd::Identity(10, 10);
  const ldmat::Attainable best = ldmat::attainable(table, 2);  // ten classes, 1 apart, in the plane
  // best.realisable: false, best.dimensions_needed: 9, best.lowest_loss: 0.10988
  const double fraction = ldmat::reached(best, features, labels);
  // 1: class means are as good as best.positions; 0: as bad as all in one place; below 0: worse

  CHECK(!best.realisable);
  CHECK(best.dimensions_needed == 9);
  CHECK(best.lowest_loss == doctest::Approx(0.10988).epsilon(1e-5));
  CHECK(fraction < 1);

  // Nine on a circle, one in its middle.
  const Eigen::VectorXd radius = best.positions.rowwise().norm();
  CHECK(radius.minCoeff() < 1e-3);
  CHECK(radius.maxCoeff() == doctest::Approx(0.667).epsilon(1e-3));
  CHECK(radius.sum() == doctest::Approx(9 * radius.maxCoeff()).epsilon(1e-3));
  const double lowest[] = {0.2667, 0.1099, 0.0510, 0.0281, 0.0153, 0.0108, 0.0066, 0.0031, 0};
  for (ldmat::Index d = 1; d <= 9; ++d) {
    CHECK(std::abs(ldmat::attainable(table, d).lowest_loss - lowest[d - 1]) <= 0.5e-4);
  }
}

TEST_CASE("the anchored loss of docs/method.md") {
  support::Random random(92);
  const support::Batch batch = support::random_batch(random, 40, 16, 10);
  const Eigen::MatrixXf features = batch.features.cast<float>();
  const std::vector<int>& labels = batch.labels;

  const Eigen::MatrixXd table =  // ten classes, 5 apart
      5 * (Eigen::MatrixXd::Ones(10, 10) - Eigen::MatrixXd::Identity(10, 10));
  auto loss = ldmat::recommended_anchored<float>(table, 16);  // anchors in 16 dimensions
  Eigen::MatrixXf gradient;
  const auto result = loss(features, labels, gradient);

  CHECK(result.pairs == 400);
  CHECK(result.value > 0);
  CHECK(gradient.rows() == 40);
  CHECK((loss.options().anchors.row(0) - loss.options().anchors.row(9)).norm() ==
        doctest::Approx(5));
}
