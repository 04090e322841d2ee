#include "support.hpp"

#include <ldmat/attainable.hpp>

#include <cmath>
#include <limits>
#include <numeric>

using doctest::Approx;
using ldmat::attainable;
using ldmat::Index;
using support::contains;
using support::Matrix;
using support::message_of;
using support::Random;

namespace {

Matrix equal_distances(Index k, double distance = 1) {
  return distance * (Matrix::Ones(k, k) - Matrix::Identity(k, k));
}

/// Pairwise distances of the rows, written down a second time.
Matrix distances_of(const Matrix& x) {
  Matrix distances(x.rows(), x.rows());
  for (Index a = 0; a < x.rows(); ++a) {
    for (Index b = 0; b < x.rows(); ++b) distances(a, b) = (x.row(a) - x.row(b)).norm();
  }
  return distances;
}

/// The class-pair loss by its definition.
double class_pair_loss(const Matrix& distances, const Matrix& table, const Matrix& weights,
                       bool one_sided = false) {
  double sum = 0;
  double total = 0;
  for (Index a = 0; a < table.rows(); ++a) {
    for (Index b = a + 1; b < table.rows(); ++b) {
      const double residual = distances(a, b) - table(a, b);
      if (!one_sided || residual < 0) sum += weights(a, b) * residual * residual;
      total += weights(a, b);
    }
  }
  return total == 0 ? 0 : sum / total;
}

/// The lowest loss that plain gradient descent with momentum finds from `starts` random points.
double lowest_by_gradient(const Matrix& table, const Matrix& weights, Index d, int starts,
                          Random& random) {
  const double total = weights.sum() - weights.trace();
  double lowest = std::numeric_limits<double>::infinity();
  for (int start = 0; start < starts; ++start) {
    Matrix x = Matrix::NullaryExpr(table.rows(), d, [&] { return random.normal(); });
    Matrix speed = Matrix::Zero(table.rows(), d);
    for (int step = 0; step < 3000; ++step) {
      Matrix gradient = Matrix::Zero(table.rows(), d);
      for (Index a = 0; a < table.rows(); ++a) {
        for (Index b = 0; b < table.rows(); ++b) {
          const double distance = (x.row(a) - x.row(b)).norm();
          if (a == b || distance == 0) continue;
          gradient.row(a) +=
              2 * weights(a, b) / total * (1 - table(a, b) / distance) * (x.row(a) - x.row(b));
        }
      }
      speed = 0.9 * speed - 0.5 * gradient;
      x += speed;
    }
    lowest = std::min(lowest, class_pair_loss(distances_of(x), table, weights));
  }
  return lowest;
}

/// A symmetric table of random distances in [low, low + 1], zero on the diagonal.
Matrix random_table(Random& random, Index k, double low) {
  Matrix table = Matrix::Zero(k, k);
  for (Index a = 0; a < k; ++a) {
    for (Index b = 0; b < a; ++b) table(a, b) = table(b, a) = low + random.uniform();
  }
  return table;
}

/// Pairs of pairs of pairs of eight classes: 1, 2 and 4 apart. Ultrametric, hence Euclidean.
Matrix tree_table() {
  Matrix table = Matrix::Zero(8, 8);
  for (Index a = 0; a < 8; ++a) {
    for (Index b = 0; b < 8; ++b) {
      if (a != b) table(a, b) = a / 2 == b / 2 ? 1 : a / 4 == b / 4 ? 2 : 4;
    }
  }
  return table;
}

template <class X>
Matrix permuted(const X& table, const std::vector<Index>& order) {
  return table(order, order);
}

}  // namespace

