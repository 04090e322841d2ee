#include "support.hpp"

#include <vector>

// The blocks of docs/choosing.md and docs/migration.md; docs/snippets.cmake compares them.

using support::Matrix;
using support::Random;

TEST_CASE("targets") {
  Random random(81);
  const support::Batch batch = support::random_batch(random, 12, 3, 3);
  const Matrix& features = batch.features;
  const std::vector<int>& labels = batch.labels;
  Matrix gradient;

  ldmat::Loss<double> loss{{.class_distance = 2.0}};
  loss(features, labels, gradient);
  CHECK(ldmat::label_distances(labels, 2.0).maxCoeff() == 2);

  // Cats and dogs are 1 apart, either of them and a truck 2.
  const Eigen::MatrixXd table{{0, 1, 2}, {1, 0, 2}, {2, 2, 0}};
  ldmat::Loss<double> by_kind{{.class_table = table}};
  CHECK(by_kind(features, labels).value > 0);

  const Matrix ages = Matrix::NullaryExpr(
      12, 1, [](ldmat::Index i, ldmat::Index) { return static_cast<double>(i); });
  // One row of numbers per sample: ages, soft labels, several labels at once, positions.
  loss(features, ldmat::label_vectors(ages, ldmat::Manhattan{}), gradient);
  Matrix wanted = ldmat::label_distances(ages, ldmat::Manhattan{});
  CHECK(wanted(0, 11) == 11);
  Matrix by_vectors = gradient;

  // wanted: n x n, a target of your own for every pair of the batch
  loss(features, ldmat::target_matrix(wanted), gradient);
  CHECK(support::relative_error(gradient, by_vectors) <= 1e-12);

  const Matrix similarity = Matrix::Constant(12, 12, 1.0 / 12);
  const Eigen::MatrixXd given = ldmat::label_distances(labels);
  const Eigen::MatrixXd target = ldmat::regularize(given, ldmat::affinity(similarity, 0.2));
  loss(features, ldmat::target_matrix(target, given), gradient);
  CHECK(target(0, 0) == 0);
  CHECK(gradient.allFinite());
}

TEST_CASE("penalties, weights, regularizers") {
  Random random(82);
  const support::Batch batch = support::random_batch(random, 12, 3, 3);
  const Matrix& features = batch.features;
  const std::vector<int>& labels = batch.labels;
  Matrix gradient;

  ldmat::Loss<double, ldmat::Euclidean, ldmat::OneSided<ldmat::Huber>> loss{
      {.penalty = {{.threshold = 0.2}}}};
  CHECK(loss.options().penalty.base.threshold == 0.2);
  CHECK(ldmat::recommended_options().penalty.base.threshold == 0.2);

  ldmat::Loss<double> balanced{{.weights = ldmat::class_balanced()}};
  CHECK(balanced(features, labels).value > 0);

  ldmat::Loss<double> adaptive{{.classes = 3, .regularizer = ldmat::adaptive(0.5)}};
  adaptive(features, labels, gradient);  // a call with a gradient lets it see the batch

  const ldmat::RunningDistances state = adaptive.running_distances();  // into a checkpoint
  adaptive.restore(state);                                             // and back
  CHECK(state.distance.rows() == 3);
}

namespace {

double hinge(double x) {
  return x > 0 ? x : 0;
}

/// |x/|x| - y/|y||: the Euclidean distance of features scaled to norm 1.
struct Chord : ldmat::Euclidean {
  static constexpr bool of_directions = true;
};

}  // namespace

TEST_CASE("the contrastive loss of pytorch-metric-learning") {
  Random random(83);
  const support::Batch batch = support::random_batch(random, 40, 5, 4);
  const Matrix& features = batch.features;
  const std::vector<int>& labels = batch.labels;
  Matrix gradient;
  const double pos_margin = 0.1;
  const double neg_margin = 0.9;

  ldmat::Loss<double, Chord, ldmat::OneSided<ldmat::Absolute>> contrastive{
      {.class_distance = neg_margin - pos_margin,
       .regularizer = ldmat::offset(pos_margin),
       .weights = ldmat::class_balanced()}};
  const double value = 2 * contrastive(features, labels, gradient).value;

  // mean over same-class pairs of max(0, D - pos_margin) + mean over the others of
  // max(0, neg_margin - D), D of normalized features: ContrastiveLoss with MeanReducer.
  const auto reference = [&](const Matrix& x) {
    double sum[2] = {0, 0};
    int pairs[2] = {0, 0};
    for (ldmat::Index i = 0; i < x.rows(); ++i) {
      for (ldmat::Index j = 0; j < i; ++j) {
        const double distance = (x.row(i).normalized() - x.row(j).normalized()).norm();
        const bool same =
            labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)];
        sum[same ? 1 : 0] += same ? hinge(distance - pos_margin) : hinge(neg_margin - distance);
        ++pairs[same ? 1 : 0];
      }
    }
    return sum[1] / pairs[1] + sum[0] / pairs[0];
  };
  CHECK(value == doctest::Approx(reference(features)).epsilon(1e-12));
  for (ldmat::Index i = 0; i < 40; i += 7) {
    bool twice = false;  // copies are at a kink
    for (ldmat::Index j = 0; j < 40; ++j) {
      twice = twice || (i != j && features.row(i) == features.row(j));
    }
    if (twice) continue;
    Matrix moved = features;
    moved(i, 2) += 1e-6;
    const double above = reference(moved);
    moved(i, 2) -= 2e-6;
    CHECK(2 * gradient(i, 2) ==
          doctest::Approx((above - reference(moved)) / 2e-6).epsilon(1e-5).scale(0.01));
  }
}

TEST_CASE("the hinges of dlib's loss_metric") {
  Random random(84);
  const support::Batch batch = support::random_batch(random, 40, 5, 4);
  const Eigen::MatrixXf features = batch.features.cast<float>();
  const std::vector<int>& labels = batch.labels;
  Eigen::MatrixXf gradient;

  const double margin = 0.04;
  const double threshold = 0.6;
  ldmat::Loss<float, ldmat::Euclidean, ldmat::OneSided<ldmat::Absolute>> hinges{
      {.class_distance = 2 * margin,
       .regularizer = ldmat::offset(threshold - margin),
       .weights = ldmat::class_balanced()}};
  const double value = 2 * hinges(features, labels, gradient).value;

  double sum[2] = {0, 0};
  int pairs[2] = {0, 0};
  for (ldmat::Index i = 0; i < 40; ++i) {
    for (ldmat::Index j = 0; j < i; ++j) {
      const double distance = (features.row(i) - features.row(j)).cast<double>().norm();
      const bool same = labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)];
      sum[same ? 1 : 0] +=
          same ? hinge(distance - threshold + margin) : hinge(threshold - distance + margin);
      ++pairs[same ? 1 : 0];
    }
  }
  CHECK(value == doctest::Approx(sum[1] / pairs[1] + sum[0] / pairs[0]).epsilon(1e-6));
}
