#include "quality_reference.hpp"

#include <ldmat/retrieval.hpp>

#include <Eigen/QR>
#include <doctest/doctest.h>

#include <array>

using doctest::Approx;
using reference::Set;

namespace {

using Ids = std::vector<int>;

Eigen::MatrixXd column(std::initializer_list<double> values) {
  Eigen::MatrixXd result(static_cast<Eigen::Index>(values.size()), 1);
  std::ranges::copy(values, result.data());
  return result;
}

void check_means(const ldmat::Retrieval& found, const reference::Retrieval& expected,
                 std::size_t queries) {
  CHECK(found.queries == static_cast<ldmat::Index>(expected.map_at_r.size()));
  CHECK(found.queries + found.left_out == static_cast<ldmat::Index>(queries));
  CHECK(found.precision_at_1 == Approx(reference::mean(expected.precision_at_1)));
  CHECK(found.r_precision == Approx(reference::mean(expected.r_precision)));
  CHECK(found.map_at_r == Approx(reference::mean(expected.map_at_r)));
}

template <class S, int Layout>
struct Stored {
  Set set;
  Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Layout> features;

  explicit Stored(Set given) : set(std::move(given)), features(reference::stored<S, Layout>(set)) {}
};

template <class M, class G, class Q>
void compare(const G& gallery, const Q& queries, unsigned seed, const M& metric,
             reference::Distance rho) {
  const auto& [g, gx] = gallery;
  const auto& [q, qx] = queries;
  const auto among = ldmat::retrieval(gx, g.y, metric);
  check_means(among, reference::retrieval(g, g, rho, true), g.size());
  CHECK(ldmat::precision_at_1(gx, g.y, metric) == among.precision_at_1);
  CHECK(ldmat::r_precision(gx, g.y, metric) == among.r_precision);
  CHECK(ldmat::map_at_r(gx, g.y, metric) == among.map_at_r);

  const auto against = ldmat::retrieval(gx, g.y, qx, q.y, metric);
  check_means(against, reference::retrieval(g, q, rho, false), q.size());
  CHECK(ldmat::precision_at_1(gx, g.y, qx, q.y, metric) == against.precision_at_1);
  CHECK(ldmat::r_precision(gx, g.y, qx, q.y, metric) == against.r_precision);
  CHECK(ldmat::map_at_r(gx, g.y, qx, q.y, metric) == against.map_at_r);

  CHECK(ldmat::nearest_centroid_accuracy(gx, g.y, qx, q.y, metric) ==
        Approx(reference::centroid_accuracy(g, q, rho)));
  if (g.size() == 0) return;
  for (const std::size_t k : {std::size_t{1}, seed % g.size() + 1, g.size()}) {
    CAPTURE(k);
    CHECK(ldmat::knn_accuracy(gx, g.y, qx, q.y, static_cast<ldmat::Index>(k), metric) ==
          Approx(reference::knn_accuracy(g, q, k, rho)));
  }
}

template <class S, int Layout, class T, int OtherLayout>
void compare_random(unsigned seed) {
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto n = static_cast<Eigen::Index>(random() % 50);
  const auto m = static_cast<Eigen::Index>(random() % 90);
  const auto d = static_cast<Eigen::Index>(random() % 12);
  CAPTURE(n);
  CAPTURE(m);
  CAPTURE(d);
  const bool grid = seed % 2 == 0;
  Set g = reference::random_set(random, m, d, grid);
  Set q = reference::random_set(random, n, d, grid);
  if (!grid && n > 3 && m > 3) q.x.leftCols(3) = g.x.leftCols(3);
  compare(Stored<S, Layout>(g), Stored<T, OtherLayout>(q), seed, ldmat::Euclidean{},
          reference::euclidean);
  if constexpr (std::is_same_v<S, double>) {
    compare(Stored<S, Layout>(g), Stored<T, OtherLayout>(q), seed, ldmat::Manhattan{},
            reference::manhattan);
    if (grid || d < 3) return;  // angles that are equal but for rounding may come in either order
    const auto without_zeros = [](Set set) {
      for (Eigen::Index i = 0; i < set.x.cols(); ++i) {
        if (set.x.col(i).isZero(0)) set.x.col(i).setLinSpaced(-1, static_cast<double>(i));
      }
      return set;
    };
    compare(Stored<S, Layout>(without_zeros(g)), Stored<T, OtherLayout>(without_zeros(q)), seed,
            ldmat::Cosine{}, reference::cosine);
  }
}

}  // namespace

