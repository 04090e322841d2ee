#include "support.hpp"

#include <ldmat/anchored.hpp>

#include <cmath>
#include <limits>

using doctest::Approx;
using ldmat::AnchoredLoss;
using ldmat::AnchorOptions;
using ldmat::Index;
using support::AnyPenalty;
using support::contains;
using support::Matrix;
using support::message_of;
using support::Random;

namespace {

struct Expected {
  double value = 0;
  Matrix gradient;
};

/// The loss by its definition, in double, from the textbook formulas of distances and penalties.
Expected by_definition(support::MetricKind metric, const AnyPenalty& penalty,
                       const Matrix& features, const std::vector<int>& labels,
                       const Matrix& anchors, const Matrix& table, double share, bool beyond_own) {
  Expected expected{0, Matrix::Zero(features.rows(), features.cols())};
  const Index k = anchors.rows();
  const auto n = static_cast<double>(features.rows());
  for (Index i = 0; i < features.rows(); ++i) {
    const Index y = labels[static_cast<std::size_t>(i)];
    for (Index c = 0; c < k; ++c) {
      const double weight = (k == 1   ? 1
                             : c == y ? share
                                      : (1 - share) / static_cast<double>(k - 1)) /
                            n;
      const Eigen::VectorXd x = features.row(i);
      const Eigen::VectorXd a = anchors.row(c);
      const auto d = support::distance(metric, x, a);
      const Eigen::VectorXd a_y = anchors.row(y);
      const auto own = support::distance(metric, x, a_y);
      const double u = beyond_own && c != y ? 1 : 0;
      const auto cost = support::penalized(penalty, d.value - u * own.value - table(y, c), c == y);
      expected.value += weight * cost.value;
      expected.gradient.row(i) += weight * cost.slope * (d.gradient - u * own.gradient).transpose();
    }
  }
  return expected;
}

Matrix distances_between(support::MetricKind metric, const Matrix& points) {
  return Matrix::NullaryExpr(points.rows(), points.rows(), [&](Index a, Index b) {
    return support::distance(metric, points.row(a), points.row(b)).value;
  });
}

Matrix random_points(Random& random, Index rows, Index columns) {
  return Matrix::NullaryExpr(rows, columns, [&] { return random.normal(); });
}

Matrix symmetric_table(Random& random, Index k) {
  Matrix table = Matrix::Zero(k, k);
  for (Index a = 0; a < k; ++a) {
    for (Index b = 0; b < a; ++b) table(a, b) = table(b, a) = 0.2 + 2 * random.uniform();
  }
  return table;
}

std::vector<int> random_labels(Random& random, Index n, Index k) {
  std::vector<int> labels;
  for (Index i = 0; i < n; ++i) labels.push_back(static_cast<int>(random.below(k)));
  return labels;
}

template <class Scalar, class M>
void compare(Random& random, double tolerance) {
  constexpr auto metric = support::kind_of<M>();
  for (const Index k : {1, 2, 7, 16, 17, 40}) {
    for (const AnyPenalty penalty : {AnyPenalty{0, false, 0}, AnyPenalty{0, true, 0},
                                     AnyPenalty{1, false, 0}, AnyPenalty{2, true, 0.3}}) {
      const Index d = 1 + random.below(9);
      const Matrix anchors =
          random_points(random, k, d).template cast<float>().template cast<double>();
      const Matrix table =
          random.below(2) == 0 ? symmetric_table(random, k) : distances_between(metric, anchors);
      const Matrix features =
          random_points(random, 13, d).template cast<Scalar>().template cast<double>();
      const auto labels = random_labels(random, 13, k);
      const double share = random.uniform();
      const bool beyond_own = random.below(2) == 0;
      AnchoredLoss<Scalar, M, AnyPenalty> loss({.anchors = anchors,
                                                .class_table = table,
                                                .beyond_own = beyond_own,
                                                .penalty = penalty,
                                                .same_share = share});
      const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> given = features.cast<Scalar>();
      Eigen::Matrix<ldmat::Accumulator<Scalar>, Eigen::Dynamic, Eigen::Dynamic> gradient;
      const auto result = loss(given, labels, gradient);
      const auto expected =
          by_definition(metric, penalty, features, labels, anchors, table, share, beyond_own);
      CAPTURE(beyond_own);
      CAPTURE(k);
      CAPTURE(d);
      CHECK(std::abs(result.value - expected.value) <= tolerance * (1 + expected.value));
      CHECK((gradient.template cast<double>() - expected.gradient).norm() <=
            tolerance * (1 + expected.gradient.norm()));
      CHECK(loss(given, labels).value == result.value);
      CHECK(result.pairs == 13 * k);
      CHECK(result.same_pairs == 13);
    }
  }
}

const Matrix square{{0, 0}, {2, 0}, {0, 2}, {2, 2}};

}  // namespace

