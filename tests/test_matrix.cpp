#include "support.hpp"

using support::Matrix;
using support::Random;

TEST_CASE("feature distances by hand") {
  Eigen::MatrixXf f(3, 2);
  f << 3, 0, 0, 4, 3, 0;
  const Eigen::MatrixXf euclidean = ldmat::feature_distances(f);
  Eigen::MatrixXf expected(3, 3);
  expected << 0, 5, 0, 5, 0, 5, 0, 5, 0;
  CHECK(euclidean == expected);
  CHECK(ldmat::feature_distances(f, ldmat::SquaredEuclidean{})(0, 1) == 25);
  CHECK(ldmat::feature_distances(f, ldmat::Manhattan{})(0, 1) == 7);
  CHECK(ldmat::feature_distances(f, ldmat::Cosine{})(0, 1) == doctest::Approx(1));
  CHECK(ldmat::feature_distances(f, ldmat::Cosine{})(0, 2) == 0);

  Eigen::MatrixXf zero_row(4, 2);
  zero_row << 1, 0, 0, 0, -2, 0, 0, 0;
  const Eigen::MatrixXf cosine = ldmat::feature_distances(zero_row, ldmat::Cosine{});
  CHECK(cosine(0, 1) == 1);
  CHECK(cosine(0, 2) == 2);
  CHECK(cosine(1, 2) == 1);
  CHECK(cosine(1, 3) == 0);
}

TEST_CASE("feature distances agree with textbook formulas, whatever the storage") {
  Random random(61);
  const support::Batch batch = support::random_batch(random, 23, 6, 3, true);
  const Eigen::Matrix<Eigen::bfloat16, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> narrow =
      batch.features.cast<Eigen::bfloat16>();
  const auto check = [&](auto metric, support::MetricKind kind) {
    const Matrix wide = ldmat::feature_distances(batch.features, metric);
    const Eigen::MatrixXf from_narrow = ldmat::feature_distances(narrow, metric);
    Eigen::Matrix<double, 23, 23, Eigen::RowMajor> into;
    ldmat::feature_distances(batch.features, into, metric);
    CHECK(wide == Matrix(into));
    CHECK(wide == wide.transpose());
    CHECK(wide.diagonal() == Eigen::VectorXd::Zero(23));
    for (Eigen::Index i = 0; i < 23; ++i) {
      for (Eigen::Index j = 0; j < 23; ++j) {
        const double expected =
            support::distance(kind, batch.features.row(i), batch.features.row(j)).value;
        CHECK(std::abs(wide(i, j) - expected) <= 1e-13 * std::max(1.0, expected));
        CHECK(std::abs(from_narrow(i, j) - expected) <= 1e-6 * std::max(1.0, expected));
      }
    }
  };
  check(ldmat::Euclidean{}, support::MetricKind::euclidean);
  check(ldmat::SquaredEuclidean{}, support::MetricKind::squared_euclidean);
  check(ldmat::Cosine{}, support::MetricKind::cosine);
  check(ldmat::Manhattan{}, support::MetricKind::manhattan);
}

TEST_CASE("distances of nearby samples far from the origin keep their digits") {
  Eigen::VectorXf f(2);
  f << 512695, 512804;
  CHECK(ldmat::feature_distances(f)(0, 1) == 109);
  f << 10000, 10001;
  CHECK(ldmat::feature_distances(f)(0, 1) == 1);
}

TEST_CASE("label distances: fixed, from a table, from label vectors") {
  const std::vector<int> y{0, 1, 0, 2};
  Matrix expected(4, 4);
  expected << 0, 2, 0, 2, 2, 0, 2, 2, 0, 2, 0, 2, 2, 2, 2, 0;
  CHECK(ldmat::label_distances(y, 2.0) == expected);
  Eigen::MatrixXf into(4, 4);
  ldmat::label_distances(y, into, 2.0);
  CHECK(into.cast<double>() == expected);

  Matrix table(3, 3);
  table << 0, 1, 2, 1, 0, 3, 2, 3, 0;
  const Matrix by_table = ldmat::label_distances(y, ldmat::ClassTable{table});
  CHECK(by_table(0, 1) == 1);
  CHECK(by_table(0, 2) == 0);
  CHECK(by_table(0, 3) == 2);
  CHECK(by_table(1, 3) == 3);

  Matrix vectors(3, 2);
  vectors << 1, 0, 0, 1, 1, 1;
  CHECK(ldmat::label_distances(vectors)(0, 1) == doctest::Approx(std::sqrt(2.0)));
  CHECK(ldmat::label_distances(vectors, ldmat::Manhattan{})(0, 1) == 2);
  Matrix out;
  ldmat::label_distances(vectors, out, ldmat::SquaredEuclidean{});
  CHECK(out(0, 2) == 1);
}

TEST_CASE("regularized targets by hand") {
  const std::vector<int> y{0, 0, 1};
  const Matrix l = ldmat::label_distances(y, 3.0);  // pairs 0, 3, 3: mean 2
  Matrix expected(3, 3);
  CHECK(ldmat::regularize(l, ldmat::none()) == l);
  expected << 0, 0.5, 3.5, 0.5, 0, 3.5, 3.5, 3.5, 0;
  CHECK(ldmat::regularize(l, ldmat::offset(0.5)) == expected);
  expected << 0, 0.5, 2.75, 0.5, 0, 2.75, 2.75, 2.75, 0;
  CHECK(ldmat::regularize(l, ldmat::shrink(0.25)) == expected);
  Matrix in_place = l;
  ldmat::regularize(in_place, ldmat::shrink(0.25), in_place);
  CHECK(in_place == expected);

  Matrix p(3, 3);
  p << 1, 0, 0, 0.5, 0.5, 0, 0, 0, 1;
  const Matrix mixed = p * l * p.transpose();
  const Matrix t = ldmat::regularize(l, ldmat::affinity(p, 0.5));
  for (Eigen::Index i = 0; i < 3; ++i) {
    CHECK(t(i, i) == 0);
    for (Eigen::Index j = 0; j < 3; ++j) {
      CHECK(t(i, j) == t(j, i));
      if (i != j) CHECK(t(i, j) == doctest::Approx(0.5 * l(i, j) + 0.5 * mixed(i, j)));
    }
  }
  in_place = l;
  ldmat::regularize(in_place, ldmat::affinity(p, 0.5), in_place);
  CHECK(in_place == t);
}
