#include "support.hpp"

using support::Matrix;
using support::Random;

namespace {

// A metric, a penalty and a regularizer of the user's own: one struct each, nothing else changed.

/// rho = (sum |x_k - y_k|^3)^(1/3)
struct Cubic {
  static constexpr bool from_squared_norm = false;
  static constexpr bool of_directions = false;
  template <class V>
  V accumulate(V sum, V difference) const {
    using namespace ldmat::math;
    const V size = abs(difference);
    return sum + size * size * size;
  }
  template <class V>
  V distance(V sum) const {
    using namespace ldmat::math;
    return cube_root(sum);
  }
  template <class V>
  V slope(V distance) const {
    using namespace ldmat::math;
    return select(distance == constant<V>(0), constant<V>(0),
                  constant<V>(1) / (distance * distance));
  }
  template <class V>
  V direction(V difference) const {
    using namespace ldmat::math;
    return difference * abs(difference);
  }

 private:
  /// Newton's iteration from above, with arithmetic that any V has.
  template <class V>
  static V cube_root(V x) {
    using namespace ldmat::math;
    V root = x + constant<V>(1);
    for (int step = 0; step < 60; ++step) {
      const V square = root * root;
      root = root - (square * root - x) / (constant<V>(3) * square);
    }
    return select(x == constant<V>(0), x, root);
  }
};

/// phi = r^4
struct Quartic {
  template <class V, class M>
  ldmat::Penalized<V> operator()(V r, M /*same*/) const {
    return {r * r * r * r, ldmat::math::constant<V>(4) * r * r * r};
  }
};

/// T = L^2 + mean / 10
struct SquareOfLabels {
  template <class V>
  V operator()(ldmat::LabelPair<V> pair) const {
    return pair.distance * pair.distance + ldmat::math::constant<V>(0.1) * pair.mean;
  }
  bool uses_mean() const { return true; }
  bool uses_running() const { return false; }
  void validate() const {}
};

static_assert(ldmat::Metric<Cubic>);
static_assert(ldmat::Penalty<Quartic>);
static_assert(ldmat::RegularizerPolicy<SquareOfLabels>);

template <class P>
double numerical_slope(const P& penalty, double r, bool same) {
  const double h = 1e-6;
  return (penalty(r + h, same).value - penalty(r - h, same).value) / (2 * h);
}

/// Every lane of a pack gives what the scalar formula gives.
template <class P>
void check_penalty(const P& penalty) {
  using V = ldmat::detail::Pack<double, ldmat::detail::DefaultArch>;
  for (int step = 0; step < 80; ++step) {
    const double r = -1.975 + 0.05 * step;
    for (const bool same : {false, true}) {
      const auto cost = penalty(r, same);
      CAPTURE(r);
      CAPTURE(same);
      CHECK(cost.slope == doctest::Approx(numerical_slope(penalty, r, same)).epsilon(1e-6));
      const auto mask = same ? V(0.0) == V(0.0) : V(0.0) == V(1.0);
      const auto packed = penalty(V(r), mask);
      double value[16];
      double slope[16];
      ldmat::detail::write(value, packed.value);
      ldmat::detail::write(slope, packed.slope);
      CHECK(value[0] == doctest::Approx(cost.value).epsilon(1e-14));
      CHECK(slope[0] == doctest::Approx(cost.slope).epsilon(1e-14));
    }
  }
  const double nan = std::nan("");
  CHECK(std::isnan(penalty(nan, true).value));
  CHECK(std::isnan(penalty(nan, false).value));
}

}  // namespace