TEST_CASE("the anchored loss is what its definition says") {
  Random random(11);
  compare<double, ldmat::Euclidean>(random, 1e-12);
  compare<double, ldmat::SquaredEuclidean>(random, 1e-12);
  compare<double, ldmat::Manhattan>(random, 1e-12);
  compare<float, ldmat::Euclidean>(random, 1e-5);
  compare<float, ldmat::Manhattan>(random, 1e-5);
  compare<Eigen::half, ldmat::SquaredEuclidean>(random, 1e-5);
  compare<Eigen::bfloat16, ldmat::Euclidean>(random, 1e-5);
}

template <class Metric, class Penalty>
void check_differences(Random& random, const Penalty& penalty, double target_share,
                       bool beyond_own) {
  const Matrix anchors = random_points(random, 5, 3);
  Matrix table = Matrix::Zero(5, 5);
  for (Index a = 0; a < 5; ++a) {
    for (Index b = 0; b < a; ++b) table(a, b) = table(b, a) = 1 + static_cast<double>(a + b) / 4;
  }
  const auto labels = random_labels(random, 9, 5);
  for (const Matrix& given : {Matrix(), table}) {
    Matrix features = random_points(random, 9, 3);
    AnchoredLoss<double, Metric, Penalty> loss({.anchors = anchors,
                                                .class_table = given,
                                                .target_share = target_share,
                                                .beyond_own = beyond_own,
                                                .penalty = penalty,
                                                .same_share = 0.3});
    Matrix gradient;
    loss(features, labels, gradient);
    Matrix slopes(9, 3);
    constexpr double step = 1e-6;
    for (Index i = 0; i < features.size(); ++i) {
      double& entry = features.data()[i];
      const double saved = entry;
      entry = saved + step;
      const double above = loss(features, labels).value;
      entry = saved - step;
      const double below = loss(features, labels).value;
      entry = saved;
      slopes.data()[i] = (above - below) / (2 * step);
    }
    CHECK(slopes.norm() > 0.1);
    CHECK((slopes - gradient).norm() <= 1e-6 * slopes.norm());
  }
}

TEST_CASE("the anchored loss's gradient is that of central differences") {
  Random random(12);
  for (const double share : {0.25, 0.75, 1.0, 2.0}) {
    for (const bool beyond : {false, true}) {
      CAPTURE(share);
      CAPTURE(beyond);
      const ldmat::Huber huber{0.4};
      const ldmat::Band band{0.1, 0.3};
      check_differences<ldmat::Euclidean>(random, ldmat::OneSided<ldmat::Squared>{}, share, beyond);
      check_differences<ldmat::Euclidean>(random, huber, share, beyond);
      check_differences<ldmat::Euclidean>(random, band, share, beyond);
      check_differences<ldmat::SquaredEuclidean>(random, huber, share, beyond);
      check_differences<ldmat::SquaredEuclidean>(random, ldmat::OneSided<ldmat::Band>{band}, share,
                                                 beyond);
      check_differences<ldmat::Manhattan>(random, huber, share, beyond);
      check_differences<ldmat::Manhattan>(random, ldmat::Squared{}, share, beyond);
    }
  }
}

TEST_CASE("samples at their anchors cost nothing, without a table and with a gradient of zero") {
  const std::vector<int> labels{3, 0, 1, 2, 3};
  const Matrix features = square({3, 0, 1, 2, 3}, Eigen::all);
  AnchoredLoss<double, ldmat::Euclidean, ldmat::Squared> loss({.anchors = square});
  Matrix gradient;
  CHECK(loss(features, labels, gradient).value < 1e-28);
  CHECK(gradient.cwiseAbs().maxCoeff() < 1e-14);
  const auto result = loss(features, labels);
  CHECK(result.mean_same_distance == 0);
  CHECK(result.mean_different_distance == Approx((4 + 2 * std::sqrt(2.0)) / 3));
}

TEST_CASE("targets are a share of the distances between anchors") {
  const Matrix features{{1, 0}};
  const auto value = [&](double share) {
    AnchoredLoss<double> loss({.anchors = Matrix{{0, 0}, {4, 0}}, .target_share = share});
    return loss(features, std::vector<int>{0}).value;
  };
  CHECK(value(1) == Approx(0.5 * 1 + 0.5 * 1));  // 1 from its own, 3 from the other instead of 4
  CHECK(value(0.875) == Approx(0.5 * 1 + 0.5 * 0.25));  // instead of 3.5
  CHECK(value(0.75) == Approx(0.5));                    // which is far enough
}

