#include "support.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#if defined(__linux__)
#include <sys/mman.h>
#endif

// What users of other libraries report about distances of features and losses made of them. Each is
// asked of every kernel that could have it: few components are computed by differences, many by
// products.

using ldmat::Index;
using support::Matrix;
using support::Random;

namespace {

template <class T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The columns of x, and zeros up to d components.
template <class T>
Rows<T> widened(const Rows<T>& x, Index d) {
  Rows<T> wide = Rows<T>::Zero(x.rows(), d);
  wide.leftCols(x.cols()) = x;
  return wide;
}

template <class T>
Rows<T> distances_of(const Rows<T>& x) {
  Rows<T> distances;
  ldmat::feature_distances(x, distances);
  return distances;
}

template <class A, class B>
bool same_bits(const A& a, const B& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), sizeof(*a.data()) * static_cast<std::size_t>(a.size())) ==
             0;
}

std::vector<int> in_turn(Index n, int classes) {
  std::vector<int> labels(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i) % classes;
  return labels;
}

constexpr Index widths[] = {1, 2, 31, 64, 300};

}  // namespace

TEST_CASE_TEMPLATE("large numbers near to each other: 512695 and 512804, 10000 and 10001", T, float,
                   double) {
  for (const Index d : widths) {
    INFO("d ", d);
    Rows<T> x(4, 1);
    x << T(512695), T(512804), T(10000), T(10001);
    const Rows<T> distances = distances_of(widened(x, d));
    CHECK(distances(0, 1) == 109);
    CHECK(distances(2, 3) == 1);
  }
}

TEST_CASE_TEMPLATE("the distance of a sample to itself and to its copy is exactly 0", T, float,
                   double) {
  Random random(81);
  for (const Index d : widths) {
    INFO("d ", d);
    Rows<T> x = Rows<T>::NullaryExpr(
        40, d, [&](Index, Index) { return static_cast<T>(1e3 + random.normal()); });
    for (Index i = 1; i < 40; i += 2) x.row(i) = x.row(i - 1);
    const Rows<T> distances = distances_of(x);
    for (Index i = 0; i < 40; ++i) {
      CHECK(distances(i, i) == 0);
      CHECK(distances(i, i ^ 1) == 0);
    }
  }
}

TEST_CASE_TEMPLATE("a batch of copies of one sample: no NaN, and nowhere to go", T, float, double) {
  for (const Index n : {2, 25, 26, 102}) {
    for (const Index d : widths) {
      INFO("n ", n, " d ", d);
      const Rows<T> x = Rows<T>::Constant(n, d, T(0.3));
      Rows<T> gradient;
      ldmat::Loss<T> loss{};
      const auto result = loss(x, in_turn(n, 3), gradient);
      // Pairs of different classes are 1 short of their distance, in no direction.
      CHECK(result.mean_different_distance == 0);
      const double pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
      CHECK(result.value == doctest::Approx(1 - static_cast<double>(result.same_pairs) / pairs));
      CHECK(gradient == Rows<T>::Zero(n, d));
    }
  }
}

TEST_CASE("batches of 0, 1, 2, 25, 26 and 102 samples agree with the oracle") {
  Random random(82);
  for (const Index n : {0, 1, 2, 25, 26, 102}) {
    for (const Index d : widths) {
      INFO("n ", n, " d ", d);
      const support::Batch batch = support::random_batch(random, n, d, 4, true);
      const Rows<float> x = batch.features.cast<float>();
      const Rows<float> distances = distances_of(x);
      REQUIRE(distances.rows() == n);
      double squares = 0;
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) {
          const double exact = (batch.features.row(i) - batch.features.row(j)).norm();
          CHECK(std::abs(static_cast<double>(distances(i, j)) - exact) <= 4e-6 * exact);
          const bool same = batch.labels[static_cast<std::size_t>(i)] ==
                            batch.labels[static_cast<std::size_t>(j)];
          if (i < j) squares += std::pow(exact - (same ? 0 : 1), 2);
        }
      }
      const double pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
      ldmat::Loss<float> loss{};
      CHECK(loss(x, batch.labels).value ==
            doctest::Approx(n < 2 ? 0 : squares / pairs).epsilon(1e-5));
    }
  }
}