TEST_CASE("equal distances need one dimension less than there are classes") {
  for (const Index k : {1, 2, 3, 4, 10, 40}) {
    CAPTURE(k);
    const Matrix table = equal_distances(k, 3);
    for (const Index d : {k - 1, k, k + 5}) {
      if (d < 1) continue;
      const auto a = attainable(table, d);
      CHECK(a.realisable);
      CHECK(a.dimensions_needed == k - 1);
      CHECK(a.lowest_loss <= 1e-26);
      CHECK(a.lowest_share <= 1e-27);
      REQUIRE(a.positions.rows() == k);
      REQUIRE(a.positions.cols() == d);
      CHECK((distances_of(a.positions) - table).cwiseAbs().maxCoeff() <= 1e-13);
      CHECK(a.positions.colwise().mean().norm() <= 1e-13);
    }
    if (k < 3) continue;
    const auto too_few = attainable(table, k - 2);
    CHECK(!too_few.realisable);
    CHECK(too_few.dimensions_needed == k - 1);
    CHECK(too_few.lowest_loss > 1e-5);
  }
}

TEST_CASE("three equal classes on a line: 0, 2/3, 4/3") {
  const auto a = attainable(equal_distances(3), 1);
  CHECK(a.lowest_loss == Approx(1.0 / 9).epsilon(1e-12));
  CHECK(a.collapse_loss == 1);
  CHECK(a.lowest_share == Approx(1.0 / 9).epsilon(1e-12));
  CHECK(a.positions.cwiseAbs().maxCoeff() == Approx(2.0 / 3).epsilon(1e-12));
}

TEST_CASE("ten equal classes in the plane: no gradient search finds less") {
  Random random(1);
  const Matrix table = equal_distances(10);
  const auto a = attainable(table, 2);
  CHECK(!a.realisable);
  CHECK(a.dimensions_needed == 9);
  CHECK(a.collapse_loss == Approx(1));
  const double searched = lowest_by_gradient(table, Matrix::Ones(10, 10), 2, 20, random);
  CHECK(a.lowest_loss == Approx(searched).epsilon(1e-9));
  CHECK(a.lowest_loss == Approx(0.10987997766).epsilon(1e-9));
  CHECK(class_pair_loss(distances_of(a.positions), table, Matrix::Ones(10, 10)) ==
        Approx(a.lowest_loss).epsilon(1e-13));
}

TEST_CASE("random tables and weights: no gradient search finds less") {
  Random random(2);
  for (const Index d : {2, 3}) {
    for (int round = 0; round < 4; ++round) {
      const Index k = 4 + random.below(5);
      CAPTURE(d);
      CAPTURE(k);
      const Matrix table = random_table(random, k, 0.3);
      const Matrix weights = random_table(random, k, 0.1);
      const auto a = attainable(table, d, {.weights = weights});
      CHECK(class_pair_loss(distances_of(a.positions), table, weights) ==
            Approx(a.lowest_loss).epsilon(1e-12).scale(1e-3));
      CHECK(class_pair_loss(Matrix::Zero(k, k), table, weights) ==
            Approx(a.collapse_loss).epsilon(1e-12));
      CHECK(a.lowest_share == Approx(a.lowest_loss / a.collapse_loss).epsilon(1e-12).scale(1e-3));
      CHECK(a.lowest_loss <= lowest_by_gradient(table, weights, d, 6, random) + 1e-9);
    }
  }
}

TEST_CASE("on a line, all orders of the classes tried") {
  // For a given order the best positions follow in closed form, the normal equations with signs.
  Random random(3);
  const Index k = 6;
  for (int round = 0; round < 5; ++round) {
    const Matrix table = random_table(random, k, 0.2);
    std::vector<Index> order(static_cast<std::size_t>(k));
    std::iota(order.begin(), order.end(), Index{0});
    double lowest = std::numeric_limits<double>::infinity();
    do {
      Matrix x = Matrix::Zero(k, 1);
      for (std::size_t i = 0; i < order.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          x(order[i]) += table(order[i], order[j]) / k;
          x(order[j]) -= table(order[i], order[j]) / k;
        }
      }
      lowest = std::min(lowest, class_pair_loss(distances_of(x), table, Matrix::Ones(k, k)));
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(attainable(table, 1).lowest_loss == Approx(lowest).epsilon(1e-9));
  }
}

