#include "support.hpp"

using ldmat::Index;
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

namespace {

template <class Scalar>
using Columns = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
template <class Scalar>
using Rows = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// All distances in double, by their textbook formulas.
Matrix whole_matrix(support::MetricKind kind, const Matrix& f) {
  Matrix d = Matrix::Zero(f.rows(), f.rows());
  for (Index i = 0; i < f.rows(); ++i) {
    for (Index j = i + 1; j < f.rows(); ++j) {
      d(i, j) = d(j, i) = support::distance(kind, f.row(i), f.row(j)).value;
    }
  }
  return d;
}

/// The largest |d_ij - e_ij| / max(e_ij, floor).
template <class D>
double largest_error(const D& d, const Matrix& expected, double floor) {
  const auto difference = (d.template cast<double>() - expected).array().abs();
  return (difference / expected.array().max(floor)).maxCoeff();
}

/// Writes the same matrix in every order of storage and checks that it has the same bits, and that
/// nothing beside a block or between strides is touched.
template <class Scalar, class M>
void check_storage(const Rows<Scalar>& features, const Columns<Scalar>& expected, M metric) {
  const Index n = features.rows();
  Rows<Scalar> by_rows;
  ldmat::feature_distances(features, by_rows, metric);
  CHECK(by_rows == expected);

  Rows<Scalar> large = Rows<Scalar>::Constant(n + 5, n + 3, Scalar(-7));
  ldmat::feature_distances(features, large.block(2, 1, n, n), metric);
  CHECK(large.block(2, 1, n, n) == expected);
  large.block(2, 1, n, n).setConstant(Scalar(-7));
  CHECK((large.array() == Scalar(-7)).all());

  std::vector<Scalar> spaced(static_cast<std::size_t>(2 * n * (n + 1)), Scalar(-7));
  auto view = ldmat::view(spaced.data(), n, n, 2 * (n + 1), 2);
  ldmat::feature_distances(features, view, metric);
  CHECK(view == expected);
  view.setConstant(Scalar(-7));
  CHECK(std::all_of(spaced.begin(), spaced.end(), [](Scalar x) { return x == Scalar(-7); }));
}

/// Features of the given type against the oracle on the same numbers.
template <class Scalar, class M>
void check_distances(const support::Batch& batch, M metric) {
  using T = ldmat::Accumulator<Scalar>;
  const Rows<Scalar> features = batch.features.cast<Scalar>();
  const Matrix expected = whole_matrix(support::kind_of<M>(), features.template cast<double>());
  const Columns<T> d = ldmat::feature_distances(features, metric);
  CHECK(d == d.transpose());
  CHECK(d.diagonal().isZero(0));
  // Directions are rounded before they are subtracted, so that their errors are absolute ones.
  const double floor = std::is_same_v<M, ldmat::Cosine> ? 1.0 : 1e-3;
  const bool products = M::from_squared_norm && features.cols() >= 32;
  const double bound = (products ? 200 : 20) * static_cast<double>(Eigen::NumTraits<T>::epsilon());
  CHECK(largest_error(d, expected, floor) <= bound);

  Columns<Scalar> stored;
  ldmat::feature_distances(features, stored, metric);
  CHECK(stored == d.template cast<Scalar>());
  check_storage<Scalar>(features, stored, metric);
  const Columns<Scalar> by_columns = features;  // packed in another way, to the same numbers
  CHECK(ldmat::feature_distances(by_columns, metric) == d);
}

}  // namespace

TEST_CASE_TEMPLATE("feature distances agree with the oracle in double for all shapes and storage",
                   Scalar, float, double, Eigen::half) {
  Random random(62);
  for (const Index n : {1, 2, 15, 97, 200, 300}) {
    for (const Index d : {1, 2, 7, 24, 40, 130}) {
      INFO("n ", n, " d ", d);
      const support::Batch batch = support::random_batch(random, n, d, 5);
      check_distances<Scalar>(batch, ldmat::Euclidean{});
      check_distances<Scalar>(batch, ldmat::SquaredEuclidean{});
      check_distances<Scalar>(batch, ldmat::Cosine{});
      check_distances<Scalar>(batch, ldmat::Manhattan{});
    }
  }
}

