#include "loss/triplet.hpp"
#include "test_loss_check.hpp"

#include <optional>

using namespace tiny_test;
using tiny::SemiHardTriplet;

namespace {

struct Mined {
  double value = 0;
  double pairs = 0;
  Matrix gradient;
};

// Every triplet by its definition, with its own share of the gradient.
Mined brute_force(const Matrix& f, const Labels& labels, double margin) {
  const auto same = [&](Index i, Index j) {
    return labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)];
  };
  Mined mined;
  mined.gradient = Matrix::Zero(f.rows(), f.cols());
  for (Index a = 0; a < f.rows(); ++a) {
    for (Index p = 0; p < f.rows(); ++p) {
      if (p == a || !same(a, p)) continue;
      std::optional<Index> semi_hard, easiest;
      for (Index n = 0; n < f.rows(); ++n) {
        if (same(a, n)) continue;
        const double distance = squared_distance(f, a, n);
        if (distance > squared_distance(f, a, p) &&
            (!semi_hard || distance < squared_distance(f, a, *semi_hard))) {
          semi_hard = n;
        }
        if (!easiest || distance > squared_distance(f, a, *easiest)) easiest = n;
      }
      if (!easiest) continue;
      mined.pairs += 1;
      const Index n = semi_hard ? *semi_hard : *easiest;
      const double loss = squared_distance(f, a, p) - squared_distance(f, a, n) + margin;
      if (loss <= 0) continue;
      mined.value += loss;
      mined.gradient.row(a) += 2 * (f.row(n) - f.row(p));
      mined.gradient.row(p) += 2 * (f.row(p) - f.row(a));
      mined.gradient.row(n) += 2 * (f.row(a) - f.row(n));
    }
  }
  if (mined.pairs > 0) {
    mined.value /= mined.pairs;
    mined.gradient /= mined.pairs;
  }
  return mined;
}

}  // namespace

TEST_CASE("triplet: value, gradient and invariances for several margins") {
  for (const double margin : {0.05, 0.5, 3.0}) {
    CAPTURE(margin);
    check_batch_loss(
        SemiHardTriplet<double>(margin),
        [&](const Matrix& f, const Labels& labels) { return brute_force(f, labels, margin).value; },
        1, 40);
  }
  check_degenerate(SemiHardTriplet<double>(1));
  check_single(SemiHardTriplet<double>(1), SemiHardTriplet<float>(1));
}

TEST_CASE("triplet: the same triplets as by brute force where many distances are equal") {
  tiny::Rng rng(2);
  SemiHardTriplet<double> loss(1.5);  // one object, so that nothing may be left of a batch before
  int that_cost = 0;
  for (int round = 0; round < 60; ++round) {
    const auto n = static_cast<Index>(2 + rng.below(30));
    Matrix f(n, 2);
    for (double& value : tiny::as_span(f.data(), f.size())) {
      value = static_cast<double>(rng.below(4)) - 7;
    }
    const Labels labels = random_labels(n, static_cast<int>(1 + rng.below(4)), rng);
    const Mined expected = brute_force(f, labels, 1.5);
    Matrix g;
    CAPTURE(round);
    CHECK(loss(f, labels, g).value == doctest::Approx(expected.value).epsilon(1e-13));
    CHECK((g - expected.gradient).cwiseAbs().maxCoeff() < 1e-12);
    that_cost += expected.value > 0;
  }
  CHECK(that_cost > 40);
}

TEST_CASE("triplet: many samples, against brute force") {
  tiny::Rng rng(6);
  const Matrix f = random_matrix(150, 20, rng) / 5;
  const Labels labels = random_labels(150, 6, rng);
  const Mined expected = brute_force(f, labels, 0.5);
  Matrix g;
  CHECK(SemiHardTriplet<double>(0.5)(f, labels, g).value ==
        doctest::Approx(expected.value).epsilon(1e-12));
  CHECK((g - expected.gradient).norm() <= 1e-12 * expected.gradient.norm());
}

