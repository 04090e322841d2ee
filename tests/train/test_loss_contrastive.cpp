#include "loss/contrastive.hpp"
#include "test_loss_check.hpp"

using namespace tiny_test;
using tiny::Contrastive;

namespace {

double reference(const Matrix& f, const Labels& labels, double margin) {
  double sum = 0;
  double pairs = 0;
  for (Index i = 0; i < f.rows(); ++i) {
    for (Index j = 0; j < i; ++j) {
      const double distance = std::sqrt(squared_distance(f, i, j));
      const bool same = labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)];
      sum += same ? distance * distance : std::pow(std::max(0.0, margin - distance), 2);
      pairs += 1;
    }
  }
  return pairs == 0 ? 0 : sum / pairs;
}

}  // namespace

TEST_CASE("contrastive: value, gradient and invariances for several margins") {
  for (const double margin : {0.3, 1.0, 2.5}) {
    CAPTURE(margin);
    check_batch_loss(Contrastive<double>(margin), [&](const Matrix& f, const Labels& labels) {
      return reference(f, labels, margin);
    });
  }
  check_degenerate(Contrastive<double>(1));
  check_single(Contrastive<double>(1), Contrastive<float>(1));
}

TEST_CASE("contrastive: rotated and moved features give the same value") {
  tiny::Rng rng(1);
  const Matrix f = random_matrix(30, 5, rng);
  const Labels labels = random_labels(30, 3, rng);
  const double value = value_of(Contrastive<double>(2), f, labels);
  const Matrix moved = (f * rotation(5, rng)).rowwise() + Eigen::RowVectorXd::Constant(5, 3.5);
  CHECK(value_of(Contrastive<double>(2), moved, labels) == doctest::Approx(value).epsilon(1e-12));
}

TEST_CASE("contrastive: two samples on both sides of the margin") {
  Matrix f(2, 2), g;
  f << 0, 0, 3, 4;
  CHECK(value_of(Contrastive<double>(4), f, {0, 0}) == 25);
  auto result = Contrastive<double>(7)(f, {0, 1}, g);
  CHECK(result.value == doctest::Approx(4));
  CHECK(g(1, 0) == doctest::Approx(-2 * 2 * 0.6));
  CHECK(g(1, 1) == doctest::Approx(-2 * 2 * 0.8));
  CHECK(g.row(0) == -g.row(1));
  CHECK(result.mean_different_distance == doctest::Approx(5));
  for (const double margin : {5.0, 4.0}) {  // at the margin, and beyond it
    CHECK(Contrastive<double>(margin)(f, {0, 1}, g).value == 0);
    CHECK(g == Matrix::Zero(2, 2));
  }
}

TEST_CASE("contrastive: samples that coincide") {
  Matrix g;
  const Matrix f = Matrix::Constant(4, 3, 0.1);
  CHECK(value_of(Contrastive<double>(3), f, {5, 5, 5, 5}) == 0);
  CHECK(Contrastive<double>(3)(f, {0, 0, 1, 1}, g).value == doctest::Approx(9 * 4.0 / 6));
  CHECK(g == Matrix::Zero(4, 3));
}

TEST_CASE("contrastive: margins that are none are refused") {
  for (const double margin : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    CHECK(message_of([&] { Contrastive<double>{margin}; }).find("margin above 0") !=
          std::string::npos);
  }
}
