#include "support.hpp"

#include <stdexcept>
#include <vector>

// The blocks of docs/extending.md; docs/snippets.cmake compares them.

using support::Matrix;
using support::Random;

namespace {

/// rho(x, y) = sqrt(|x - y|^2 + w^2) - w: the Euclidean distance from far, smooth where x = y.
struct Rounded : ldmat::SquaredDifferences {
  static constexpr bool of_directions = false;
  double width = 0.1;

  template <class V>
  LDMAT_HOST_DEVICE V distance(V sum) const {
    using namespace ldmat::math;
    const V w = constant<V>(width);
    return sqrt(sum + w * w) - w;
  }
  template <class V>
  LDMAT_HOST_DEVICE V slope(V distance) const {  // d rho / d x = slope * (x - y)
    using namespace ldmat::math;
    return constant<V>(1) / (distance + constant<V>(width));
  }
  void validate() const {
    if (!(width > 0)) throw std::invalid_argument("Rounded::width must be positive");
  }
};

/// phi(r) = r^2 / (1 + (r / c)^2): no pair costs more than c^2, however wrong its distance.
struct Saturating {
  double limit = 1;

  template <class V, class M>
  LDMAT_HOST_DEVICE ldmat::Penalized<V> operator()(V residual, M /*same*/) const {
    using namespace ldmat::math;
    const V one = constant<V>(1);
    const V scaled = residual * constant<V>(1 / limit);
    const V damping = one / (one + scaled * scaled);
    return {residual * residual * damping, (residual + residual) * damping * damping};
  }
};

/// T = min(L, cap): classes need be no farther apart than that, whatever the table says.
struct Capped {
  double cap = 1;

  template <class V>
  LDMAT_HOST_DEVICE V operator()(ldmat::LabelPair<V> pair) const {
    using namespace ldmat::math;
    const V bound = constant<V>(cap);
    return select(pair.distance < bound, pair.distance, bound);
  }
  bool uses_mean() const { return false; }
  bool uses_running() const { return false; }
  void validate() const {}
};

static_assert(ldmat::Metric<Rounded>);
static_assert(ldmat::Penalty<ldmat::OneSided<Saturating>>);
static_assert(ldmat::RegularizerPolicy<Capped>);

}  // namespace

TEST_CASE("policies of one's own: value and gradient are those of their formulas") {
  Random random(91);
  for (const ldmat::Index d : {3, 30}) {  // differences and products
    const support::Batch batch = support::random_batch(random, 25, d, 3);
    const Matrix& features = batch.features;
    const std::vector<int>& labels = batch.labels;
    const Eigen::MatrixXd table{{0, 1, 3}, {1, 0, 3}, {3, 3, 0}};
    Matrix gradient;

    using Own = ldmat::Loss<double, Rounded, ldmat::OneSided<Saturating>, Capped>;
    Own loss{{.class_table = table, .regularizer = {.cap = 2}, .penalty = {{.limit = 0.5}}}};
    const double value = loss(features, labels, gradient).value;

    const auto reference = [&](const Matrix& x) {
      double sum = 0;
      for (ldmat::Index i = 0; i < 25; ++i) {
        for (ldmat::Index j = 0; j < i; ++j) {
          const int a = labels[static_cast<std::size_t>(i)];
          const int b = labels[static_cast<std::size_t>(j)];
          const double distance = std::sqrt((x.row(i) - x.row(j)).squaredNorm() + 0.1 * 0.1) - 0.1;
          const double r = distance - std::min(table(a, b), 2.0);
          if (a == b ? r > 0 : r < 0) sum += r * r / (1 + r * r / 0.25);
        }
      }
      return sum / 300;
    };
    CHECK(value == doctest::Approx(reference(features)).epsilon(1e-12));
    for (ldmat::Index i = 0; i < 25; i += 3) {
      Matrix moved = features;
      moved(i, 1) += 1e-6;
      const double above = reference(moved);
      moved(i, 1) -= 2e-6;
      CHECK(gradient(i, 1) ==
            doctest::Approx((above - reference(moved)) / 2e-6).epsilon(1e-5).scale(0.01));
    }
    Rounded flat;
    flat.width = 0;
    CHECK_THROWS_AS((ldmat::Loss<double, Rounded>{{.metric = flat}}), std::invalid_argument);
  }
}
