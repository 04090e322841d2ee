#include "quality_reference.hpp"

#include <ldmat/quality.hpp>

#include <Eigen/QR>
#include <doctest/doctest.h>

#include <array>

#if defined(__linux__)
#include <sys/resource.h>
#endif

using doctest::Approx;
using reference::Set;

namespace {

Approx near(double value, double scale = 1) {
  return Approx(value).epsilon(1e-9).scale(scale);
}

const Eigen::MatrixXd line = Eigen::Vector4d(0, 1, 4, 6);
const std::vector<int> line_labels{0, 0, 1, 1};

template <class M, class Features>
void compare(const Features& features, const Set& set, const M& metric, reference::Distance rho) {
  const auto [same, different] = reference::pairs(set, rho);
  const auto between = reference::centre_distances(set, rho);
  const double scale = std::max(reference::mean(different), reference::mean(same)) + 1e-300;

  const auto spread = ldmat::class_spread(features, set.y, metric);
  CHECK(spread.classes == static_cast<ldmat::Index>(reference::centres(set).size()));
  CHECK(spread.same_pairs == static_cast<std::int64_t>(same.size()));
  CHECK(spread.different_pairs == static_cast<std::int64_t>(different.size()));
  CHECK(spread.mean_same_distance == near(reference::mean(same), scale));
  CHECK(spread.mean_different_distance == near(reference::mean(different), scale));
  CHECK(spread.mean_centre_distance == near(reference::mean(between), scale));
  const double least = between.empty() ? 0 : *std::ranges::min_element(between);
  CHECK(spread.min_centre_distance == near(least, scale));
  if (reference::mean(same) > 1e-9 * scale) {
    CHECK(spread.mean_ratio == near(reference::mean(between) / reference::mean(same), scale));
    CHECK(spread.min_ratio == near(least / reference::mean(same), scale));
  }
  CHECK(ldmat::silhouette(features, set.y, metric) == near(reference::silhouette(set, rho)));
  const double expected = reference::decidability(set, rho);
  if (expected < 1e6) {
    CHECK(ldmat::decidability(features, set.y, metric) == near(expected));
  } else {  // no variance but by rounding
    CHECK(ldmat::decidability(features, set.y, metric) > 1e6);
  }
}

template <class S, int Layout>
void compare_random(unsigned seed) {
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto n = static_cast<Eigen::Index>(random() % 60);
  const auto d = static_cast<Eigen::Index>(random() % 10);
  CAPTURE(n);
  CAPTURE(d);
  Set set = reference::random_set(random, n, d, seed % 2 == 0);
  const auto features = reference::stored<S, Layout>(set);
  compare(features, set, ldmat::Euclidean{}, reference::euclidean);
  if constexpr (std::is_same_v<S, double>) {
    compare(features, set, ldmat::Manhattan{}, reference::manhattan);
    if (d >= 3) compare(features, set, ldmat::Cosine{}, reference::cosine);  // else often 0 / 0
  }
}

/// A metric that ldmat does not have: the greatest difference of a coordinate.
struct Chebyshev {
  static constexpr bool from_squared_norm = false;
  static constexpr bool of_directions = false;

  template <class V>
  V accumulate(V sum, V difference) const {
    using namespace ldmat::math;
    const V size = abs(difference);
    return select(sum < size, size, sum);
  }
  template <class V>
  V distance(V sum) const {
    return sum;
  }
  template <class V>
  V slope(V /*distance*/) const {
    return ldmat::math::constant<V>(1);
  }
  template <class V>
  V direction(V difference) const {
    return difference;
  }
};

}  // namespace