TEST_CASE("near-duplicates keep their digits, far from the origin and from each other's mean") {
  Random random(63);
  for (const Index d : {7, 40, 130}) {
    INFO("d ", d);
    // Two clusters of whole numbers: exact in float, and so are their sums of squares in double.
    const Rows<float> features = Rows<float>::NullaryExpr(200, d, [&](Index i, Index) {
      return static_cast<float>((i % 2 == 0 ? 100000 : -30000) + random.below(4));
    });
    Rows<float> copies = features;
    copies.row(199) = copies.row(1);
    const Matrix expected = whole_matrix(support::MetricKind::euclidean, copies.cast<double>());
    const Eigen::MatrixXf euclidean = ldmat::feature_distances(copies);
    CHECK(largest_error(euclidean, expected, 1e-3) <= 1e-6);
    CHECK(euclidean(1, 199) == 0);
    CHECK(euclidean.row(1) == euclidean.row(199));
    const Eigen::MatrixXf squared = ldmat::feature_distances(copies, ldmat::SquaredEuclidean{});
    CHECK(largest_error(squared, expected.cwiseAbs2(), 1e-3) <= 1e-6);
  }
}

TEST_CASE("NaN and infinite features, and sums near overflow, stay with their own pairs") {
  Random random(64);
  for (const Index d : {7, 40}) {
    INFO("d ", d);
    Rows<float> features = support::random_batch(random, 130, d, 3).features.cast<float>();
    const Eigen::MatrixXf before = ldmat::feature_distances(features);
    features(5, 1) = std::numeric_limits<float>::quiet_NaN();
    features(100, 2) = std::numeric_limits<float>::infinity();
    features.row(120).head<4>().setConstant(8e18F);  // 3e38 together with row 121, as its norm
    features.row(121) = features.row(120);
    features(121, 0) = -8e18F;
    const Eigen::MatrixXf after = ldmat::feature_distances(features);
    const auto changed = [](Index i) { return i == 5 || i == 100 || i == 120 || i == 121; };
    for (Index i = 0; i < 130; ++i) {
      CHECK(after(i, i) == 0);
      for (Index j = 0; j < 130; ++j) {
        if (i == j) continue;
        if (!changed(i) && !changed(j)) {
          CHECK(after(i, j) == doctest::Approx(before(i, j)).epsilon(1e-5));
        }
        if (i == 5 || j == 5) {
          CHECK(std::isnan(after(i, j)));
        } else if (i == 100 || j == 100) {
          CHECK(std::isinf(after(i, j)));
        }
      }
    }
    CHECK(after(120, 121) == doctest::Approx(1.6e19));
    CHECK(after(0, 120) == doctest::Approx(1.6e19));
  }
  Eigen::MatrixXf directions = Eigen::MatrixXf::Random(100, 40);
  directions(3, 0) = std::numeric_limits<float>::quiet_NaN();
  const Eigen::MatrixXf cosine = ldmat::feature_distances(directions, ldmat::Cosine{});
  CHECK(cosine.array().isNaN().count() == 2 * 99);
}

TEST_CASE("samples without components and no samples at all") {
  CHECK(ldmat::feature_distances(Eigen::MatrixXf(3, 0)) == Eigen::MatrixXf::Zero(3, 3));
  CHECK(ldmat::feature_distances(Eigen::MatrixXf(0, 30)).size() == 0);
  CHECK(ldmat::feature_distances(Eigen::MatrixXf(0, 2)).size() == 0);
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

  Random random(65);
  const Matrix wide = support::random_batch(random, 130, 40, 3).features;
  CHECK(ldmat::label_distances(wide) == ldmat::feature_distances(wide));
  Matrix into_wide;
  ldmat::label_distances(wide, into_wide, ldmat::Manhattan{});
  CHECK(into_wide == ldmat::feature_distances(wide, ldmat::Manhattan{}));
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