TEST_CASE("retrieval, computed by hand") {
  const auto gallery = column({1, 2, 3, 4, 9});
  const Ids labels{0, 1, 0, 0, 1};
  SUBCASE("one query") {
    const auto found = ldmat::retrieval(gallery, labels, column({0}), Ids{0});
    CHECK(found.queries == 1);
    CHECK(found.left_out == 0);
    CHECK(found.precision_at_1 == 1);
    CHECK(found.r_precision == Approx(2 / 3.0));             // right, wrong, right
    CHECK(found.map_at_r == Approx((1 + 0 + 2 / 3.0) / 3));  // P(1) = 1, P(3) = 2/3
  }
  SUBCASE("the mean of three, and one that has nothing to find") {
    const auto found = ldmat::retrieval(gallery, labels, column({0, 10, 10, 1}), Ids{0, 1, 0, 5});
    CHECK(found.queries == 3);
    CHECK(found.left_out == 1);
    CHECK(found.precision_at_1 == Approx(2 / 3.0));
    CHECK(found.r_precision == Approx((2 / 3.0 + 1 / 2.0 + 2 / 3.0) / 3));
    // The third: wrong, right, right, with P(2) = 1/2 and P(3) = 2/3.
    CHECK(found.map_at_r == Approx((5 / 9.0 + 1 / 2.0 + (1 / 2.0 + 2 / 3.0) / 3) / 3));
  }
  SUBCASE("among themselves, without themselves") {
    // 1: 2 3 4 9 -> R = 2: wrong, right. 2: 1 3 4 9 -> R = 1: wrong. 3: 2 4 1 9 (2 before 4, being
    // as near and of lower index) -> wrong, right. 4: 3 2 -> right, wrong. 9: 4 -> wrong.
    const auto found = ldmat::retrieval(gallery, labels);
    CHECK(found.queries == 5);
    CHECK(found.left_out == 0);
    CHECK(found.precision_at_1 == Approx(1 / 5.0));
    CHECK(found.r_precision == Approx(3 * (1 / 2.0) / 5));
    CHECK(found.map_at_r == Approx((1 / 4.0 + 1 / 4.0 + 1 / 2.0) / 5));
  }
}

TEST_CASE("samples at equal distance are ordered by index") {
  const auto query = column({0});
  CHECK(ldmat::precision_at_1(column({1, -1}), Ids{0, 1}, query, Ids{0}) == 1);
  CHECK(ldmat::precision_at_1(column({1, -1}), Ids{1, 0}, query, Ids{0}) == 0);
  CHECK(ldmat::precision_at_1(column({0, 0, 0}), Ids{0, 1, 0}) == 0.5);
  const Eigen::MatrixXd copies = Eigen::MatrixXd::Constant(200, 3, 0.1);  // all at distance 0
  for (const ldmat::Index first : {0, 1, 7, 63, 198}) {
    Ids labels(200, 1);
    labels[static_cast<std::size_t>(first)] = 0;
    labels[199] = 0;
    const auto found = ldmat::retrieval(copies, labels, copies.topRows(1), Ids{0});
    CHECK(found.precision_at_1 == (first == 0 ? 1 : 0));
    CHECK(found.r_precision == (first <= 1 ? 0.5 : 0));
  }
}