TEST_CASE("class spread, computed by hand") {
  const auto two = ldmat::class_spread(line, line_labels);
  CHECK(two.classes == 2);
  CHECK(two.same_pairs == 2);
  CHECK(two.different_pairs == 4);
  CHECK(two.mean_same_distance == 1.5);
  CHECK(two.mean_different_distance == 4.5);
  CHECK(two.mean_centre_distance == 4.5);
  CHECK(two.min_centre_distance == 4.5);
  CHECK(two.mean_ratio == 3);
  CHECK(two.min_ratio == 3);

  Eigen::VectorXf features(5);  // a third class, of one sample, in between
  features << 20, 0, 4, 1, 6;
  const auto three = ldmat::class_spread(features, std::array{9, 0, 7, 0, 7});
  CHECK(three.classes == 3);
  CHECK(three.same_pairs == 2);
  CHECK(three.different_pairs == 8);
  CHECK(three.mean_same_distance == 1.5);
  CHECK(three.mean_different_distance == (18 + 20 + 19 + 16 + 14) / 8.0);
  CHECK(three.mean_centre_distance == 13);
  CHECK(three.min_centre_distance == 4.5);
  CHECK(three.mean_ratio == Approx(26 / 3.0));
  CHECK(three.min_ratio == 3);
}

TEST_CASE("pooled: a class counts by its pairs") {
  Eigen::VectorXd features(5);
  features << 0, 0, 0, 10, 14;
  const auto spread = ldmat::class_spread(features, std::array{0, 0, 0, 1, 1});
  CHECK(spread.mean_same_distance == 1);  // three pairs at 0, one at 4
}

TEST_CASE("silhouette, computed by hand") {
  CHECK(ldmat::silhouette(line, line_labels) ==
        Approx((4 / 5.0 + 3 / 4.0 + 1.5 / 3.5 + 3.5 / 5.5) / 4));
  SUBCASE("a sample alone in its class counts 0, and is a class for the others") {
    const Eigen::Vector3d features(0, 1, 3);
    CHECK(ldmat::silhouette(features, std::array{0, 0, 1}) == Approx((2 / 3.0 + 1 / 2.0 + 0) / 3));
  }
  SUBCASE("the nearest other class counts, by its mean distance") {
    Eigen::VectorXd features(6);
    features << 0, 2, 4, 4, 3, 9;
    // a = 2; b of sample 0: min(4, 6), of sample 1: min(2, 4).
    const double first = (4 - 2) / 4.0;
    const double second = 0;
    // Class 1, both at 4: a = 0, b = min(3, 3), hence 1 each. Class 2: a = 6, b = min(2, 1) and
    // min(8, 5).
    CHECK(ldmat::silhouette(features, std::array{0, 0, 1, 1, 2, 2}) ==
          Approx((first + second + 1 + 1 + (1 - 6) / 6.0 + (5 - 6) / 6.0) / 6));
  }
  SUBCASE("samples in the wrong class are negative") {
    CHECK(ldmat::silhouette(line, std::array{0, 1, 0, 1}) < 0);
  }
}

TEST_CASE("decidability, computed by hand") {
  // Same: 1, 2. Different: 4, 6, 3, 5.
  CHECK(ldmat::decidability(line, line_labels) == Approx(3 / std::sqrt((0.25 + 1.25) / 2)));
  const Eigen::Vector4d two_points(0, 0, 1, 1);
  CHECK(std::isinf(ldmat::decidability(two_points, line_labels)));
  CHECK(ldmat::decidability(Eigen::MatrixXd::Zero(4, 2).eval(), line_labels) == 0);
}

TEST_CASE("the same as the definitions on random sets") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    compare_random<double, Eigen::ColMajor>(seed);
    compare_random<float, Eigen::RowMajor>(1000 + seed);
    compare_random<Eigen::half, Eigen::RowMajor>(2000 + seed);
    compare_random<Eigen::bfloat16, Eigen::ColMajor>(3000 + seed);
  }
}

