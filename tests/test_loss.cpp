// Eigen then aborts where it allocates while told not to, NDEBUG or not.
#define EIGEN_RUNTIME_NO_MALLOC
#define eigen_assert(x) ((x) ? void() : std::abort())
#include "support.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

using support::Matrix;
using support::Random;

namespace {
std::atomic<long> allocations{0};
}

// Counts what reaches the heap through operator new. Eigen allocates with malloc, which the same
// test forbids through Eigen's own run-time check.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto at = static_cast<std::size_t>(alignment);
  if (void* const memory = std::aligned_alloc(at, (size + at - 1) / at * at)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

TEST_CASE("plain LDMAT on three samples, by hand") {
  // Distances 3-4-5; the first two samples are of one class.
  Matrix f(3, 2);
  f << 0, 0, 3, 0, 0, 4;
  const std::vector<int> y{0, 0, 1};
  ldmat::Loss<double> loss{};
  Matrix g;
  const ldmat::LossResult result = loss(f, y, g);
  CHECK(result.value == doctest::Approx((9.0 + 9.0 + 16.0) / 3));
  CHECK(result.pairs == 3);
  CHECK(result.same_pairs == 1);
  CHECK(result.mean_same_distance == 3);
  CHECK(result.mean_different_distance == 4.5);
  CHECK(g(0, 0) == doctest::Approx(-2.0));
  CHECK(g(0, 1) == doctest::Approx(-2.0));
  CHECK(g(1, 0) == doctest::Approx((2 * 3 + 2 * 4 * 0.6) / 3));
  CHECK(g(1, 1) == doctest::Approx(-2 * 4 * 0.8 / 3));
}

TEST_CASE("the defaults are plain LDMAT") {
  const ldmat::Loss<float>::Options options;
  CHECK(options.class_distance == 1);
  CHECK(options.class_table.size() == 0);
  CHECK(options.weights.kind == ldmat::Weights::Kind::uniform);
  CHECK(options.reduction == ldmat::Reduction::mean);
  CHECK(options.regularizer(ldmat::LabelPair<double>{0.75, 9, 9}) == 0.75);
  CHECK(!options.check_finite);
  CHECK(std::is_same_v<ldmat::Loss<float>, ldmat::Loss<float, ldmat::Euclidean, ldmat::Squared>>);
}

TEST_CASE("the preset is one-sided and linear beyond 0.2") {
  Matrix f(4, 1);
  f << 0, 0.5, 3, 3.9;  // same: 0.5; different: 3, 3.9, 2.5, 3.4, 0.9
  const std::vector<int> y{0, 0, 1, 2};
  auto loss = ldmat::recommended<double>();
  CHECK(loss(f, y).value == doctest::Approx((0.2 * (2 * 0.5 - 0.2) + 0.1 * 0.1) / 6));
}

TEST_CASE("where a Frobenius loss is 0, so is its gradient") {
  Matrix f(3, 1);
  f << 0, 0, 1;
  ldmat::Loss<double> loss{{.reduction = ldmat::Reduction::frobenius}};
  Matrix g;
  CHECK(loss(f, std::vector<int>{0, 0, 1}, g).value == 0);
  CHECK(g == Matrix::Zero(3, 1));
}

TEST_CASE("fewer than two samples: no pairs, value 0, gradient 0") {
  for (const bool balanced : {false, true}) {
    for (const auto reduction : {ldmat::Reduction::mean, ldmat::Reduction::sum,
                                 ldmat::Reduction::weighted_mean, ldmat::Reduction::frobenius}) {
      for (const Eigen::Index d : {0, 2, 30}) {
        for (const Eigen::Index n : {0, 1}) {
          ldmat::Loss<float>::Options options{.regularizer = ldmat::shrink(0.5),
                                              .reduction = reduction};
          if (balanced) options.weights = ldmat::class_balanced();
          ldmat::Loss<float> loss(options);
          const Eigen::MatrixXf f = Eigen::MatrixXf::Ones(n, d);
          Eigen::MatrixXf g = Eigen::MatrixXf::Constant(n, d, 7);
          const std::vector<int> y(static_cast<std::size_t>(n), 3);
          const ldmat::LossResult result = loss(f, y, g);
          CHECK(result.value == 0);
          CHECK(result.pairs == 0);
          CHECK(result.mean_same_distance == 0);
          CHECK(g == Eigen::MatrixXf::Zero(n, d));
        }
      }
    }
  }
}

TEST_CASE("one class only, all classes distinct, and a batch of duplicates") {
  Random random(51);
  const Matrix f = Matrix::NullaryExpr(25, 4, [&](auto, auto) { return random.normal(); });
  ldmat::Loss<double> loss{{.weights = ldmat::class_balanced()}};
  Matrix g;
  const std::vector<int> one(25, 4);
  const auto single = loss(f, one, g);
  CHECK(single.same_pairs == 300);
  CHECK(single.mean_different_distance == 0);
  CHECK(std::isfinite(single.value));
  std::vector<int> distinct(25);
  for (int i = 0; i < 25; ++i) distinct[static_cast<std::size_t>(i)] = i;
  const auto all = loss(f, distinct, g);
  CHECK(all.same_pairs == 0);
  CHECK(all.mean_same_distance == 0);
  CHECK(std::isfinite(all.value));

  for (const Eigen::Index d : {2, 5, 40}) {
    const Matrix same = Matrix::Constant(25, d, 1234.5);
    Matrix zero;
    const auto result = loss(same, distinct, zero);
    CHECK(result.value == 1);  // every distance is exactly 0, every target 1
    CHECK(result.mean_different_distance == 0);
    CHECK(zero == Matrix::Zero(25, d));
  }
}

TEST_CASE("an adaptive regularizer follows the batch means and can be saved and restored") {
  Matrix f(4, 1);
  f << 0, 1, 4, 6;
  const std::vector<int> y{0, 0, 1, 1};
  ldmat::Loss<double> loss{{.classes = 3, .regularizer = ldmat::adaptive(0.5, 0.8)}};
  Matrix g;
  const double first = loss(f, y, g).value;
  // Nothing seen yet: T = 0.5 L + 0.5 L.
  CHECK(first == doctest::Approx(ldmat::Loss<double>{}(f, y).value));
  const auto& running = loss.running_distances();
  CHECK(running.distance(0, 0) == 1);
  CHECK(running.distance(1, 1) == 2);
  CHECK(running.distance(0, 1) == 4.5);
  CHECK(running.distance(1, 0) == 4.5);
  CHECK(running.batches(0, 1) == 1);
  CHECK(running.batches(2, 2) == 0);
  const ldmat::RunningDistances saved = running;

  SUBCASE("the next target mixes labels and running distances") {
    // T_same = 0.5 * C_kk, T_different = 0.5 * 1 + 0.5 * 4.5.
    const double t00 = 0.5, t11 = 1.0, t01 = 2.75;
    const double expected =
        ((1 - t00) * (1 - t00) + (2 - t11) * (2 - t11) + (4 - t01) * (4 - t01) +
         (6 - t01) * (6 - t01) + (3 - t01) * (3 - t01) + (5 - t01) * (5 - t01)) /
        6;
    CHECK(loss(f, y).value == doctest::Approx(expected));
    f *= 2;
    loss(f, y, g);
    CHECK(running.distance(0, 1) == doctest::Approx(0.8 * 4.5 + 0.2 * 9));
    CHECK(running.batches(0, 1) == 2);
  }
  SUBCASE("neither a value nor a const call changes the state") {
    loss(f, y);
    ldmat::Workspace<double> workspace;
    const ldmat::Loss<double>& fixed = loss;
    fixed.evaluate(f, y, g, workspace);
    CHECK(running.batches == saved.batches);
    CHECK(running.distance == saved.distance);
  }
  SUBCASE("restore") {
    ldmat::Loss<double> other(loss.options());
    CHECK(other(f, y).value == doctest::Approx(first));
    other.restore(saved);
    CHECK(other(f, y).value == loss(f, y).value);
    other.reset();
    CHECK(other(f, y).value == doctest::Approx(first));
  }
}

TEST_CASE("after the first call of a shape, a call allocates nothing") {
  Random random(52);
  for (const Eigen::Index d : {2, 7, 40, 700}) {
    const support::Batch batch = support::random_batch(random, 150, d, 5);
    const Eigen::MatrixXf f = batch.features.cast<float>();
    Eigen::MatrixXf g(150, d);
    std::vector<ldmat::Loss<float>> losses;
    losses.emplace_back(ldmat::Loss<float>::Options{});
    losses.emplace_back(ldmat::Loss<float>::Options{
        .classes = 5, .regularizer = ldmat::adaptive(0.2), .weights = ldmat::class_balanced()});
    for (auto& loss : losses) {
      loss(f, batch.labels, g);
      const long before = allocations;
      Eigen::internal::set_is_malloc_allowed(false);
      loss(f, batch.labels, g);
      loss(f, batch.labels);
      CHECK(allocations == before);
      // A smaller batch fits, too.
      loss(f.topRows(40), std::span<const int>(batch.labels).first(40), g.topRows(40));
      Eigen::internal::set_is_malloc_allowed(true);
      CHECK(allocations == before);
    }
  }
}

TEST_CASE("const calls on separate workspaces may run at the same time") {
  Random random(53);
  const support::Batch batch = support::random_batch(random, 90, 20, 5);
  const ldmat::Loss<double> loss{{.regularizer = ldmat::offset(0.1)}};
  ldmat::Workspace<double> own;
  Matrix expected;
  const double value = loss.evaluate(batch.features, batch.labels, expected, own).value;
  std::vector<Matrix> gradients(4);
  std::vector<double> values(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      ldmat::Workspace<double> workspace;
      for (int repeat = 0; repeat < 20; ++repeat) {
        values[t] = loss.evaluate(batch.features, batch.labels, gradients[t], workspace).value;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t t = 0; t < 4; ++t) {
    CHECK(values[t] == value);
    CHECK(gradients[t] == expected);
  }
}

TEST_CASE("NaN and infinite features propagate, and are found where asked for") {
  Random random(54);
  for (const Eigen::Index d : {2, 24}) {
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      support::Batch batch = support::random_batch(random, 30, d, 3);
      batch.features(17, 1) = bad;
      ldmat::Loss<double> loss{};
      Matrix g;
      CHECK(!std::isfinite(loss(batch.features, batch.labels, g).value));
      CHECK(g.row(17).array().isNaN().any());
      ldmat::Loss<double> careful{{.check_finite = true}};
      const std::string message =
          support::message_of([&] { careful(batch.features, batch.labels, g); });
      CHECK(support::contains(message, "features(17, 1)"));
    }
  }
}

TEST_CASE("a batch with a NaN leaves the adaptive regularizer as it was") {
  Matrix f(4, 1);
  f << 0, 1, 4, 6;
  const std::vector<int> y{0, 0, 1, 1};
  ldmat::Loss<double> loss{{.classes = 2, .regularizer = ldmat::adaptive(0.5)}};
  Matrix g;
  loss(f, y, g);
  const ldmat::RunningDistances before = loss.running_distances();
  const double value = loss(f, y).value;
  f(1, 0) = std::nan("");
  loss(f, y, g);
  CHECK(loss.running_distances().distance(0, 0) == before.distance(0, 0));
  CHECK(loss.running_distances().distance(0, 1) == before.distance(0, 1));
  f(1, 0) = 1;
  CHECK(loss(f, y).value == doctest::Approx(value));
  loss.restore(loss.running_distances());
}

TEST_CASE("a moved-from loss and workspace can be used again") {
  Random random(55);
  const support::Batch batch = support::random_batch(random, 20, 3, 3);
  ldmat::Loss<double> loss{};
  const double value = loss(batch.features, batch.labels).value;
  ldmat::Loss<double> other = std::move(loss);
  CHECK(other(batch.features, batch.labels).value == value);
  CHECK(loss(batch.features, batch.labels).value == value);  // NOLINT: moved from on purpose
  loss = std::move(other);
  CHECK(other(batch.features, batch.labels).value == value);  // NOLINT: moved from on purpose
}

TEST_CASE("cosine distances at both ends of the range") {
  const std::vector<int> y{0, 1, 2};
  const auto check = [&]<class T>(T small, T large) {
    using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
    Rows f(3, 2);
    f << 1, 1, -1, 1, -1, T(0.25);
    Rows g;
    ldmat::Loss<T, ldmat::Cosine> loss{};
    const double value = loss(f, y, g).value;
    for (const T scale : {small, large}) {
      Rows scaled_gradient;
      const Rows scaled = f * scale;
      CHECK(loss(scaled, y, scaled_gradient).value == doctest::Approx(value).epsilon(1e-5));
      CHECK(support::relative_error((scaled_gradient * scale).eval(), g) <= 1e-5);
    }
    // Below the smallest normal number a row has no direction, and harms no other.
    f.row(2).setConstant(std::numeric_limits<T>::denorm_min());
    CHECK(std::isfinite(loss(f, y, g).value));
    CHECK(g.allFinite());
    CHECK(g.row(2).norm() == 0);
  };
  check(1e-34F, 1e34F);
  check(1e-290, 1e290);
}

TEST_CASE("one sample has gradient 0 even where it is NaN") {
  for (const Eigen::Index d : {3, 32}) {
    const Matrix f = Matrix::Constant(1, d, std::nan(""));
    ldmat::Loss<double> loss{};
    Matrix g;
    CHECK(loss(f, std::vector<int>{0}, g).value == 0);
    CHECK(g == Matrix::Zero(1, d));
  }
}

static_assert(!ldmat::Labels<Eigen::VectorXf>, "ids or regression targets? label_vectors says");
static_assert(ldmat::Labels<Eigen::MatrixXf>);
static_assert(ldmat::Labels<Eigen::VectorXi>);
template <class Y>
concept Borrowed = requires(Y y) {
  ldmat::label_vectors(std::forward<Y>(y));
};
static_assert(Borrowed<Eigen::MatrixXf&> && Borrowed<Eigen::Block<Eigen::MatrixXf>>);
static_assert(!Borrowed<Eigen::MatrixXf>, "a temporary would be gone before it is read");

TEST_CASE_TEMPLATE("features without components are all at distance 0", M, ldmat::Euclidean,
                   ldmat::SquaredEuclidean, ldmat::Cosine, ldmat::Manhattan) {
  const Eigen::MatrixXf features(5, 0);
  const std::vector<int> labels{0, 1, 0, 1, 2};
  Eigen::MatrixXf gradient(5, 0);
  ldmat::Loss<float, M> loss{};
  CHECK(loss(features, labels).value == doctest::Approx(0.8));
  CHECK(loss(features, labels, gradient).value == doctest::Approx(0.8));
}

TEST_CASE("NaN reaches the value, also in a row of zeros, and with every metric") {
  const auto value = [](auto loss, double a, double b) {
    const Eigen::MatrixXd features{{a, b}, {1, 2}, {2, 0}};
    return loss(features, std::vector<int>{0, 1, 0}).value;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [a, b] : {std::pair{nan, 0.0}, std::pair{0.0, nan}}) {
    CHECK(std::isnan(value(ldmat::Loss<double>{}, a, b)));
    CHECK(std::isnan(value(ldmat::Loss<double, ldmat::Cosine>{}, a, b)));
    CHECK(std::isnan(value(ldmat::Loss<double, ldmat::Manhattan>{}, a, b)));
  }
}