TEST_CASE("a copy of a sample is not the sample itself") {
  // Each finds its copy, whether that lies before or behind it.
  CHECK(ldmat::precision_at_1(column({5, 5, 8, 8}), Ids{0, 0, 1, 1}) == 1);
  CHECK(ldmat::precision_at_1(column({5, 8, 5, 8}), Ids{0, 1, 0, 1}) == 1);
  CHECK(ldmat::precision_at_1(column({5, 8, 5, 8}), Ids{0, 0, 1, 1}) == 0);
}

TEST_CASE("nearest neighbours vote") {
  const auto gallery = column({1, 2, 3, 4, 5});
  const Ids labels{7, 3, 3, 7, 7};
  const auto query = column({0});
  const auto winner = [&](ldmat::Index k) {
    for (const int candidate : {3, 7}) {
      if (ldmat::knn_accuracy(gallery, labels, query, Ids{candidate}, k) == 1) return candidate;
    }
    return -1;
  };
  CHECK(winner(1) == 7);
  CHECK(winner(2) == 7);  // one each: the nearer
  CHECK(winner(3) == 3);
  CHECK(winner(4) == 7);  // two each: the nearest
  CHECK(winner(5) == 7);
  CHECK(ldmat::knn_accuracy(gallery, labels, column({0, 0, 6, 2}), Ids{7, 3, 8, 3}, 1) == 0.5);
  // Equal votes and equal distances: by index.
  CHECK(ldmat::knn_accuracy(column({1, -1}), Ids{4, 2}, query, Ids{4}, 2) == 1);
}

TEST_CASE("nearest class centre, computed by hand") {
  const auto gallery = column({0, 4, 10, 20});  // centres 2 and 15
  const Ids labels{1, 1, 0, 0};
  CHECK(ldmat::nearest_centroid_accuracy(gallery, labels, column({8}), Ids{1}) == 1);
  CHECK(ldmat::nearest_centroid_accuracy(gallery, labels, column({8, 9, 0, 4}), Ids{1, 1, 0, 6}) ==
        0.25);
  // As near to both: the lower id, wherever its samples are.
  CHECK(ldmat::nearest_centroid_accuracy(column({1, -1}), Ids{5, 3}, column({0}), Ids{3}) == 1);
  CHECK(ldmat::nearest_centroid_accuracy(column({1, -1}), Ids{3, 5}, column({0}), Ids{3}) == 1);
}

TEST_CASE("the same as the definitions on random sets") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    compare_random<double, Eigen::ColMajor, double, Eigen::RowMajor>(seed);
    compare_random<float, Eigen::RowMajor, float, Eigen::RowMajor>(1000 + seed);
    compare_random<Eigen::half, Eigen::RowMajor, float, Eigen::ColMajor>(2000 + seed);
    compare_random<Eigen::bfloat16, Eigen::ColMajor, Eigen::half, Eigen::RowMajor>(3000 + seed);
  }
}

TEST_CASE("the same on a larger set, evenly and unevenly spread") {
  for (const double outlier : {1.0, 1e3, 1e12}) {
    CAPTURE(outlier);
    std::mt19937 random(5);
    Set g = reference::random_set(random, 1500, 3, false);
    Set q = reference::random_set(random, 20, 3, false);
    g.x.col(700) *= outlier;
    for (int& id : g.y) id %= 4;
    for (int& id : q.y) id %= 4;
    const auto found = ldmat::retrieval(Eigen::MatrixXd(g.x.transpose()), g.y,
                                        Eigen::MatrixXd(q.x.transpose()), q.y);
    check_means(found, reference::retrieval(g, q, reference::euclidean, false), q.size());
  }
}