TEST_CASE_TEMPLATE("samples of equal norm, 0.01 apart", T, float, double) {
  for (const Index d : widths) {
    if (d < 2) continue;
    INFO("d ", d);
    Rows<T> x = Rows<T>::Zero(3, d);
    x(0, 0) = 100;
    x(1, 0) = static_cast<T>(100 * std::cos(1e-4));
    x(1, 1) = static_cast<T>(100 * std::sin(1e-4));
    x(2, 0) = -1;  // so that the mean is none of them
    const double exact =
        (x.row(0).template cast<double>() - x.row(1).template cast<double>()).norm();
    CHECK(exact == doctest::Approx(0.01).epsilon(1e-3));
    CHECK(static_cast<double>(distances_of(x)(0, 1)) == doctest::Approx(exact).epsilon(4e-6));
  }
}

TEST_CASE_TEMPLATE("a pair has the same distance in every batch", T, float, double) {
  Random random(83);
  for (const Index d : widths) {
    const Rows<T> x =
        Rows<T>::NullaryExpr(120, d, [&](Index, Index) { return static_cast<T>(random.normal()); });
    const T whole = distances_of(x)(0, 1);
    for (const Index n : {2, 3, 25, 26, 102}) {
      INFO("d ", d, " n ", n);
      const T part = distances_of(Rows<T>(x.topRows(n)))(0, 1);
      if (d < 32) {
        CHECK(part == whole);  // differences know nothing of the batch
      } else {
        CHECK(std::abs(part - whole) <= (sizeof(T) == 4 ? T(4e-6) : T(1e-13)) * whole);
      }
    }
  }
}

TEST_CASE_TEMPLATE("half features whose squared norms are beyond their type", S, Eigen::half,
                   Eigen::bfloat16) {
  for (const Index d : {2, 64, 1024}) {
    INFO("d ", d);
    Rows<S> x = Rows<S>::Constant(4, d, static_cast<S>(200.0F));
    x.row(1).setConstant(static_cast<S>(-200.0F));
    x(2, 0) = static_cast<S>(201.0F);
    const Eigen::MatrixXf distances = ldmat::feature_distances(x);
    const float far = 400 * std::sqrt(static_cast<float>(d));
    CHECK(distances(0, 1) == doctest::Approx(far).epsilon(1e-6));
    CHECK(distances(0, 2) == 1);
    CHECK(distances(0, 3) == 0);
    Rows<float> gradient;
    ldmat::Loss<S> loss{};
    CHECK(std::isfinite(loss(x, in_turn(4, 2), gradient).value));
    CHECK(gradient.allFinite());
  }
}

TEST_CASE_TEMPLATE("subnormal features: no NaN, and distance 0 where squares underflow", T, float,
                   double) {
  for (const Index d : widths) {
    INFO("d ", d);
    Rows<T> x = Rows<T>::Zero(5, d);
    for (Index i = 0; i < 5; ++i) {
      x(i, 0) = static_cast<T>(i) * std::numeric_limits<T>::denorm_min();
      const Index pair = i / 2;
      x(i, d - 1) += static_cast<T>(pair) * std::numeric_limits<T>::min();
    }
    CHECK(distances_of(x) == Rows<T>::Zero(5, 5));
    Rows<T> gradient;
    ldmat::Loss<T> loss{};
    CHECK(loss(x, in_turn(5, 2), gradient).value == doctest::Approx(0.6));  // 6 of 10 pairs
    CHECK(gradient == Rows<T>::Zero(5, d));
  }
}

