#include "loss/supcon.hpp"
#include "test_loss_check.hpp"

using namespace tiny_test;
using tiny::SupCon;

namespace {

double reference(const Matrix& f, const Labels& labels, double temperature) {
  double sum = 0;
  double anchors = 0;
  for (Index i = 0; i < f.rows(); ++i) {
    double all = 0;
    double positives = 0;
    for (Index a = 0; a < f.rows(); ++a) {
      if (a != i) all += std::exp(inner_product(f, i, a) / temperature);
    }
    double loss = 0;
    for (Index p = 0; p < f.rows(); ++p) {
      if (p == i || labels[static_cast<std::size_t>(p)] != labels[static_cast<std::size_t>(i)]) {
        continue;
      }
      loss -= std::log(std::exp(inner_product(f, i, p) / temperature) / all);
      positives += 1;
    }
    if (positives == 0) continue;
    sum += loss / positives;
    anchors += 1;
  }
  return anchors == 0 ? 0 : sum / anchors;
}

}  // namespace

TEST_CASE("supcon: value, gradient and invariances for several temperatures") {
  for (const double temperature : {0.1, 0.5, 2.0}) {
    CAPTURE(temperature);
    check_batch_loss(
        SupCon<double>(temperature),
        [&](const Matrix& f, const Labels& labels) { return reference(f, labels, temperature); },
        0.7);
  }
  check_degenerate(SupCon<double>(0.1));
  check_single(SupCon<double>(0.5), SupCon<float>(0.5));
}

TEST_CASE("supcon: by hand") {
  Matrix g;
  // Two samples: the positive is all there is.
  CHECK(value_of(SupCon<double>(0.1), Matrix::Identity(2, 2), {1, 1}) == doctest::Approx(0));
  // All coincide: each positive is one of the n - 1 others.
  CHECK(SupCon<double>(0.1)(Matrix::Ones(5, 2), {0, 0, 0, 1, 1}, g).value ==
        doctest::Approx(std::log(4)));
  // Two classes in opposite directions.
  Matrix f(4, 1);
  f << 1, 1, -1, -1;
  CHECK(value_of(SupCon<double>(0.5), f, {0, 0, 1, 1}) ==
        doctest::Approx(std::log(1 + 2 * std::exp(-4))));
  // A sample alone in its class is no anchor, but a negative.
  Matrix three(3, 1);
  three << 1, 1, -1;
  SupCon<double>(0.5)(three, {0, 0, 1}, g);
  CHECK(value_of(SupCon<double>(0.5), three, {0, 0, 1}) ==
        doctest::Approx(std::log(1 + std::exp(-4))));
  CHECK(g(2, 0) != 0);
}

TEST_CASE("supcon: rotated features give the same value") {
  tiny::Rng rng(1);
  const Matrix f = random_matrix(30, 5, rng);
  const Labels labels = random_labels(30, 3, rng);
  CHECK(value_of(SupCon<double>(0.3), f * rotation(5, rng), labels) ==
        doctest::Approx(value_of(SupCon<double>(0.3), f, labels)).epsilon(1e-12));
}

TEST_CASE("supcon: no positives, one class, and exponents beyond what exp can hold") {
  tiny::Rng rng(2);
  const Matrix f = random_matrix(6, 3, rng);
  Matrix g;
  CHECK(SupCon<double>(0.1)(f, {0, 1, 2, 3, 4, 5}, g).value == 0);
  CHECK(g == Matrix::Zero(6, 3));
  CHECK(value_of(SupCon<double>(0.1), f, {2, 2, 2, 2, 2, 2}) ==
        doctest::Approx(reference(f, {2, 2, 2, 2, 2, 2}, 0.1)));
  tiny::Matrix<float> large = f.cast<float>() * 100;
  tiny::Matrix<float> gradient;
  CHECK(std::isfinite(SupCon<float>(0.01)(large, {0, 0, 1, 1, 2, 2}, gradient).value));
  CHECK(gradient.allFinite());
}

TEST_CASE("supcon: temperatures that are none are refused") {
  for (const double temperature : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    CHECK(message_of([&] { SupCon<double>{temperature}; }).find("temperature above 0") !=
          std::string::npos);
  }
}