TEST_CASE("a metric of the caller's") {
  Eigen::MatrixXd features(4, 2);
  features << 0, 0, 3, 1, 1, 5, 0, 7;
  const auto spread = ldmat::class_spread(features, line_labels, Chebyshev{});
  CHECK(spread.mean_same_distance == 2.5);
  CHECK(spread.mean_different_distance == (5 + 7 + 4 + 6) / 4.0);
  CHECK(spread.min_centre_distance == 5.5);
  CHECK(ldmat::decidability(features, line_labels, Chebyshev{}) ==
        Approx(3 / std::sqrt((0.25 + 1.25) / 2)));
}

TEST_CASE("few samples and classes have defined figures") {
  const auto check_zero = [](const Eigen::MatrixXd& features, const std::vector<int>& labels,
                             std::int64_t same_pairs, std::int64_t different_pairs) {
    const auto spread = ldmat::class_spread(features, labels);
    CHECK(spread.same_pairs == same_pairs);
    CHECK(spread.different_pairs == different_pairs);
    CHECK(spread.mean_ratio == 0);
    CHECK(spread.min_ratio == 0);
    if (same_pairs == 0) CHECK(spread.mean_same_distance == 0);
    if (different_pairs == 0) CHECK(spread.mean_different_distance == 0);
    if (different_pairs == 0) CHECK(spread.min_centre_distance == 0);
    if (different_pairs == 0) CHECK(spread.mean_centre_distance == 0);
    CHECK(ldmat::silhouette(features, labels) == 0);
    CHECK(ldmat::decidability(features, labels) == 0);
  };
  check_zero(Eigen::MatrixXd(0, 3), {}, 0, 0);
  check_zero(Eigen::MatrixXd(), {}, 0, 0);
  check_zero(Eigen::MatrixXd::Ones(1, 3), {4}, 0, 0);
  check_zero(line, {2, 2, 2, 2}, 6, 0);  // one class
  check_zero(line, {3, 2, 1, 0}, 0, 6);  // one sample per class
  CHECK(ldmat::class_spread(line, std::array{3, 2, 1, 0}).min_centre_distance == 1);
  check_zero(Eigen::MatrixXd(4, 0), {1, 1, 2, 2}, 2, 4);  // no dimensions: all coincide
}

TEST_CASE("classes that collapse to points apart are infinitely well spread") {
  const Eigen::Vector4d features(0, 0, 1, 1);
  const auto spread = ldmat::class_spread(features, line_labels);
  CHECK(std::isinf(spread.mean_ratio));
  CHECK(std::isinf(spread.min_ratio));
  CHECK(ldmat::silhouette(features, line_labels) == 1);
}