TEST_CASE("distances beyond the range of double are infinite, and the farthest") {
  const auto gallery = column({1e200, 1, -1e200, 2, 1e201});
  const Ids labels{0, 1, 0, 0, 1};
  const auto found = ldmat::retrieval(gallery, labels, column({0}), Ids{0});  // 1 2 1e200 -1e200
  CHECK(found.precision_at_1 == 0);
  CHECK(found.r_precision == Approx(2 / 3.0));
  CHECK(found.map_at_r == Approx((1 / 2.0 + 2 / 3.0) / 3));
  CHECK(ldmat::r_precision(column({1e200, -1e200, 1e201}), Ids{0, 1, 0}, column({0}), Ids{0}) ==
        0.5);
  CHECK(ldmat::precision_at_1(column({0, 1e200, -1e200}), Ids{0, 0, 1}) == Approx(1));
}

TEST_CASE("empty sets and lonely samples have defined figures") {
  const Eigen::MatrixXd none(0, 1);
  const auto some = column({1, 2});
  const auto check_zero = [](const ldmat::Retrieval& found, ldmat::Index left_out) {
    CHECK(found.queries == 0);
    CHECK(found.left_out == left_out);
    CHECK(found.precision_at_1 == 0);
    CHECK(found.r_precision == 0);
    CHECK(found.map_at_r == 0);
  };
  check_zero(ldmat::retrieval(none, Ids{}), 0);
  check_zero(ldmat::retrieval(column({1}), Ids{3}), 1);
  check_zero(ldmat::retrieval(some, Ids{3, 4}), 2);
  check_zero(ldmat::retrieval(none, Ids{}, some, Ids{0, 1}), 2);
  check_zero(ldmat::retrieval(some, Ids{0, 1}, none, Ids{}), 0);
  check_zero(ldmat::retrieval(some, Ids{0, 1}, some, Ids{2, 5}), 2);
  CHECK(ldmat::map_at_r(some, Ids{6, 6}) == 1);  // one class
  CHECK(ldmat::nearest_centroid_accuracy(none, Ids{}, some, Ids{0, 1}) == 0);
  CHECK(ldmat::nearest_centroid_accuracy(some, Ids{0, 1}, none, Ids{}) == 0);
  CHECK(ldmat::nearest_centroid_accuracy(some, Ids{1, 1}, some, Ids{1, 1}) == 1);
  CHECK(ldmat::knn_accuracy(some, Ids{0, 1}, none, Ids{}, 2) == 0);
  CHECK(ldmat::knn_accuracy(some, Ids{1, 1}, some, Ids{1, 0}, 2) == 0.5);
}

TEST_CASE("figures do not change when samples are permuted, moved, turned or scaled") {
  for (unsigned seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Eigen::MatrixXd x(60, 4);
    Ids y(60);
    for (Eigen::Index i = 0; i < 60; ++i) {
      y[static_cast<std::size_t>(i)] = static_cast<int>(random() % 4);
      for (Eigen::Index k = 0; k < 4; ++k) {
        x(i, k) =
            std::normal_distribution<double>()(random) + (y[static_cast<std::size_t>(i)] == k);
      }
    }
    const Eigen::MatrixXd queries = x.topRows(20).array() + 0.01;
    const Ids query_labels(y.begin(), y.begin() + 20);
    struct Figures {
      ldmat::Retrieval among;
      double accuracy = 0;
      double centroid = 0;
    };
    const auto figures = [&](const Eigen::MatrixXd& g, const Ids& labels,
                             const Eigen::MatrixXd& q) {
      return Figures{ldmat::retrieval(g, labels),
                     ldmat::knn_accuracy(g, labels, q, query_labels, 7),
                     ldmat::nearest_centroid_accuracy(g, labels, q, query_labels)};
    };
    const Figures before = figures(x, y, queries);
    const auto check_same = [&](const Figures& after) {
      CHECK(after.among.precision_at_1 == Approx(before.among.precision_at_1));
      CHECK(after.among.r_precision == Approx(before.among.r_precision));
      CHECK(after.among.map_at_r == Approx(before.among.map_at_r));
      CHECK(after.accuracy == before.accuracy);
      CHECK(after.centroid == before.centroid);
    };
    std::vector<int> order(60);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    std::ranges::shuffle(order, random);
    Ids labels(order);
    for (int& label : labels) label = y[static_cast<std::size_t>(label)];
    check_same(figures(reference::reordered(x, order), labels, queries));
    const Eigen::RowVectorXd step = Eigen::RowVectorXd::LinSpaced(4, -3, 7);
    check_same(figures(x.rowwise() + step, y, queries.rowwise() + step));
    const Eigen::MatrixXd turn = Eigen::MatrixXd::Random(4, 4).householderQr().householderQ() *
                                 Eigen::MatrixXd::Identity(4, 4);
    check_same(figures(x * turn, y, queries * turn));
    check_same(figures(3.7 * x, y, 3.7 * queries));
  }
}