TEST_CASE("wanted distances beyond the own anchor's") {
  const auto value = [&](const Matrix& at, double share) {
    AnchoredLoss<double> loss(
        {.anchors = Matrix{{0, 0}, {4, 0}}, .target_share = share, .beyond_own = true});
    return loss(at, std::vector<int>{0}).value;
  };
  // 1 from its own, 3 from the other, which is 2 farther.
  CHECK(value(Matrix{{1, 0}}, 0.5) == Approx(0.5 * 1));
  CHECK(value(Matrix{{1, 0}}, 0.25) == Approx(0.5 * 1));
  CHECK(value(Matrix{{1, 0}}, 0.75) == Approx(0.5 * 1 + 0.5 * 1));  // 3 was asked for
  // Far from both, where the other is farther than any fixed target, and not farther than its own.
  CHECK(value(Matrix{{2, 100}}, 0.5) == Approx(0.5 * (4 + 1e4) + 0.5 * 4));
  CHECK(value(Matrix{{0, 0}}, 1) == 0);

  AnchoredLoss<double> loss(
      {.anchors = Matrix{{0, 0}, {4, 0}}, .target_share = 0.5, .beyond_own = true});
  const std::vector<int> first{0};
  Matrix gradient;
  loss(Matrix{{0, 0}}, first, gradient);  // at its own anchor
  CHECK(gradient == Matrix::Zero(1, 2));
  loss(Matrix{{4, 0}}, first, gradient);  // at the other: to its own, by both terms of D_iy
  CHECK(gradient.isApprox(Matrix{{0.5 * 2 * 4 + 0.5 * 2 * 6, 0}}));
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(loss(Matrix{{nan, 0}}, first, gradient).value));
  CHECK(std::isnan(gradient(0, 0)));

  AnchoredLoss<double> alone({.anchors = Matrix{{1, 0}}, .beyond_own = true});
  CHECK(alone(Matrix{{3, 0}}, first, gradient).value == 4);
  CHECK(gradient == Matrix{{4, 0}});
}

TEST_CASE("a sample's gradient does not depend on the others of the batch") {
  Random random(13);
  const Matrix features = random_points(random, 6, 2);
  const std::vector<int> labels{0, 1, 2, 3, 0, 1};
  AnchoredLoss<double> loss({.anchors = square});
  Matrix all;
  Matrix one;
  loss(features, labels, all);
  for (Index i = 0; i < 6; ++i) {
    one.resize(0, 0);
    loss(features.row(i), std::vector<int>{labels[static_cast<std::size_t>(i)]}, one);
    CHECK((one / 6 - all.row(i)).cwiseAbs().maxCoeff() < 1e-15);
  }
}

TEST_CASE("gradient descent takes samples to the anchors of their classes") {
  Random random(14);
  Matrix features = random_points(random, 12, 2);
  std::vector<int> labels;
  for (int i = 0; i < 12; ++i) labels.push_back(i % 4);
  AnchoredLoss<double> loss({.anchors = square});
  Matrix gradient;
  for (int step = 0; step < 400; ++step) {
    loss(features, labels, gradient);
    features -= 2 * gradient;
  }
  for (Index i = 0; i < 12; ++i) CHECK((features.row(i) - square.row(i % 4)).norm() < 1e-3);
}

TEST_CASE("recommended_anchored places the classes as their table says") {
  const Matrix table = 5 * (Matrix::Ones(4, 4) - Matrix::Identity(4, 4));
  const auto loss = ldmat::recommended_anchored<float>(table, 3);
  const Matrix& anchors = loss.options().anchors;
  CHECK((distances_between(support::MetricKind::euclidean, anchors) - table).cwiseAbs().maxCoeff() <
        1e-9);
  CHECK(loss.options().same_share == 3.0 / 14);
  CHECK(loss.options().target_share == 0.75);
  CHECK(!loss.options().beyond_own);
  CHECK_THROWS_AS(ldmat::recommended_anchored<float>(Matrix::Ones(2, 2), 3), std::invalid_argument);
}

TEST_CASE("any layout of features and gradient, and an empty batch") {
  Random random(15);
  const Matrix features = random_points(random, 8, 2);
  const std::vector<int> labels{0, 1, 2, 3, 0, 1, 2, 3};
  AnchoredLoss<double> loss({.anchors = square});
  Matrix expected;
  loss(features, labels, expected);
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = features;
  Matrix wide = Matrix::Constant(8, 6, 7);
  auto block = wide.middleCols(2, 2);
  loss(rows, labels, block);
  CHECK(block == expected);
  CHECK((wide.leftCols(2).array() == 7).all());
  CHECK((wide.rightCols(2).array() == 7).all());
  Matrix none(0, 2);
  CHECK(loss(none, std::vector<int>{}).value == 0);
}