TEST_CASE("figures do not change when samples are permuted, moved, turned or, for ratios, scaled") {
  for (unsigned seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const Set set = reference::random_set(random, 50, 5, false);
    const Eigen::MatrixXd x = set.x.transpose();
    const auto before = ldmat::class_spread(x, set.y);
    const auto check_same = [&](const Eigen::MatrixXd& changed, const std::vector<int>& labels,
                                double scale) {
      const auto after = ldmat::class_spread(changed, labels);
      CHECK(after.mean_same_distance == near(scale * before.mean_same_distance));
      CHECK(after.mean_different_distance == near(scale * before.mean_different_distance));
      CHECK(after.mean_ratio == near(before.mean_ratio));
      CHECK(after.min_ratio == near(before.min_ratio));
      CHECK(ldmat::silhouette(changed, labels) == near(ldmat::silhouette(x, set.y)));
      CHECK(ldmat::decidability(changed, labels) == near(ldmat::decidability(x, set.y)));
    };
    std::vector<int> order(set.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    std::ranges::shuffle(order, random);
    std::vector<int> labels(order);
    for (int& label : labels) label = set.y[static_cast<std::size_t>(label)];
    check_same(reference::reordered(x, order), labels, 1);
    check_same(x.rowwise() + Eigen::RowVectorXd::LinSpaced(5, -3, 7), set.y, 1);
    const Eigen::MatrixXd turn = Eigen::MatrixXd::Random(5, 5).householderQr().householderQ() *
                                 Eigen::MatrixXd::Identity(5, 5);
    check_same(x * turn, set.y, 1);
    check_same(0.125 * x, set.y, 0.125);
  }
}

TEST_CASE("distances far from zero keep their variance") {
  // Same: 1e8 - 1, 1e8 + 1 and 1e8, whose squares differ by less than the last digit of their sum.
  // Different: at least 1e15, by orders of magnitude more.
  Eigen::MatrixXd features(6, 2);
  features << 0, 0, 1e8 - 1, 0, 0, 1e15, 1e8 + 1, 1e15, 0, 3e15, 1e8, 3e15;
  const auto x = ldmat::detail::figure_features("features", features);
  const std::vector<std::int64_t> labels{0, 0, 1, 1, 2, 2};
  const auto moments = ldmat::detail::pair_moments<ldmat::detail::DefaultArch>(
      x, ldmat::detail::Classes(labels), ldmat::Euclidean{});
  CHECK(moments.same.mean == 1e8);
  CHECK(moments.same.variance() == Approx(2 / 3.0));
}

TEST_CASE("any labels and any layout") {
  enum class Kind : unsigned char { first, second };
  const std::array kinds{Kind::first, Kind::first, Kind::second, Kind::second};
  const Eigen::Vector4i ids(7, 7, 1000000007, 1000000007);
  const double expected = ldmat::silhouette(line, line_labels);
  CHECK(ldmat::silhouette(line, kinds) == expected);
  CHECK(ldmat::silhouette(line, ids) == expected);
  std::array<double, 8> buffer{0, -1, 1, -1, 4, -1, 6, -1};
  CHECK(ldmat::silhouette(ldmat::view(buffer.data(), 4, 1, 2), line_labels) == expected);
  Eigen::MatrixXd wide = Eigen::MatrixXd::Random(6, 3);
  wide.block(1, 1, 4, 1) = line;
  CHECK(ldmat::silhouette(wide.block(1, 1, 4, 1), line_labels) == expected);
}

#if defined(__linux__)
TEST_CASE("memory grows with the samples, not with their pairs") {
  const auto peak_kib = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const ldmat::Index n = 5000;  // 48 MiB for the upper triangle in float
  const Eigen::MatrixXf features = Eigen::MatrixXf::Random(n, 2);
  std::vector<int> labels(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 7);
  const auto before = peak_kib();
  ldmat::class_spread(features, labels);
  ldmat::silhouette(features, labels);
  ldmat::decidability(features, labels);
  CHECK(peak_kib() - before < 8 * 1024);
}
#endif

TEST_CASE("refused arguments") {
  Eigen::MatrixXf features = Eigen::MatrixXf::Zero(3, 2);
  const std::vector<int> labels{0, 1, 1};
  const auto check_throws = [](const auto& x, const auto& y, const char* message) {
    CHECK_THROWS_WITH_AS(ldmat::class_spread(x, y), message, std::invalid_argument);
    CHECK_THROWS_WITH_AS(ldmat::silhouette(x, y), message, std::invalid_argument);
    CHECK_THROWS_WITH_AS(ldmat::decidability(x, y), message, std::invalid_argument);
  };
  check_throws(features, std::vector<int>{0, 1},
               "ldmat: labels has 2 entries, but features has 3 rows: one label per row is needed");
  check_throws(features, std::vector<int>{0, -1, 1},
               "ldmat: labels[1] is -1, but class ids must be 0 or greater and below 2^62");
  check_throws(
      features, std::vector<std::uint64_t>{0, 1, std::uint64_t{1} << 62},
      "ldmat: labels[2] is 4611686018427387904, but class ids must be 0 or greater and below "
      "2^62");
  features(2, 1) = std::numeric_limits<float>::quiet_NaN();
  check_throws(features, labels, "ldmat: features(2, 1) is nan, but features must be finite");
  features(1, 0) = -std::numeric_limits<float>::infinity();
  check_throws(features, labels, "ldmat: features(1, 0) is -inf, but features must be finite");
}
