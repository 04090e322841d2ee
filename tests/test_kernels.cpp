#include "support.hpp"

#include <ldmat/kernel/evaluate.hpp>
#include <ldmat/kernel/plain.hpp>

using namespace ldmat::detail;
using ldmat::Index;
using support::Matrix;
using support::Random;

namespace {

/// A batch with its class ids as kernels want them.
template <class T>
struct Prepared {
  Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> features;
  std::vector<T> ids;
  std::vector<Id<T>> index;
  std::vector<T> table;
  std::vector<T> weights;
  std::vector<double> observed;
  std::vector<std::int64_t> observed_pairs;
  Index classes;

  Prepared(const support::Batch& batch, Index class_count)
      : features(batch.features.cast<T>()),
        ids(batch.labels.size() + 64, T(-1)),
        index(batch.labels.size() + 64, 0),
        table(static_cast<std::size_t>(class_count * class_count) + 16),
        weights(table.size()),
        observed(static_cast<std::size_t>(class_count * class_count), 0),
        observed_pairs(observed.size(), 0),
        classes(class_count) {
    for (std::size_t i = 0; i < batch.labels.size(); ++i) {
      ids[i] = static_cast<T>(batch.labels[i]);
      index[i] = static_cast<Id<T>>(batch.labels[i]);
    }
    for (std::size_t at = 0; at < observed.size(); ++at) {
      const auto a = at / static_cast<std::size_t>(classes);
      const auto b = at % static_cast<std::size_t>(classes);
      table[at] = static_cast<T>(a == b ? 0.1 : 0.5 + 0.1 * static_cast<double>(a + b));
      weights[at] = static_cast<T>(1 + 0.25 * static_cast<double>((a + b) % 3));
    }
  }
  FixedDistanceTarget<T> fixed() const { return {ids.data(), {T(0.1), T(1.1), T(1.5), T(0.75)}}; }
  ClassTableTarget<T> by_table(bool observe) {
    return {ids.data(),
            index.data(),
            table.data(),
            weights.data(),
            T(1),
            T(1),
            classes,
            {observe ? observed.data() : nullptr, observe ? observed_pairs.data() : nullptr}};
  }
};

template <class T>
struct Outcome {
  PairSums sums;
  Matrix gradient;
};

template <class T, class M, class Target>
Outcome<T> plain(const Prepared<T>& batch, const Target& target) {
  const Index n = batch.features.rows();
  const Index width = packed_width<M>(batch.features.cols());
  using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Rows packed(n, width);
  Rows gradient = Rows::Zero(n, width);
  Eigen::Matrix<T, Eigen::Dynamic, 1> norms(n);
  const ldmat::MatrixView<const T> x{batch.features.data(), n, batch.features.cols(),
                                     batch.features.cols(), 1};
  pack_features<M, T, T>(x, {packed.data(), n, width, width, 1}, norms.data());
  Outcome<T> result;
  const ldmat::MatrixView<const T> in{packed.data(), n, width, width, 1};
  result.sums = plain_kernel<true, T>(in, {gradient.data(), n, width, width, 1}, M{},
                                      ldmat::Squared{}, target);
  Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> g(n, batch.features.cols());
  unpack_gradient<M, T, T>({gradient.data(), n, width, width, 1}, in, norms.data(), 1, as_view(g));
  result.gradient = g.template cast<double>();
  return result;
}

template <class T, class M, class Target>
Outcome<T> chosen(const Prepared<T>& batch, const Target& target, KernelChoice choice) {
  ldmat::Workspace<T> workspace;
  const ldmat::MatrixView<const T> x{batch.features.data(), batch.features.rows(),
                                     batch.features.cols(), batch.features.cols(), 1};
  const auto packed = evaluate_pairs<DefaultBackend, true>(x, M{}, ldmat::Squared{}, target,
                                                           workspace, {.kernel = choice});
  Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> g(x.rows, x.columns);
  write_gradient<M>(packed, 1, as_view(g));
  return {packed.sums, g.template cast<double>()};
}

template <class T, class M>
void compare(Random& random, double bound) {
  for (const Index n : {2, 15, 16, 17, 31, 65, 128, 129, 193, 300, 530}) {
    // 300: more than the components of one product
    for (const Index d :
         n == 129 ? std::vector<Index>{128, 300} : std::vector<Index>{1, 2, 4, 9, 16, 33, 70}) {
      const support::Batch given = support::random_batch(random, n, d, 4, true);
      Prepared<T> batch(given, 4);
      Prepared<double> exact(given, 4);
      for (const bool table : {false, true}) {
        for (const auto choice : {KernelChoice::direct, KernelChoice::gram}) {
          INFO("n ", n, " d ", d, " table ", table, " kernel ", static_cast<int>(choice));
          const Outcome<T> result = table ? chosen<T, M>(batch, batch.by_table(false), choice)
                                          : chosen<T, M>(batch, batch.fixed(), choice);
          const Outcome<double> expected = table ? plain<double, M>(exact, exact.by_table(false))
                                                 : plain<double, M>(exact, exact.fixed());
          const auto close = [&](double a, double b) {
            return std::abs(a - b) <= bound * std::max(1.0, std::abs(b));
          };
          CHECK(close(result.sums.penalty, expected.sums.penalty));
          CHECK(close(result.sums.distance, expected.sums.distance));
          CHECK(close(result.sums.same_distance, expected.sums.same_distance));
          CHECK(support::relative_error(result.gradient, expected.gradient, 1e-3) <= bound);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("the direct and gram kernels agree with the plain one in double") {
  Random random(21);
  compare<float, ldmat::Euclidean>(random, 1e-5);
  compare<double, ldmat::Euclidean>(random, 1e-12);
  compare<double, ldmat::Cosine>(random, 1e-12);
  compare<double, ldmat::Manhattan>(random, 1e-12);
}

TEST_CASE("blocks of several tiles, which only large batches have, agree with the plain kernel") {
  const Index n = 3100;
  REQUIRE(block_rows<float>(true, n) > GramLayout<float>::most);
  Random random(27);
  const support::Batch given = support::random_batch(random, n, 2, 4, true);
  const Prepared<double> exact(given, 4);
  const Outcome<double> expected = plain<double, ldmat::Euclidean>(exact, exact.fixed());
  const auto check = [&]<class T>(const Prepared<T>& batch, double bound) {
    for (const auto choice : {KernelChoice::direct, KernelChoice::gram}) {
      const Outcome<T> result = chosen<T, ldmat::Euclidean>(batch, batch.fixed(), choice);
      CHECK(result.sums.penalty == doctest::Approx(expected.sums.penalty).epsilon(bound));
      CHECK(support::relative_error(result.gradient, expected.gradient, 1e-3) <= bound);
    }
  };
  check(Prepared<float>(given, 4), 1e-5);
  check(exact, 1e-12);
}

TEST_CASE_TEMPLATE("class tables of every size, with and without a table of weights", T, float,
                   double) {
  Random random(25);
  for (const Index classes : {1, 2, 8, 9, 16, 17, 40}) {
    const support::Batch given = support::random_batch(random, 150, 3, static_cast<int>(classes));
    Prepared<T> batch(given, classes);
    Prepared<double> exact(given, classes);
    for (const bool weights : {false, true}) {
      INFO("classes ", classes, " weights ", weights);
      auto target = batch.by_table(false);
      auto reference = exact.by_table(false);
      if (!weights) {
        target.weights = nullptr;
        target.same_weight = T(1.5);
        target.different_weight = T(0.75);
        reference.weights = nullptr;
        reference.same_weight = 1.5;
        reference.different_weight = 0.75;
      }
      const Outcome<T> result = chosen<T, ldmat::Euclidean>(batch, target, KernelChoice::direct);
      const auto expected = plain<double, ldmat::Euclidean>(exact, reference);
      const double bound = std::is_same_v<T, float> ? 1e-5 : 1e-12;
      CHECK(result.sums.penalty == doctest::Approx(expected.sums.penalty).epsilon(bound));
      CHECK(support::relative_error(result.gradient, expected.gradient, 1e-3) <= bound);
    }
  }
}

TEST_CASE("the plain kernel agrees with formulas written out") {
  Random random(22);
  const support::Batch given = support::random_batch(random, 30, 5, 3);
  Prepared<double> batch(given, 3);
  const Outcome<double> result = plain<double, ldmat::Cosine>(batch, batch.fixed());
  Matrix target = Matrix::Zero(30, 30);
  Matrix weight = target;
  Matrix same = target;
  for (Index i = 0; i < 30; ++i) {
    for (Index j = 0; j < 30; ++j) {
      same(i, j) =
          given.labels[static_cast<std::size_t>(i)] == given.labels[static_cast<std::size_t>(j)];
      target(i, j) = same(i, j) != 0 ? 0.1 : 1.1;
      weight(i, j) = same(i, j) != 0 ? 1.5 : 0.75;
    }
  }
  const auto expected = support::expected_loss(given.features, support::MetricKind::cosine, {},
                                               target, weight, same, ldmat::Reduction::sum);
  CHECK(result.sums.penalty == doctest::Approx(expected.value).epsilon(1e-12));
  CHECK(support::relative_error(result.gradient, expected.gradient) <= 1e-12);
}

TEST_CASE("every kernel sums distances per pair of classes for the adaptive regularizer") {
  Random random(23);
  for (const Index d : {3, 20}) {
    const support::Batch given = support::random_batch(random, 140, d, 3);
    Prepared<double> expected(given, 3);
    plain<double, ldmat::Euclidean>(expected, expected.by_table(true));
    for (const auto choice : {KernelChoice::direct, KernelChoice::gram}) {
      Prepared<double> batch(given, 3);
      chosen<double, ldmat::Euclidean>(batch, batch.by_table(true), choice);
      CHECK(batch.observed_pairs == expected.observed_pairs);
      for (std::size_t at = 0; at < batch.observed.size(); ++at) {
        CHECK(batch.observed[at] == doctest::Approx(expected.observed[at]).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("the gram kernel keeps the digits of near pairs, value and gradient") {
  // Two clusters of diameter 1e-4, far from the origin: the product form alone has none left.
  Random random(24);
  const Index n = 64;
  const Index d = 32;
  support::Batch given{Matrix(n, d), std::vector<int>(static_cast<std::size_t>(n))};
  for (Index i = 0; i < n; ++i) {
    given.labels[static_cast<std::size_t>(i)] = static_cast<int>(i % 2);
    for (Index k = 0; k < d; ++k) {
      given.features(i, k) =
          static_cast<float>(100 + static_cast<double>(i % 2) * 0.25 + 2e-5 * random.normal());
    }
  }
  given.features.row(5) = given.features.row(3);
  Prepared<float> batch(given, 2);
  Prepared<double> exact(given, 2);
  const auto expected = plain<double, ldmat::Euclidean>(exact, exact.fixed());
  const auto result = chosen<float, ldmat::Euclidean>(batch, batch.fixed(), KernelChoice::gram);
  CHECK(expected.sums.same_distance > 0);
  CHECK(std::abs(result.sums.same_distance - expected.sums.same_distance) <=
        1e-6 * expected.sums.same_distance);
  CHECK(support::relative_error(result.gradient, expected.gradient) <= 1e-5);
}

TEST_CASE("sums over many equal pairs keep their digits in float") {
  const Index n = 1024;
  Matrix features(n, 1);
  std::vector<int> labels(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    features(i, 0) = i % 2 == 0 ? 0 : 0.7;
    labels[static_cast<std::size_t>(i)] = static_cast<int>(i % 2);
  }
  Prepared<float> many({features, labels}, 2);
  Prepared<float> two({features.topRows(2), {0, 1}}, 2);
  for (const auto choice : {KernelChoice::direct, KernelChoice::gram}) {
    const double sum = chosen<float, ldmat::Euclidean>(many, many.fixed(), choice).sums.distance;
    const double one = chosen<float, ldmat::Euclidean>(two, two.fixed(), choice).sums.distance;
    CHECK(sum == doctest::Approx(one * n * n / 4).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("the gram kernel centres features on their mean, however many and far they are",
                   T, float, double) {
  // Near enough: what is left of the mean costs digits of the gradient, and makes all pairs near ones.
  Random random(26);
  const Index n = 65536 + 5;
  const Index d = 3;
  support::Batch given{Matrix(n, d), std::vector<int>(static_cast<std::size_t>(n))};
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < d; ++k) given.features(i, k) = 1e4 + random.normal();
  }
  const Prepared<T> prepared(given, 1);
  ldmat::Workspace<T> workspace;
  PackedBatch<T> batch{};
  reserve_gram<DefaultBackend, ldmat::Euclidean>(
      batch, ldmat::detail::const_view(prepared.features), static_cast<T*>(nullptr), workspace);
  GramTiles<DefaultArch, T>(batch).centre();
  for (Index k = 0; k < d; ++k) {
    const double exact = prepared.features.col(k).template cast<double>().mean();
    CHECK(std::abs(static_cast<double>(batch.mean[k]) - exact) <= 0.1);
  }
}