TEST_CASE("a square with its own distances lies in the plane and not on a line") {
  const Matrix square{{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  const auto a = attainable(distances_of(square), 2);
  CHECK(a.realisable);
  CHECK(a.dimensions_needed == 2);
  CHECK(a.lowest_loss <= 1e-28);
  CHECK(!attainable(distances_of(square), 1).realisable);
  CHECK(attainable(distances_of(square), 1).lowest_loss > 0.01);
}

TEST_CASE("distances of points are realised in the dimensions of the points") {
  Random random(4);
  for (int round = 0; round < 60; ++round) {
    const Index k = 2 + random.below(50);
    const Index d = 1 + random.below(6);
    const double scale = std::pow(10, 6 * random.normal());
    Matrix x = Matrix::NullaryExpr(k, d, [&] { return scale * random.normal(); });
    if (k > 3) x.row(1) = x.row(2);  // two classes at distance 0
    CAPTURE(k);
    CAPTURE(d);
    const Matrix table = distances_of(x);
    const Index needed = std::min(d, k > 3 ? k - 2 : k - 1);
    const auto a = attainable(table, needed);
    CHECK(a.realisable);
    CHECK(a.dimensions_needed == needed);
    CHECK(a.lowest_share <= 1e-14);
    if (needed > 1) CHECK(!attainable(table, needed - 1, {.starts = 1}).realisable);
  }
}

TEST_CASE("a hierarchy is Euclidean, in as many dimensions as equal distances") {
  const Matrix table = tree_table();
  const auto whole = attainable(table, 7);
  CHECK(whole.realisable);
  CHECK(whole.dimensions_needed == 7);
  CHECK(whole.lowest_loss <= 1e-26);
  const auto plane = attainable(table, 2);
  CHECK(!plane.realisable);
  Random random(5);
  CHECK(plane.lowest_loss <= lowest_by_gradient(table, Matrix::Ones(8, 8), 2, 10, random) + 1e-9);
  // The picture keeps the hierarchy: related classes are closer than any others.
  const Matrix distances = distances_of(plane.positions);
  for (Index a = 0; a < 8; ++a) {
    for (Index b = 0; b < 8; ++b) {
      if (a / 4 != b / 4) CHECK(distances(a, b) > distances(a, a ^ 1));
    }
  }
}

TEST_CASE("tables that are not Euclidean need no number of dimensions") {
  // The triangle inequality does not hold: on a line, 2/3, -1/3, ... is best (three residuals 1/3).
  Matrix far = equal_distances(3);
  far(0, 1) = far(1, 0) = 3;
  const auto triangle = attainable(far, 2);
  CHECK(!triangle.realisable);
  CHECK(triangle.dimensions_needed == -1);
  CHECK(triangle.lowest_loss == Approx(1.0 / 9).epsilon(1e-9));

  // It holds here, but four points cannot: three 2 apart, each 1.1 from the fourth (2 / sqrt(3) at least).
  Matrix star = equal_distances(4, 2);
  for (Index a = 0; a < 3; ++a) star(a, 3) = star(3, a) = 1.1;
  const auto a = attainable(star, 3);
  CHECK(!a.realisable);
  CHECK(a.dimensions_needed == -1);
  CHECK(a.lowest_loss > 1e-4);
  // More dimensions than three do not help, and cost nothing: the same points.
  const auto b = attainable(star, 500);
  CHECK(b.lowest_loss == Approx(a.lowest_loss).epsilon(1e-12));
  CHECK(b.positions.cols() == 500);
  CHECK(b.positions.rightCols(497).norm() == 0);
}

TEST_CASE("the order of the classes changes nothing") {
  Random random(6);
  for (const Index d : {1, 2, 4}) {
    const Index k = 7;
    const Matrix table = random_table(random, k, 0.5);
    const Matrix weights = random_table(random, k, 0.5);
    std::vector<Index> order{4, 2, 6, 0, 1, 5, 3};
    const auto a = attainable(table, d, {.weights = weights});
    const auto b = attainable(permuted(table, order), d, {.weights = permuted(weights, order)});
    CHECK(a.realisable == b.realisable);
    CHECK(a.dimensions_needed == b.dimensions_needed);
    CHECK(a.lowest_loss == Approx(b.lowest_loss).epsilon(1e-8));
    CHECK(a.collapse_loss == Approx(b.collapse_loss).epsilon(1e-13));
    const Matrix centres = a.positions + 0.1 * Matrix::Ones(k, d).cwiseProduct(table.leftCols(d));
    CHECK(reached(b, Matrix(centres(order, Eigen::all))) ==
          Approx(reached(a, centres)).epsilon(1e-8));
  }
}

TEST_CASE("a table in other units gives the same points in other units") {
  Random random(7);
  const Matrix table = random_table(random, 6, 0.5);
  const auto a = attainable(table, 2);
  for (const double unit :
       {0x1p-30, 0x1p20, 0x1p-700, 0x1p700}) {  // losses may over- and underflow
    const auto b = attainable(unit * table, 2);
    CHECK(b.positions == unit * a.positions);
    CHECK(b.lowest_share == a.lowest_share);
    CHECK(reached(b, Matrix(0.5 * b.positions)) == reached(a, Matrix(0.5 * a.positions)));
    if (std::abs(std::log2(unit)) < 100) {
      CHECK(b.lowest_loss == unit * unit * a.lowest_loss);
      CHECK(b.collapse_loss == unit * unit * a.collapse_loss);
    }
  }
  const auto heavy = attainable(table, 2, {.weights = Matrix::Constant(6, 6, 0x1p900)});
  CHECK(heavy.lowest_loss == a.lowest_loss);
  CHECK(heavy.positions == a.positions);
}

TEST_CASE("more dimensions never cost") {
  Random random(8);
  for (const Matrix& table : {equal_distances(9), tree_table(), random_table(random, 9, 0.4),
                              random_table(random, 5, 2)}) {
    double before = std::numeric_limits<double>::infinity();
    for (Index d = 1; d <= table.rows(); ++d) {
      const auto a = attainable(table, d);
      CHECK(a.lowest_share <= before + 1e-10);
      CHECK(a.lowest_share < 1);
      before = a.lowest_share;
    }
  }
}

TEST_CASE("weights: a pair that counts for nothing is free, one that counts for much is kept") {
  // A square of equal distances whose diagonals weigh nothing has a solution in the plane.
  Matrix weights = Matrix::Ones(4, 4);
  weights(0, 2) = weights(2, 0) = weights(1, 3) = weights(3, 1) = 0;
  const auto ring = attainable(equal_distances(4), 2, {.weights = weights});
  CHECK(!ring.realisable);  // the table as it stands is not
  CHECK(ring.lowest_loss <= 1e-12);

  Matrix heavy = Matrix::Ones(4, 4);
  heavy(0, 2) = heavy(2, 0) = 1e6;
  const auto kept = attainable(equal_distances(4), 2, {.weights = heavy});
  CHECK(distances_of(kept.positions)(0, 2) == Approx(1).epsilon(1e-5));
  CHECK(distances_of(attainable(equal_distances(4), 2).positions).maxCoeff() > 1.1);

  // The diagonal is not read, and classes without weight are somewhere.
  Matrix none = Matrix::Zero(4, 4);
  none.diagonal().setConstant(7);
  none(0, 1) = none(1, 0) = 2;
  const auto pair = attainable(equal_distances(4), 1, {.weights = none});
  CHECK(pair.lowest_loss <= 1e-20);
  CHECK(pair.positions.allFinite());
  const auto nothing = attainable(equal_distances(4), 1, {.weights = Matrix::Zero(4, 4)});
  CHECK(nothing.lowest_loss == 0);
  CHECK(nothing.collapse_loss == 0);
  CHECK(nothing.lowest_share == 0);
  CHECK(nothing.positions.allFinite());
}

TEST_CASE("same seed, same bits; the starts that are asked for") {
  Random random(9);
  const Matrix table = random_table(random, 12, 0.2);
  const auto a = attainable(table, 1, {.starts = 3, .seed = 5});
  CHECK(attainable(table, 1, {.starts = 3, .seed = 5}).positions == a.positions);
  // On a line with so many distances, one start is not as good as many.
  CHECK(attainable(table, 1, {.starts = 200}).lowest_loss <
        attainable(table, 1, {.starts = 1}).lowest_loss);
}

TEST_CASE("one-sided: 0 by spreading, in any number of dimensions") {
  Random random(10);
  for (const Index d : {1, 2, 12}) {
    for (const Matrix& table : {equal_distances(10), tree_table(), random_table(random, 7, 0),
                                equal_distances(1), Matrix(Matrix::Zero(3, 3))}) {
      const auto a = attainable(table, d, {.one_sided = true});
      CHECK(a.lowest_loss == 0);
      CHECK(a.one_sided);
      CHECK(a.dimensions_needed == attainable(table, d).dimensions_needed);
      CHECK((distances_of(a.positions) - table).minCoeff() >= 0);
      CHECK(reached(a, a.positions) == 1);
      CHECK(reached(a, Matrix(3 * a.positions)) == 1);
    }
  }
  // Half of every distance: a quarter of the collapsed loss is left. Farther is no worse.
  const auto a = attainable(equal_distances(3), 2, {.one_sided = true});
  CHECK(ldmat::reached_by_distances(a, equal_distances(3, 0.5)) == Approx(0.75).epsilon(1e-14));
  CHECK(ldmat::reached_by_distances(a, equal_distances(3, 50)) == 1);
}

TEST_CASE("one-sided: 0, not almost, with small distances beside large ones") {
  for (const double small : {1e-3, 1e-6, 1e-9}) {
    const Matrix table{{0, small, 1}, {small, 0, 1}, {1, 1, 0}};
    for (const Index d : {1, 2}) {
      const ldmat::Attainable a = ldmat::attainable(table, d, {.one_sided = true});
      CHECK(a.lowest_loss == 0);
      CHECK(a.positions.allFinite());
      CHECK(a.positions.cwiseAbs().maxCoeff() < 10);
    }
  }
}

TEST_CASE("one-sided: no pair is closer than its target, however rounding falls") {
  for (int step = 1; step <= 40; ++step) {
    const double small =
        1e-9 * (1 + 0.37 * step);  // points of a line, two of them almost in one place
    const Matrix table{{0, small, 1}, {small, 0, 1 - small}, {1, 1 - small, 0}};
    const ldmat::Attainable a = ldmat::attainable(3 * table, 1, {.one_sided = true});
    CHECK(a.lowest_loss == 0);
    CHECK((distances_of(a.positions) - 3 * table).minCoeff() >= 0);
  }
}

TEST_CASE("reached: 1 at the best, 0 where all coincide, below where it is worse") {
  const Matrix table = equal_distances(5);
  const auto a = attainable(table, 2);
  CHECK(reached(a, a.positions) == Approx(1).epsilon(1e-13));
  CHECK(reached(a, Matrix(Matrix::Constant(5, 2, 3))) == 0);
  CHECK(reached(a, Matrix(100 * a.positions)) < -100);
  // By the definition.
  Random random(11);
  const Matrix centres = Matrix::NullaryExpr(5, 2, [&] { return random.normal(); });
  const double loss = class_pair_loss(distances_of(centres), table, Matrix::Ones(5, 5));
  CHECK(reached(a, centres) ==
        Approx((a.collapse_loss - loss) / (a.collapse_loss - a.lowest_loss)).epsilon(1e-12));
  CHECK(ldmat::reached_by_distances(a, distances_of(centres)) ==
        Approx(reached(a, centres)).epsilon(1e-13));
  // Turned, mirrored and moved.
  Matrix turn(2, 2);
  turn << 0.6, 0.8, 0.8, -0.6;
  CHECK(reached(a, Matrix((centres * turn).array() + 7)) ==
        Approx(reached(a, centres)).epsilon(1e-12));
  // Distances that no plane has are better than the best plane.
  CHECK(ldmat::reached_by_distances(a, table) > 1);
}

TEST_CASE("reached where there is nothing to reach") {
  const auto single = attainable(Matrix::Zero(1, 1), 2);
  CHECK(single.realisable);
  CHECK(single.dimensions_needed == 0);
  CHECK(single.lowest_loss == 0);
  CHECK(single.collapse_loss == 0);
  CHECK(single.positions == Matrix::Zero(1, 2));
  CHECK(reached(single, Matrix(Matrix::Constant(1, 2, 9))) == 1);

  const auto together = attainable(Matrix::Zero(3, 3), 2);
  CHECK(together.realisable);
  CHECK(together.dimensions_needed == 0);
  CHECK(together.collapse_loss == 0);
  CHECK(reached(together, Matrix(Matrix::Ones(3, 2))) == 1);
  CHECK(reached(together, Matrix(Matrix::Identity(3, 2))) ==
        -std::numeric_limits<double>::infinity());
}

TEST_CASE("where weights are too unequal to find more than the place of all classes, that is 1") {
  Matrix table = equal_distances(4);
  table(0, 1) = table(1, 0) = 0;
  Matrix weights = equal_distances(4);
  weights(0, 1) = weights(1, 0) = 1e17;
  const ldmat::Attainable a = ldmat::attainable(table, 1, {.weights = weights});
  CHECK(a.lowest_share <= 1);
  CHECK(reached(a, a.positions) == 1);
}

TEST_CASE("reached from features and labels is that of the class means") {
  Random random(12);
  const auto batch = support::random_batch(random, 60, 3, 4, true);
  const auto a = attainable(equal_distances(4), 3);
  Matrix centres = Matrix::Zero(4, 3);
  for (int c = 0; c < 4; ++c) {
    double count = 0;
    for (Index i = 0; i < 60; ++i) {
      if (batch.labels[static_cast<std::size_t>(i)] != c) continue;
      centres.row(c) += batch.features.row(i);
      count += 1;
    }
    centres.row(c) /= count;
  }
  const double expected = reached(a, centres);
  CHECK(reached(a, batch.features, batch.labels) == Approx(expected).epsilon(1e-12));
  CHECK(reached(a, batch.features.cast<float>().eval(), batch.labels) ==
        Approx(expected).epsilon(1e-12));
  CHECK(reached(a, batch.features.cast<Eigen::bfloat16>().eval(), batch.labels) ==
        Approx(expected).epsilon(1e-12));
}

TEST_CASE("no batch has a lower loss than the bound") {
  Random random(13);
  for (int round = 0; round < 6; ++round) {
    const Index k = 3 + random.below(4);
    const Index d = 1 + random.below(2);
    const Matrix table = random_table(random, k, 0.3);
    std::vector<Index> sizes;
    std::vector<int> labels;
    for (int c = 0; c < k; ++c) {
      sizes.push_back(random.below(6));
      if (c < 2) sizes.back() += 1;
      labels.insert(labels.end(), static_cast<std::size_t>(sizes.back()), c);
    }
    const bool weighted = round % 2 == 1;
    const Matrix weights = random_table(random, k, 0.5);
    ldmat::LossOptions<> options{.class_table = table};
    if (weighted) options.weights = ldmat::weight_table(weights);
    ldmat::Loss<double> loss{options};
    const auto bound = ldmat::lowest_batch_loss(
        table, d, sizes, {.weights = weighted ? weights : Matrix(), .starts = 60});

    const auto n = static_cast<Index>(labels.size());
    Matrix features(n, d);
    for (Index i = 0; i < n; ++i) {
      features.row(i) = bound.positions.row(labels[static_cast<std::size_t>(i)]);
    }
    const double value = loss(features, labels).value;
    CAPTURE(k);
    CAPTURE(d);
    CHECK(value == Approx(bound.loss).epsilon(1e-12).scale(1e-3));
    for (int trial = 0; trial < 300; ++trial) {
      const double size = std::pow(10, -5 * random.uniform());
      const Matrix moved =
          features + size * Matrix::NullaryExpr(n, d, [&] { return random.normal(); });
      CHECK(loss(moved, labels).value >= bound.loss - 1e-12);
    }
    // Nor does training on the batch itself, samples of a class apart, come below it.
    for (int trial = 0; trial < 5; ++trial) {
      Matrix x = Matrix::NullaryExpr(n, d, [&] { return random.normal(); });
      Matrix gradient;
      double trained = 0;
      for (int step = 0; step < 1500; ++step) {
        trained = loss(x, labels, gradient).value;
        x -= 0.3 * gradient * static_cast<double>(n) / 4;
      }
      CHECK(trained >= bound.loss - 1e-9);
    }
  }
}

TEST_CASE("bounds of small batches, realisable tables and one-sided losses") {
  const Matrix table = equal_distances(3);
  CHECK(ldmat::lowest_batch_loss(table, 1, {0, 0, 0}).loss == 0);
  CHECK(ldmat::lowest_batch_loss(table, 1, {0, 1, 0}).loss == 0);
  CHECK(ldmat::lowest_batch_loss(table, 1, {0, 9, 0}).loss == 0);
  CHECK(ldmat::lowest_batch_loss(table, 2, {4, 1, 3}).loss <= 1e-28);
  CHECK(ldmat::lowest_batch_loss(table, 1, {4, 1, 3}, {.one_sided = true}).loss == 0);
  // One sample of each: the pairs are those of the classes.
  CHECK(ldmat::lowest_batch_loss(table, 1, {1, 1, 1}).loss == Approx(1.0 / 9).epsilon(1e-12));
  // Two of each: 12 of the 15 pairs are of different classes.
  CHECK(ldmat::lowest_batch_loss(table, 1, {2, 2, 2}).loss == Approx(12.0 / 15 / 9).epsilon(1e-12));
}

TEST_CASE("a batch's weights may be as large as numbers are") {
  const Matrix table = equal_distances(3);
  const Matrix ones = Matrix::Ones(3, 3);
  const auto small = ldmat::lowest_batch_loss(table, 1, {100, 50, 20}, {.weights = ones});
  const auto large = ldmat::lowest_batch_loss(table, 1, {100, 50, 20}, {.weights = 1e306 * ones});
  CHECK(large.loss == Approx(1e306 * small.loss).epsilon(1e-9));
}

TEST_CASE("what does not fit is refused with a sentence") {
  const Matrix good = equal_distances(3);
  const auto of_table = [](const Matrix& table) {
    return message_of([&] { attainable(table, 2); });
  };
  const auto with = [&](Index a, Index b, double value) {
    Matrix table = good;
    table(a, b) = value;
    return table;
  };
  CHECK(contains(of_table(Matrix::Zero(2, 3)), "table is 2 x 3, but must be square"));
  CHECK(contains(of_table(Matrix()), "table is 0 x 0"));
  CHECK(contains(of_table(with(0, 1, 2)), "but the table must be symmetric"));
  CHECK(contains(of_table(with(1, 1, 1)), "table(1, 1) is 1, but the diagonal must be zero"));
  CHECK(contains(of_table(with(0, 2, -1)), "table(0, 2) is -1"));
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    CHECK(contains(of_table(with(0, 2, bad)), "must be finite and not negative"));
  }
  CHECK(contains(message_of([&] { attainable(good, 0); }), "d is 0"));
  CHECK(contains(message_of([&] { attainable(good, -3); }), "d is -3"));
  CHECK(contains(message_of([&] { attainable(good, 2, {.starts = 0}); }), "starts is 0"));
  const auto of_weights = [&](const Matrix& weights) {
    return message_of([&] { attainable(good, 2, {.weights = weights}); });
  };
  CHECK(contains(of_weights(Matrix::Ones(4, 4)), "has 4 classes, but there are 3"));
  CHECK(contains(of_weights(Matrix::Ones(2, 3)), "AttainableOptions::weights is 2 x 3"));
  CHECK(contains(of_weights(-good), "AttainableOptions::weights(0, 1) is -1"));
  CHECK(contains(of_weights(with(0, 1, 2)), "must be symmetric"));

  const auto a = attainable(good, 2);
  const auto of_centres = [&](const Matrix& centres) {
    return message_of([&] { reached(a, centres); });
  };
  CHECK(contains(of_centres(Matrix::Zero(3, 3)), "centres is 3 x 3"));
  CHECK(contains(of_centres(Matrix::Zero(2, 2)), "here 3 x 2"));
  Matrix not_finite = Matrix::Zero(3, 2);
  not_finite(2, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK(contains(of_centres(not_finite), "centres(2, 1) is nan"));
  const auto of_distances = [&](const Matrix& distances) {
    return message_of([&] { ldmat::reached_by_distances(a, distances); });
  };
  CHECK(contains(of_distances(equal_distances(4)), "distances has 4 classes, but there are 3"));
  CHECK(contains(of_distances(with(0, 1, 2)), "must be symmetric"));
  CHECK(contains(of_distances(with(0, 0, 2)), "diagonal must be zero"));
  CHECK(contains(of_distances(Matrix::Zero(3, 2)), "distances is 3 x 2"));

  const std::string not_found = "attainable is not what ldmat::attainable returns";
  CHECK(contains(message_of([] { reached(ldmat::Attainable{}, Matrix(0, 0)); }), not_found));
  CHECK(contains(message_of([] { ldmat::reached_by_distances(ldmat::Attainable{}, Matrix(0, 0)); }),
                 not_found));
  ldmat::Attainable changed = a;
  changed.positions = Matrix::Zero(4, 2);
  CHECK(contains(message_of([&] { reached(changed, Matrix(Matrix::Zero(4, 2))); }), not_found));

  const Matrix features = Matrix::Zero(3, 2);
  const auto of_labels = [&](const std::vector<int>& labels) {
    return message_of([&] { reached(a, features, labels); });
  };
  CHECK(of_labels({2, 0, 1}).empty());
  CHECK(contains(of_labels({0, 1, 1}), "labels name 2 classes, but each of 0 ... 2 must occur"));
  CHECK(contains(of_labels({0, 1, 3}), "each of 0 ... 2"));
  CHECK(contains(of_labels({0, 1}), "labels has 2 entries"));
  CHECK(contains(message_of([&] {
                   reached(a, Matrix(Matrix::Zero(3, 5)), std::vector{0, 1, 2});
                 }),
                 "features is 3 x 5"));

  CHECK(contains(message_of([&] {
                   ldmat::lowest_batch_loss(good, 2, {1, 2});
                 }),
                 "sizes has 2 entries, but there are 3 classes"));
  CHECK(contains(message_of([&] {
                   ldmat::lowest_batch_loss(good, 2, {1, -2, 3});
                 }),
                 "sizes[1] is -2"));
  CHECK(contains(message_of([&] { ldmat::lowest_batch_loss(good, 0, {1, 2, 3}); }), "d is 0"));
}