TEST_CASE("NaN features make a NaN loss, or an error where it is asked for") {
  Matrix features = Matrix::Zero(3, 2);
  features(1, 1) = std::numeric_limits<double>::quiet_NaN();
  const std::vector<int> labels{0, 1, 2};
  AnchoredLoss<double> loss({.anchors = square});
  Matrix gradient;
  CHECK(std::isnan(loss(features, labels, gradient).value));
  CHECK(std::isnan(gradient(1, 0)));
  CHECK(gradient.row(0).allFinite());
  AnchoredLoss<double> careful({.anchors = square, .check_finite = true});
  CHECK(contains(message_of([&] { careful(features, labels); }), "(1, 1)"));
}

TEST_CASE("the anchored loss refuses what does not fit") {
  const auto refused = [](const AnchorOptions<>& options) {
    return message_of([&] { AnchoredLoss<double> loss(options); });
  };
  CHECK(contains(refused({}), "AnchorOptions::anchors is 0 x 0"));
  Matrix broken = square;
  broken(2, 1) = std::numeric_limits<double>::infinity();
  CHECK(contains(refused({.anchors = broken}), "AnchorOptions::anchors(2, 1) is inf"));
  CHECK(contains(refused({.anchors = square, .same_share = 1.5}),
                 "AnchorOptions::same_share is 1.5"));
  CHECK(contains(refused({.anchors = square, .target_share = -1}),
                 "AnchorOptions::target_share is -1"));
  CHECK(contains(refused({.anchors = square, .class_table = Matrix::Zero(3, 3)}),
                 "AnchorOptions::class_table has 3 classes, but there are 4"));
  CHECK(contains(refused({.anchors = square, .class_table = Matrix::Ones(4, 4)}),
                 "the diagonal must be zero"));

  // Finite, but not where distances are computed.
  const Matrix far = 1e39 * square;
  CHECK(contains(message_of([&] { AnchoredLoss<float> loss({.anchors = far}); }),
                 "AnchorOptions::anchors are too large for float"));
  const Matrix farther = 1e200 * square;
  CHECK(contains(refused({.anchors = farther}),
                 "the wanted distances to anchors are too large for double"));
  CHECK(refused({.anchors = far}).empty());
  const Matrix between = 1e25 * square;
  CHECK(contains(
      message_of([&] { AnchoredLoss<float> loss({.anchors = between, .target_share = 0}); }),
      "the distances between AnchorOptions::anchors are too large for float"));
  CHECK(contains(
      refused({.anchors = square, .target_share = std::numeric_limits<double>::quiet_NaN()}),
      "AnchorOptions::target_share is nan"));
  Matrix table = Matrix::Ones(4, 4) - Matrix::Identity(4, 4);
  table(0, 1) = 2;
  CHECK(contains(refused({.anchors = square, .class_table = table}), "must be symmetric"));
  table(1, 0) = table(0, 1) = -2;
  CHECK(contains(refused({.anchors = square, .class_table = table}),
                 "AnchorOptions::class_table(0, 1) is -2"));
  CHECK(contains(message_of([&] {
                   AnchoredLoss<double, ldmat::Euclidean, ldmat::Huber> loss(
                       {.anchors = square, .penalty = {-1}});
                 }),
                 "Huber"));

  AnchoredLoss<double> loss({.anchors = square});
  Matrix features = Matrix::Zero(3, 2);
  Matrix gradient = Matrix::Constant(3, 2, 7);
  const auto error = [&](const Matrix& x, const std::vector<int>& labels) {
    return message_of([&] { loss(x, labels, gradient); });
  };
  CHECK(contains(error(Matrix::Zero(3, 4), {0, 1, 2}), "features is 3 x 4"));
  CHECK(contains(error(features, {0, 1}), "labels has 2 entries"));
  CHECK(contains(error(features, {0, 1, 4}),
                 "labels[2] is 4, but class ids must be between 0 and 3"));
  CHECK(contains(error(features, {0, -1, 3}), "labels[1] is -1"));
  CHECK(contains(message_of([&] {
                   loss(features, std::vector<int>{0, 1, 2}, features);
                 }),
                 "gradient overlaps features"));
  std::vector<double> memory(6, 7);  // both columns at one place
  auto overlapping = ldmat::view(memory.data(), 3, 2, 1, 0);
  CHECK(contains(message_of([&] {
                   loss(features, std::vector<int>{0, 1, 2}, overlapping);
                 }),
                 "gradient"));
  CHECK(memory == std::vector<double>(6, 7));
  Matrix small = Matrix::Constant(2, 2, 7);
  CHECK(contains(message_of([&] {
                   loss(features, std::vector<int>{0, 1, 2}, small);
                 }),
                 "gradient is 2 x 2"));
  CHECK((gradient.array() == 7).all());
  CHECK((small.array() == 7).all());
}
