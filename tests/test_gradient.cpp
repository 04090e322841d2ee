#include "support.hpp"

#include <Eigen/QR>

using support::AnyPenalty;
using support::Matrix;
using support::Random;

namespace {

constexpr double step_size = 1e-5;

/// Central differences of loss(features) along every component, with Richardson extrapolation.
template <class L, class Labels>
Matrix numerical_gradient(L& loss, const Matrix& features, const Labels& labels) {
  Matrix gradient(features.rows(), features.cols());
  Matrix moved = features;
  const auto slope = [&](double& x, double h) {
    const double at = x;
    x = at + h;
    const double above = loss(moved, labels).value;
    x = at - h;
    const double below = loss(moved, labels).value;
    x = at;
    return (above - below) / (2 * h);
  };
  for (Eigen::Index i = 0; i < moved.rows(); ++i) {
    for (Eigen::Index k = 0; k < moved.cols(); ++k) {
      const double h = step_size;
      gradient(i, k) = (4 * slope(moved(i, k), h / 2) - slope(moved(i, k), h)) / 3;
    }
  }
  return gradient;
}

/// Distinct samples: no distance is zero, where the Euclidean metric has no derivative.
support::Batch spread_batch(Random& random, Eigen::Index n, Eigen::Index d, int classes) {
  support::Batch batch{Matrix(n, d), std::vector<int>(static_cast<std::size_t>(n))};
  for (Eigen::Index i = 0; i < n; ++i) {
    batch.labels[static_cast<std::size_t>(i)] = static_cast<int>(i) % classes;
    for (Eigen::Index k = 0; k < d; ++k) batch.features(i, k) = random.normal();
  }
  return batch;
}

/// Whether no step of the differences crosses a point where the loss has no derivative: a residual
/// of zero (absolute penalty) or equal coordinates (Manhattan).
bool away_from_kinks(support::MetricKind metric, const support::Batch& batch,
                     const Matrix& target) {
  const Matrix& f = batch.features;
  for (Eigen::Index i = 0; i < f.rows(); ++i) {
    for (Eigen::Index j = i + 1; j < f.rows(); ++j) {
      const double distance = support::distance(metric, f.row(i), f.row(j)).value;
      if (std::abs(distance - target(i, j)) < 10 * step_size) return false;
      if ((f.row(i) - f.row(j)).cwiseAbs().minCoeff() < 2 * step_size) return false;
    }
  }
  return true;
}

template <class M>
void check_gradients(const char* name) {
  Random random(11);
  for (int kind = 0; kind < AnyPenalty::kinds; ++kind) {
    for (const bool one_sided : {false, true}) {
      for (const Eigen::Index d : {1, 2, 3, 7, 20}) {
        for (const auto reduction : {ldmat::Reduction::mean, ldmat::Reduction::frobenius}) {
          // One dimension has only cosines 1 and -1, whose derivative is zero.
          if (d == 1 && std::is_same_v<M, ldmat::Cosine>) continue;
          support::Batch batch = spread_batch(random, 12, d, 3);
          const Matrix target = ldmat::regularize(
              ldmat::label_distances(batch.labels, d == 7 ? 1 : 1.3), ldmat::offset(0.17));
          while (!away_from_kinks(support::kind_of<M>(), batch, target)) {
            batch = spread_batch(random, 12, d, 3);
          }
          ldmat::LossOptions<M, AnyPenalty> options{.class_distance = 1.3,
                                                    .regularizer = ldmat::offset(0.17),
                                                    .penalty = {kind, one_sided, 0.31},
                                                    .weights = ldmat::class_balanced(0.4),
                                                    .reduction = reduction};
          if (d == 7) options.class_table = Matrix::Ones(3, 3) - Matrix::Identity(3, 3);
          ldmat::Loss<double, M, AnyPenalty> loss(options);
          Matrix gradient;
          loss(batch.features, batch.labels, gradient);
          const Matrix expected = numerical_gradient(loss, batch.features, batch.labels);
          INFO(name, " penalty ", kind, " one-sided ", one_sided, " d ", d, " reduction ",
               static_cast<int>(reduction));
          CHECK(expected.norm() > 1e-4);
          CHECK(support::relative_error(gradient, expected) <= 1e-6);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("the gradient agrees with central differences") {
  check_gradients<ldmat::Euclidean>("Euclidean");
  check_gradients<ldmat::SquaredEuclidean>("SquaredEuclidean");
  check_gradients<ldmat::Cosine>("Cosine");
  check_gradients<ldmat::Manhattan>("Manhattan");
}

TEST_CASE("the gradient agrees with central differences for label vectors and whole targets") {
  Random random(12);
  const support::Batch batch = spread_batch(random, 14, 4, 4);
  const Matrix vectors = Matrix::NullaryExpr(14, 3, [&](auto, auto) { return random.normal(); });
  ldmat::Loss<double> loss{{.regularizer = ldmat::shrink(0.3)}};
  Matrix gradient;
  loss(batch.features, ldmat::label_vectors(vectors, ldmat::Manhattan{}), gradient);
  const auto manhattan = ldmat::label_vectors(vectors, ldmat::Manhattan{});
  CHECK(support::relative_error(gradient, numerical_gradient(loss, batch.features, manhattan)) <=
        1e-6);

  // Affinity: every row mixes three samples.
  Matrix mixing = Matrix::Zero(14, 14);
  for (Eigen::Index i = 0; i < 14; ++i) {
    for (Eigen::Index step = 0; step < 3; ++step) mixing(i, (i + step) % 14) = 1.0 / 3;
  }
  const Matrix distances = ldmat::label_distances(batch.labels);
  const Matrix target = ldmat::regularize(distances, ldmat::affinity(mixing, 0.5));
  const auto labels = ldmat::target_matrix(target, distances);
  loss(batch.features, labels, gradient);
  CHECK(support::relative_error(gradient, numerical_gradient(loss, batch.features, labels)) <=
        1e-6);
}

TEST_CASE("the loss does not change under the symmetries of the metric") {
  Random random(13);
  for (const Eigen::Index d : {2, 5, 24}) {
    const support::Batch batch = spread_batch(random, 40, d, 5);
    const Matrix& f = batch.features;
    ldmat::Loss<double> loss{{.regularizer = ldmat::offset(0.1)}};
    Matrix gradient;
    const double value = loss(f, batch.labels, gradient).value;

    SUBCASE("translation") {
      const Matrix moved = f.rowwise() + Eigen::RowVectorXd::Constant(d, 3.5);
      Matrix g;
      CHECK(loss(moved, batch.labels, g).value == doctest::Approx(value).epsilon(1e-12));
      CHECK(support::relative_error(g, gradient) <= 1e-11);
    }
    SUBCASE("the gradient sums to zero over the batch") {
      CHECK(gradient.colwise().sum().norm() <= 1e-12 * gradient.norm());
    }
    SUBCASE("rotation") {
      const Matrix any = Matrix::NullaryExpr(d, d, [&](auto, auto) { return random.normal(); });
      const Matrix rotation = Eigen::HouseholderQR<Matrix>(any).householderQ();
      Matrix g;
      CHECK(loss((f * rotation).eval(), batch.labels, g).value ==
            doctest::Approx(value).epsilon(1e-12));
      CHECK(support::relative_error(g, gradient * rotation) <= 1e-11);
    }
    SUBCASE("permutation of the batch") {
      Eigen::PermutationMatrix<Eigen::Dynamic> order(40);
      order.setIdentity();
      for (Eigen::Index i = 0; i < 40; ++i) order.applyTranspositionOnTheRight(i, random.below(40));
      const Eigen::Map<const Eigen::VectorXi> labels(batch.labels.data(), 40);
      Matrix g;
      const Eigen::VectorXi permuted = order * labels;
      CHECK(loss((order * f).eval(), permuted, g).value == doctest::Approx(value).epsilon(1e-12));
      CHECK(support::relative_error(g, order * gradient) <= 1e-11);
    }
  }
}