TEST_CASE("penalties have the values and slopes of their formulas, as scalars and as packs") {
  check_penalty(ldmat::Squared{});
  check_penalty(ldmat::Absolute{});
  check_penalty(ldmat::Huber{0.32});
  check_penalty(ldmat::Band{0.3, 0.1});
  check_penalty(ldmat::OneSided<>{});
  check_penalty(ldmat::OneSided<ldmat::Absolute>{});
  check_penalty(ldmat::OneSided<ldmat::Huber>{{0.32}});
  check_penalty(ldmat::OneSided<ldmat::Band>{{0.3, 0.1}});

  CHECK(ldmat::Squared{}(3.0, true).value == 9);
  CHECK(ldmat::Absolute{}(-3.0, true).value == 3);
  CHECK(ldmat::Absolute{}(0.0, true).slope == 0);
  CHECK(ldmat::Huber{0.5}(2.0, true).value == doctest::Approx(0.5 * (4 - 0.5)));
  CHECK(ldmat::Band{0.5, 0.25}(1.0, true).value == 0.25);
  CHECK(ldmat::Band{0.5, 0.25}(1.0, false).value == 0.5625);
  CHECK(ldmat::Band{0.5, 0.25}(-0.5, true).value == 0);
  CHECK(ldmat::OneSided<>{}(-1.0, true).value == 0);
  CHECK(ldmat::OneSided<>{}(1.0, true).value == 1);
  CHECK(ldmat::OneSided<>{}(1.0, false).value == 0);
  CHECK(ldmat::OneSided<>{}(-1.0, false).value == 1);
}

TEST_CASE("regularizers have the values of their formulas") {
  const ldmat::LabelPair<double> pair{2, 0.5, 3};
  CHECK(ldmat::none()(pair) == 2);
  CHECK(ldmat::offset(0.25)(pair) == 2.25);
  CHECK(ldmat::shrink(0.25)(pair) == doctest::Approx(0.75 * 2 + 0.25 * 0.5));
  CHECK(ldmat::adaptive(0.25)(pair) == doctest::Approx(0.75 * 2 + 0.25 * 3));
}

TEST_CASE("a metric, a penalty and a regularizer of the user's own are one struct each") {
  Random random(31);
  const support::Batch batch = support::random_batch(random, 9, 3, 3);
  Matrix features = batch.features;
  for (Eigen::Index i = 0; i < 9; ++i) features.row(i).array() += 0.1 * static_cast<double>(i * i);
  ldmat::Loss<double, Cubic, Quartic, SquareOfLabels> loss{{.class_distance = 1.5}};
  Matrix gradient;
  const double value = loss(features, batch.labels, gradient).value;

  const Matrix labels = ldmat::label_distances(batch.labels, 1.5);
  const double mean = labels.sum() / 72;
  double expected = 0;
  for (Eigen::Index i = 0; i < 9; ++i) {
    for (Eigen::Index j = i + 1; j < 9; ++j) {
      const double distance =
          std::cbrt((features.row(i) - features.row(j)).array().abs().cube().sum());
      const double target = labels(i, j) * labels(i, j) + 0.1 * mean;
      expected += std::pow(distance - target, 4) / 36;
    }
  }
  CHECK(value == doctest::Approx(expected).epsilon(1e-10));
  for (Eigen::Index i = 0; i < 9; ++i) {
    Matrix moved = features;
    moved(i, 1) += 1e-6;
    const double above = loss(moved, batch.labels).value;
    moved(i, 1) -= 2e-6;
    CHECK(gradient(i, 1) ==
          doctest::Approx((above - loss(moved, batch.labels).value) / 2e-6).epsilon(1e-6));
  }
}

namespace {

/// Derived from the Euclidean metric, with another formula.
struct Scaled : ldmat::Euclidean {
  template <class V>
  V distance(V sum) const {
    return ldmat::math::constant<V>(3) * Euclidean::distance(sum);
  }
  template <class V>
  V slope(V distance) const {
    return ldmat::math::constant<V>(9) * Euclidean::slope(distance);
  }
};

}  // namespace

TEST_CASE("a metric derived from another one keeps its own formula") {
  Random random(37);
  for (const ldmat::Index d : {2, 40}) {
    const support::Batch batch = support::random_batch(random, 60, d, 3);
    Matrix expected_gradient;
    Matrix gradient;
    const auto expected = ldmat::Loss<double>{{.class_distance = 1}}(
        Matrix(3 * batch.features), batch.labels, expected_gradient);
    const auto result = ldmat::Loss<double, Scaled>{}(batch.features, batch.labels, gradient);
    CHECK(result.value == doctest::Approx(expected.value).epsilon(1e-12));
    CHECK(support::relative_error(gradient, 3 * expected_gradient) <= 1e-11);
  }
}