TEST_CASE("refused arguments") {
  Eigen::MatrixXf gallery = Eigen::MatrixXf::Zero(3, 2);
  const Ids labels{0, 1, 1};
  const Eigen::MatrixXf queries = Eigen::MatrixXf::Zero(2, 2);
  const Ids query_labels{0, 1};
  const auto check_throws = [](const auto& g, const auto& gl, const auto& q, const auto& ql,
                               const char* message) {
    CHECK_THROWS_WITH_AS(ldmat::retrieval(g, gl, q, ql), message, std::invalid_argument);
    CHECK_THROWS_WITH_AS(ldmat::precision_at_1(g, gl, q, ql), message, std::invalid_argument);
    CHECK_THROWS_WITH_AS(ldmat::r_precision(g, gl, q, ql), message, std::invalid_argument);
    CHECK_THROWS_WITH_AS(ldmat::map_at_r(g, gl, q, ql), message, std::invalid_argument);
    CHECK_THROWS_WITH_AS(ldmat::knn_accuracy(g, gl, q, ql, 1), message, std::invalid_argument);
    CHECK_THROWS_WITH_AS(ldmat::nearest_centroid_accuracy(g, gl, q, ql), message,
                         std::invalid_argument);
  };
  check_throws(
      gallery, Ids{0}, queries, query_labels,
      "ldmat: gallery_labels has 1 entries, but gallery_features has 3 rows: one label per "
      "row is needed");
  check_throws(
      gallery, labels, queries, labels,
      "ldmat: query_labels has 3 entries, but query_features has 2 rows: one label per row "
      "is needed");
  check_throws(gallery, Ids{0, 1, -3}, queries, query_labels,
               "ldmat: gallery_labels[2] is -3, but class ids must be 0 or greater and below "
               "2^62");
  check_throws(gallery, labels, queries, Ids{-1, 0},
               "ldmat: query_labels[0] is -1, but class ids must be 0 or greater and below 2^62");
  check_throws(gallery, labels, Eigen::MatrixXf::Zero(2, 5).eval(), query_labels,
               "ldmat: query_features is 2 x 5, but must have as many columns as gallery_features, "
               "here 2 x 2");
  gallery(2, 1) = std::numeric_limits<float>::quiet_NaN();
  check_throws(gallery, labels, queries, query_labels,
               "ldmat: gallery_features(2, 1) is nan, but features must be finite");
  check_throws(queries, query_labels, gallery, labels,
               "ldmat: query_features(2, 1) is nan, but features must be finite");
  CHECK_THROWS_WITH_AS(ldmat::retrieval(gallery, labels),
                       "ldmat: features(2, 1) is nan, but features must be finite",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(ldmat::retrieval(queries, labels),
                       "ldmat: labels has 3 entries, but features has 2 rows: one label per row is "
                       "needed",
                       std::invalid_argument);
  for (const auto& [k, message] :
       {std::pair(0,
                  "ldmat: k is 0, but must be between 1 and the number of rows of "
                  "gallery_features, 2"),
        std::pair(3,
                  "ldmat: k is 3, but must be between 1 and the number of rows of "
                  "gallery_features, 2")}) {
    CHECK_THROWS_WITH_AS(ldmat::knn_accuracy(queries, query_labels, queries, query_labels, k),
                         message, std::invalid_argument);
  }
}
