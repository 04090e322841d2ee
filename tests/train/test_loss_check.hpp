// What every loss that is a function of the batch has to pass, in double.
#pragma once

#include "test_net_check.hpp"

#include <ldmat/ldmat.hpp>

#include <Eigen/QR>

#include <functional>
#include <string>
#include <vector>

namespace tiny_test {

using Labels = std::vector<int>;
using BatchFunction = std::function<ldmat::LossResult(const Matrix&, const Labels&, Matrix&)>;
/// The loss by its definition: loops over samples, no gradient.
using Reference = std::function<double(const Matrix&, const Labels&)>;

inline Labels random_labels(Index count, int classes, tiny::Rng& rng) {
  Labels labels(static_cast<std::size_t>(count));
  for (int& label : labels) {
    label = static_cast<int>(rng.below(static_cast<std::uint64_t>(classes)));
  }
  return labels;
}

inline double squared_distance(const Matrix& f, Index i, Index j) {
  double sum = 0;
  for (Index k = 0; k < f.cols(); ++k) sum += (f(i, k) - f(j, k)) * (f(i, k) - f(j, k));
  return sum;
}

inline double inner_product(const Matrix& f, Index i, Index j) {
  double sum = 0;
  for (Index k = 0; k < f.cols(); ++k) sum += f(i, k) * f(j, k);
  return sum;
}

inline double value_of(const BatchFunction& loss, const Matrix& features, const Labels& labels) {
  Matrix gradient;
  return loss(features, labels, gradient).value;
}

struct BatchCase {
  Index samples, dim;
  int classes;
};

// Few and many dimensions, more samples than a chunk, labels that miss classes, all alike.
inline const std::vector<BatchCase>& batch_cases() {
  static const std::vector<BatchCase> cases = {{2, 1, 2},   {5, 2, 2},    {9, 3, 4},  {24, 2, 30},
                                               {40, 16, 5}, {33, 128, 3}, {150, 2, 6}};
  return cases;
}

/// Value against the reference, gradient against central differences, and what must not change
/// anything: the order of the samples, the names of the classes, what was evaluated before.
/// Differences are taken of at most `differentiated` samples: a loss that chooses pairs by their
/// distance jumps where two are equal, and among many samples some nearly are.
inline void check_batch_loss(const BatchFunction& loss, const Reference& reference,
                             double scale = 1, Index differentiated = 1000) {
  tiny::Rng rng(7);
  for (const BatchCase& each : batch_cases()) {
    const Index n = each.samples;
    CAPTURE(n);
    CAPTURE(each.dim);
    const Labels labels = n == 2 ? Labels{0, 0} : random_labels(n, each.classes, rng);
    Matrix f = scale / std::sqrt(static_cast<double>(each.dim)) * random_matrix(n, each.dim, rng);
    Matrix gradient = Matrix::Constant(3, 1, 99);  // to be overwritten and resized
    const double value = loss(f, labels, gradient).value;
    CHECK(value == doctest::Approx(reference(f, labels)).epsilon(1e-11));
    REQUIRE(gradient.rows() == n);
    REQUIRE(gradient.cols() == each.dim);
    if (n > differentiated) {
      CHECK(gradient.norm() > 1e-3);
    } else if (gradient.norm() > 1e-3) {
      Matrix other;
      check_gradient(
          "features", tiny::as_span(f.data(), f.size()),
          tiny::as_span(gradient.data(), gradient.size()),
          [&] { return loss(f, labels, other).value; }, rng, 120, 1e-6);
    } else {
      CHECK(n == 2);  // only a pair of one class may be at its best
    }

    std::vector<Index> order(static_cast<std::size_t>(n));
    for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
    rng.shuffle(order);
    Matrix moved(n, each.dim);
    Labels renamed(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto from = static_cast<std::size_t>(order[i]);
      moved.row(static_cast<Index>(i)) = f.row(order[i]);
      renamed[i] = 3 * (each.classes - labels[from]) + 1;
    }
    Matrix moved_gradient;
    CHECK(loss(moved, renamed, moved_gradient).value == doctest::Approx(value).epsilon(1e-12));
    for (Index i = 0; i < n; ++i) {
      CHECK((moved_gradient.row(i) - gradient.row(order[static_cast<std::size_t>(i)])).norm() <=
            1e-11 * (1 + gradient.norm()));
    }
  }
}

/// Batches without anything to compare, and sizes that do not agree.
inline void check_degenerate(const BatchFunction& loss) {
  Matrix gradient;
  CHECK(loss(Matrix(0, 3), {}, gradient).value == 0);
  CHECK(gradient.rows() == 0);
  CHECK(gradient.cols() == 3);
  CHECK(loss(Matrix::Ones(1, 3), {4}, gradient).value == 0);
  CHECK(gradient == Matrix::Zero(1, 3));
  for (const Labels& labels : {Labels{}, Labels{0, 1}, Labels{0, 1, 0, 1}}) {
    const auto message = message_of([&] { loss(Matrix::Ones(3, 2), labels, gradient); });
    CHECK(message.find("one label per row of the 3 rows") != std::string::npos);
    CHECK(message.find("got " + std::to_string(labels.size())) != std::string::npos);
  }
  Matrix nan = Matrix::Ones(4, 2);
  nan(1, 1) = std::nan("");
  CHECK(!std::isfinite(value_of(loss, nan, {0, 0, 1, 1})));
}

/// Single precision agrees with double.
template <typename Single>
void check_single(const BatchFunction& loss, Single single) {
  tiny::Rng rng(8);
  const Labels labels = random_labels(60, 4, rng);
  const Matrix f = random_matrix(60, 8, rng) / 3;
  const tiny::Matrix<float> narrow = f.cast<float>();
  const Matrix wide = narrow.cast<double>();
  tiny::Matrix<float> gradient;
  Matrix expected;
  CHECK(single(narrow, labels, gradient).value ==
        doctest::Approx(loss(wide, labels, expected).value).epsilon(1e-5));
  CHECK((gradient.template cast<double>() - expected).norm() <= 1e-5 * expected.norm());
}

inline Matrix rotation(Index dim, tiny::Rng& rng) {
  const Eigen::MatrixXd any = random_matrix(dim, dim, rng);
  return any.householderQr().householderQ() * Eigen::MatrixXd::Identity(dim, dim);
}

}  // namespace tiny_test