TEST_CASE("triplet: which negative is taken, on a line") {
  Matrix f(4, 1), g;
  // The anchor at 0 and its positive at 2 (D 4). Negatives at 3 (D 9) and 5 (D 25): the nearer one is
  // semi-hard for a margin above 5, else it costs nothing. From 2, they are at D 1 and 9: the first
  // is nearer than the positive, so the second is taken.
  f << 0, 2, 3, 5;
  const Labels labels{0, 0, 1, 2};
  auto value = [&](double margin) { return SemiHardTriplet<double>(margin)(f, labels, g).value; };
  CHECK(value(5) == 0);
  CHECK(g == Matrix::Zero(4, 1));
  CHECK(value(5.5) == doctest::Approx((0.5 + (4 - 9 + 5.5)) / 2));
  // 0: 2 (f_n - f_p) = 2 from its own, 2 (f_p - f_a) = -4 from the other's; half of the sum.
  CHECK(g(0, 0) == doctest::Approx((2 * (3 - 2) + 2 * (0 - 2)) / 2.0));
  CHECK(g(2, 0) == doctest::Approx(2 * (0 - 3) / 2.0));
  CHECK(g(3, 0) == doctest::Approx(2 * (2 - 5) / 2.0));
  // A negative exactly as far as the positive is not farther: the farthest is taken, here itself.
  f << 0, 2, -2, -2;
  CHECK(SemiHardTriplet<double>(1)(f, {0, 0, 1, 1}, g).value ==
        doctest::Approx((1.0 + 0 + (0 - 4 + 1 < 0 ? 0 : 1) + 0) / 4));
}

TEST_CASE("triplet: rotated and moved features give the same value") {
  tiny::Rng rng(3);
  const Matrix f = random_matrix(30, 5, rng);
  const Labels labels = random_labels(30, 3, rng);
  const double value = value_of(SemiHardTriplet<double>(2), f, labels);
  CHECK(value > 0);
  const Matrix moved = (f * rotation(5, rng)).rowwise() + Eigen::RowVectorXd::Constant(5, 3.5);
  CHECK(value_of(SemiHardTriplet<double>(2), moved, labels) ==
        doctest::Approx(value).epsilon(1e-11));
}

TEST_CASE("triplet: batches without a triplet, and samples that coincide") {
  tiny::Rng rng(4);
  const Matrix f = random_matrix(5, 2, rng);
  Matrix g;
  for (const Labels& labels : {Labels{3, 3, 3, 3, 3}, Labels{0, 1, 2, 3, 4}}) {
    CHECK(SemiHardTriplet<double>(1)(f, labels, g).value == 0);
    CHECK(g == Matrix::Zero(5, 2));
  }
  CHECK(SemiHardTriplet<double>(0.75)(Matrix::Ones(4, 2), {0, 0, 1, 1}, g).value == 0.75);
  CHECK(g == Matrix::Zero(4, 2));
}

TEST_CASE("triplet: distances far from the origin keep their gradient in single precision") {
  tiny::Rng rng(5);
  const Labels labels = random_labels(40, 3, rng);
  tiny::Matrix<float> f = random_matrix(40, 4, rng).cast<float>();
  f.rowwise() += Eigen::RowVectorXf::Constant(4, 1000);
  const Mined expected = brute_force(f.cast<double>(), labels, 1);
  tiny::Matrix<float> g;
  CHECK(SemiHardTriplet<float>(1)(f, labels, g).value ==
        doctest::Approx(expected.value).epsilon(1e-4));
  CHECK((g.cast<double>() - expected.gradient).norm() <= 1e-4 * expected.gradient.norm());
}

TEST_CASE("triplet: what is seen of distances on the way") {
  Matrix f(3, 2), g;
  f << 0, 0, 3, 0, 0, 4;
  const auto result = SemiHardTriplet<double>(1)(f, {0, 0, 1}, g);
  CHECK(result.pairs == 3);
  CHECK(result.same_pairs == 1);
  CHECK(result.mean_same_distance == doctest::Approx(3));
  CHECK(result.mean_different_distance == doctest::Approx(4.5));
}

TEST_CASE("triplet: margins that are none are refused") {
  for (const double margin : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    CHECK(message_of([&] { SemiHardTriplet<double>{margin}; }).find("margin above 0") !=
          std::string::npos);
  }
}