TEST_CASE_TEMPLATE("buffers that begin at any element", T, float, double) {
  Random random(84);
  for (const Index d : {2, 40}) {
    const Index n = 33;
    const auto size = static_cast<std::size_t>(n * d);
    const Rows<T> x =
        Rows<T>::NullaryExpr(n, d, [&](Index, Index) { return static_cast<T>(random.normal()); });
    Rows<T> expected;
    ldmat::Loss<T> loss{};
    const double value = loss(x, in_turn(n, 3), expected).value;
    for (std::size_t offset = 0; offset < 16; ++offset) {
      INFO("d ", d, " offset ", offset);
      std::vector<T> features(size + 16);
      std::vector<T> gradient(size + 16, T(42));
      std::copy_n(x.data(), size, features.begin() + static_cast<std::ptrdiff_t>(offset));
      const auto result = loss(ldmat::view(std::as_const(features).data() + offset, n, d),
                               in_turn(n, 3), ldmat::view(gradient.data() + offset, n, d));
      CHECK(result.value == value);
      CHECK(same_bits(Rows<T>(Eigen::Map<Rows<T>>(gradient.data() + offset, n, d)), expected));
      CHECK(std::count(gradient.begin(), gradient.end(), T(42)) == 16);
    }
  }
}

TEST_CASE_TEMPLATE("the same call gives the same bits, a permuted batch the same numbers", T, float,
                   double) {
  Random random(85);
  for (const Index n : {7, 130, 700}) {
    for (const Index d : {2, 20, 70}) {
      INFO("n ", n, " d ", d);
      const support::Batch batch = support::random_batch(random, n, d, 5, true);
      const Rows<T> x = batch.features.cast<T>();
      ldmat::Loss<T> loss{};
      Rows<T> first;
      Rows<T> second;
      const double value = loss(x, batch.labels, first).value;
      CHECK(loss(x, batch.labels, second).value == value);
      CHECK(same_bits(first, second));
      ldmat::Loss<T> another{};
      CHECK(another(x, batch.labels, second).value == value);
      CHECK(same_bits(first, second));

      std::vector<Index> order(static_cast<std::size_t>(n));
      std::iota(order.begin(), order.end(), Index{0});
      for (Index i = n - 1; i > 0; --i) {
        std::swap(order[static_cast<std::size_t>(i)],
                  order[static_cast<std::size_t>(random.below(i + 1))]);
      }
      Rows<T> permuted(n, d);
      std::vector<int> labels(order.size());
      for (std::size_t i = 0; i < order.size(); ++i) {
        permuted.row(static_cast<Index>(i)) = x.row(order[i]);
        labels[i] = batch.labels[static_cast<std::size_t>(order[i])];
      }
      const double bound = sizeof(T) == 4 ? 1e-5 : 1e-13;
      CHECK(another(permuted, labels, second).value == doctest::Approx(value).epsilon(bound));
      double error = 0;
      for (std::size_t i = 0; i < order.size(); ++i) {
        error += (second.row(static_cast<Index>(i)) - first.row(order[i]))
                     .template cast<double>()
                     .squaredNorm();
      }
      CHECK(std::sqrt(error) <= bound * first.template cast<double>().norm());
    }
  }
}

#if defined(__linux__)
TEST_CASE("samples more than 2^31 elements apart") {
  constexpr Index apart = (Index{1} << 31) + 5;
  constexpr Index n = 3;
  const Index d = 2;
  constexpr auto bytes = static_cast<std::size_t>(apart * n) * sizeof(float);
  const auto reserve = [] {  // address space, of which a few pages are touched
    return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
  };
  void* const features = reserve();
  void* const gradient = reserve();
  if (features == MAP_FAILED || gradient == MAP_FAILED) {
    MESSAGE("no address space for it here: not tested");
    return;
  }
  auto x = ldmat::view(static_cast<float*>(features), n, d, apart, 1);
  auto g = ldmat::view(static_cast<float*>(gradient), n, d, apart, 1);
  Rows<float> dense(n, d);
  dense << 0, 0, 3, 4, 3, 0;
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < d; ++k) x(i, k) = dense(i, k);
  }
  Rows<float> expected;
  ldmat::Loss<float> loss{};
  const double value = loss(dense, in_turn(n, 2), expected).value;
  CHECK(loss(x, in_turn(n, 2), g).value == value);
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < d; ++k) CHECK(g(i, k) == expected(i, k));
  }
  munmap(features, bytes);
  munmap(gradient, bytes);
}
#endif
