#include "../../examples/cuda/embedding.hpp"
#include "accuracy.hpp"
#include "support.hpp"

#include <ldmat/cuda/basic_loss.hpp>
#include <ldmat/cuda/serial.hpp>

#include <cmath>
#include <cstring>
#include <limits>

// The CUDA backend on the serial device: arguments, memory, launches, and what single cases show better
// than random ones (tests/cuda/test_device_loss.cpp).

using ldmat::cuda::device_labels;
using ldmat::cuda::device_matrix;
using ldmat::detail::cuda::SerialDevice;
using support::contains;
using support::message_of;
using support::Random;

namespace {

template <class S, class M = ldmat::Euclidean, class P = ldmat::Squared,
          class R = ldmat::Regularizer>
using DeviceLoss = ldmat::detail::cuda::BasicLoss<SerialDevice, S, M, P, R>;
using Workspace = ldmat::detail::cuda::BasicWorkspace<SerialDevice>;

template <class T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
auto matrix(const Rows<T>& x) {
  return device_matrix(x.data(), x.rows(), x.cols());
}
template <class T>
auto matrix(Rows<T>& x) {
  return device_matrix(x.data(), x.rows(), x.cols());
}
template <class L>
auto ids(const std::vector<L>& labels) {
  return device_labels(labels.data(), static_cast<Index>(labels.size()));
}

struct Fixture {
  Rows<float> features = Rows<float>::Random(6, 3);
  std::vector<int> labels{0, 1, 2, 0, 1, 2};
  Rows<float> gradient = Rows<float>::Constant(6, 3, 42);
  DeviceLoss<float> loss{};

  bool untouched() const { return gradient == Rows<float>::Constant(6, 3, 42); }
};

template <class Call>
void refused(const Call& call, std::initializer_list<const char*> parts) {
  const std::string message = message_of(call);
  CAPTURE(message);
  for (const char* const part : parts) {
    CAPTURE(part);
    CHECK(contains(message, part));
  }
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "shapes, strides and pointers that do not fit are refused") {
  std::vector<int> five(5);
  refused([&] { loss(matrix(features), ids(five), matrix(gradient)); },
          {"labels has 5", "features has 6"});
  Rows<float> narrow = Rows<float>::Zero(6, 2);
  refused([&] { loss(matrix(features), ids(labels), matrix(narrow)); },
          {"gradient is 6 x 2", "6 x 3"});
  refused([&] { loss(matrix(features), ids(labels), matrix(features)); },
          {"gradient overlaps features"});
  refused([&] { loss(matrix(features), ids(labels), device_matrix(gradient.data(), 6, 3, 2, 1)); },
          {"gradient has strides 2, 1"});
  float* const null = nullptr;
  refused([&] { device_matrix(null, 2, 3); }, {"data is null", "2 x 3"});
  refused([&] { device_matrix(gradient.data(), -1, 3); }, {"-1 x 3", "negative"});
  const int* const no_labels = nullptr;
  refused([&] { device_labels(no_labels, 3); }, {"data is null", "3"});
  refused([&] { device_labels(labels.data(), -3); }, {"-3", "negative"});
  const Rows<double> vectors = Rows<double>::Zero(5, 2);
  refused([&] { loss(matrix(features), ldmat::cuda::device_label_vectors(matrix(vectors))); },
          {"label_vectors has 5", "features has 6"});
  const Rows<double> target = Rows<double>::Zero(6, 5);
  refused([&] { loss(matrix(features), ldmat::cuda::device_target_matrix(matrix(target))); },
          {"target is 6 x 5", "6 x 6"});
  DeviceLoss<float> table{{.class_table = Eigen::MatrixXd::Zero(3, 3)}};
  const Rows<double> six = Rows<double>::Zero(6, 2);
  refused([&] { table(matrix(features), ldmat::cuda::device_label_vectors(matrix(six))); },
          {"label vectors", "class ids"});
  refused([&] { DeviceLoss<float>({.class_distance = -1}); }, {"class_distance is -1"});
  refused([&] { DeviceLoss<float>({}, {.panel_rows = 100}); }, {"panel_rows is 100"});
  CHECK(untouched());
}

TEST_CASE_FIXTURE(Fixture, "labels and features that only kernels see are refused by on_host") {
  labels[4] = -3;
  labels[5] = -4;
  auto pending = loss(matrix(features), ids(labels), matrix(gradient));
  refused([&] { pending.on_host(); }, {"labels[4] is -3", "0 or greater"});
  CHECK(std::isnan(pending.on_device()->value));
  DeviceLoss<float> three{{.classes = 3}};
  labels = {0, 1, 7, 0, 9, 2};
  refused([&] { three(matrix(features), ids(labels), matrix(gradient)).on_host(); },
          {"labels[2] is 7", "between 0 and 2"});
  DeviceLoss<float> adaptive{{.classes = 3, .regularizer = ldmat::adaptive(0.5)}};
  refused([&] { adaptive(matrix(features), ids(labels), matrix(gradient)).on_host(); },
          {"labels[2] is 7"});
  CHECK(adaptive.running_distances().batches.sum() == 0);
  const std::vector<std::uint64_t> huge{0, 1, 2, 3, 4, ~std::uint64_t{0}};
  refused([&] { loss(matrix(features), ids(huge), matrix(gradient)).on_host(); },
          {"labels[5] is 18446744073709551615"});
  labels = {0, 1, 2, 0, 1, 2};
  DeviceLoss<float> careful{{.check_finite = true}};
  features(3, 1) = std::numeric_limits<float>::infinity();
  features(4, 0) = std::numeric_limits<float>::quiet_NaN();
  refused([&] { careful(matrix(features), ids(labels), matrix(gradient)).on_host(); },
          {"features(3, 1) is inf", "check_finite"});
  CHECK(untouched());
  CHECK(std::isnan(loss(matrix(features), ids(labels), matrix(gradient)).on_host().value));
}

TEST_CASE("labels of every integer and enum type, and of any size") {
  Random random(91);
  const support::Batch batch = support::random_batch(random, 300, 3, 7);
  const Rows<float> x = batch.features.cast<float>();
  ldmat::Loss<float> host{{.weights = ldmat::class_balanced()}};
  const auto expected = host(x, batch.labels);
  DeviceLoss<float> loss{{.weights = ldmat::class_balanced()}};
  const auto check = [&](auto zero, auto id) {
    std::vector<decltype(zero)> labels;
    for (const int label : batch.labels) labels.push_back(id(label));
    const auto result = loss(matrix(x), ids(labels)).on_host();
    CHECK(result.same_pairs == expected.same_pairs);
    CHECK(result.value == doctest::Approx(expected.value).epsilon(1e-6));
  };
  check(std::uint8_t{}, [](int label) { return static_cast<std::uint8_t>(label); });
  check(std::int16_t{}, [](int label) { return static_cast<std::int16_t>(label); });
  check(char{}, [](int label) { return static_cast<char>(label); });
  check(std::uint64_t{}, [](int label) { return static_cast<std::uint64_t>(label) << 57; });
  check(std::int64_t{}, [](int label) { return (std::int64_t{1} << 61) - label; });
  enum class Digit : short {};
  check(Digit{}, [](int label) { return static_cast<Digit>(label); });
}

TEST_CASE("fewer than two samples, and samples without components") {
  for (const Index d : {0, 2, 30}) {
    for (const Index n : {0, 1, 5}) {
      if (n == 5 && d > 0) continue;
      INFO("n ", n, " d ", d);
      const Rows<float> x = Rows<float>::Ones(n, d);
      Rows<float> gradient = Rows<float>::Constant(n, d, 7);
      const std::vector<int> labels(static_cast<std::size_t>(n), 3);
      DeviceLoss<float> loss{};
      const auto result = loss(matrix(x), ids(labels), matrix(gradient)).on_host();
      CHECK(result.value == 0);
      CHECK(result.pairs == n * (n - 1) / 2);
      CHECK(gradient == Rows<float>::Zero(n, d));
    }
  }
}

TEST_CASE("a call needs no more memory than workspace_size says, and allocates nothing twice") {
  Random random(92);
  for (const Index n : {1, 50, 129, 300}) {
    for (const Index d : {2, 23, 24, 70}) {
      INFO("n ", n, " d ", d);
      const support::Batch batch = support::random_batch(random, n, d, 4);
      const Rows<float> x = batch.features.cast<float>();
      Rows<float> gradient(n, d);
      DeviceLoss<float> loss{{.classes = 4, .regularizer = ldmat::adaptive(0.5)},
                             {.window_bytes = 4096, .panel_rows = 128}};
      // Exactly so many bytes, so that the address sanitizer sees the first one too many.
      const std::size_t bytes = loss.workspace_size(n, d);
      ldmat::detail::cuda::DeviceBuffer<SerialDevice> memory(bytes);
      Workspace workspace({}, memory.data(), bytes);
      const auto result =
          loss.evaluate(matrix(x), ids(batch.labels), matrix(gradient), workspace).on_host();
      loss.reserve(n, d);
      const std::size_t before = loss.workspace().bytes();
      CHECK(before == bytes);
      CHECK(loss(matrix(x), ids(batch.labels), matrix(gradient)).on_host().value == result.value);
      CHECK(loss.workspace().bytes() == before);

      Workspace small({}, memory.data(), 256);
      refused([&] { loss.evaluate(matrix(x), ids(batch.labels), matrix(gradient), small); },
              {"the workspace has 256 bytes, but this call needs ", "Loss::workspace_size"});
    }
  }
  refused([] { Workspace({}, reinterpret_cast<void*>(1000), 10); }, {"aligned to 256"});
  refused([] { DeviceLoss<float>{}.reserve(-1, 2); }, {"-1 x 2", "negative"});
  // A value alone never needs more than value and gradient: these shapes once did.
  for (const Index d : {1, 2}) {
    std::vector<Index> sizes{216576, 221568, 239232};
    for (Index n = 128; n < 300000; n += 97 * 128) sizes.push_back(n);
    for (const Index n : sizes) {
      const auto bytes = [&](bool gradient) {
        ldmat::detail::cuda::CallShape shape;
        shape.n = n;
        shape.d = shape.width = d;
        shape.gradient = gradient;
        shape.window = ldmat::cuda::Settings{}.window_bytes;
        ldmat::detail::cuda::Arena counting;
        const ldmat::detail::cuda::CallMemory<float> memory(counting, shape);
        return counting.used();
      };
      CHECK(bytes(false) <= bytes(true));
    }
  }
  // O(n d): a matrix of n x n would take 16 GiB here.
  CHECK(DeviceLoss<float>{}.workspace_size(65536, 2) < std::size_t{100} << 20);
  CHECK(DeviceLoss<float>{}.workspace_size(65536, 512) < std::size_t{500} << 20);
}

TEST_CASE("windows and panels of every size give the same numbers") {
  Random random(93);
  const Index n = 700;
  for (const Index d : {2, 40}) {
    const support::Batch batch = support::random_batch(random, n, d, 5, true);
    const Rows<double> x = batch.features;
    Rows<double> expected(n, d);
    DeviceLoss<double> whole{};
    const auto result = whole(matrix(x), ids(batch.labels), matrix(expected)).on_host();
    ldmat::Loss<double> host{};
    Rows<double> on_host;
    CHECK(host(x, batch.labels, on_host).value == doctest::Approx(result.value).epsilon(1e-13));
    CHECK(support::relative_error(expected, on_host) <= 1e-13);
    for (const std::size_t window : {1u, 100000u, 400000u}) {
      for (const Index panel : {64, 192, 704}) {
        INFO("d ", d, " window ", window, " panel ", panel);
        DeviceLoss<double> parts{{}, {.window_bytes = window, .panel_rows = panel}};
        Rows<double> gradient(n, d);
        const auto other = parts(matrix(x), ids(batch.labels), matrix(gradient)).on_host();
        CHECK(other.value == doctest::Approx(result.value).epsilon(1e-13));
        CHECK(support::relative_error(gradient, expected) <= 1e-13);
      }
    }
  }
}

TEST_CASE("an adaptive regularizer sees the same distances as on the host, batch after batch") {
  Random random(94);
  const auto check = [&](auto scalar) {
    using T = decltype(scalar);
    for (const Index d : {3, 30}) {
      const typename DeviceLoss<T>::Options options{.classes = 5,
                                                    .regularizer = ldmat::adaptive(0.4, 0.7)};
      ldmat::Loss<T> host(options);
      DeviceLoss<T> device(options, {.panel_rows = 64});
      const double bound = sizeof(T) == 4 ? 1e-5 : 1e-12;
      for (int at = 0; at < 4; ++at) {
        // The fourth class is missing at first, the fifth always.
        const support::Batch batch = support::random_batch(random, 150, d, at < 2 ? 3 : 4);
        const Rows<T> x = batch.features.template cast<T>();
        Rows<T> g(150, d);
        Rows<T> expected;
        const auto result = device(matrix(x), ids(batch.labels), matrix(g)).on_host();
        CHECK(result.value ==
              doctest::Approx(host(x, batch.labels, expected).value).epsilon(bound));
        CHECK(support::relative_error(g, expected) <= bound);
      }
      const auto state = device.running_distances();
      CHECK(state.batches == host.running_distances().batches);
      CHECK(support::relative_error(state.distance, host.running_distances().distance) <= bound);
      const DeviceLoss<T> copy = device;
      CHECK(copy.running_distances().distance == state.distance);
      device.reset();
      CHECK(device.running_distances().batches.sum() == 0);
      CHECK(copy.running_distances().distance == state.distance);
      device.restore(state);
      CHECK(device.running_distances().distance == state.distance);
    }
  };
  check(float{});
  check(double{});
}

TEST_CASE_TEMPLATE("exact sums: any order, any size of terms", T, float, double) {
  using Sum = ldmat::detail::cuda::ExactSum<T>;
  Random random(95);
  std::vector<T> terms;
  long double exact = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto term =
        static_cast<T>(std::ldexp(random.normal(), static_cast<int>(random.below(40))));
    terms.push_back(term);
    exact += static_cast<long double>(term);
  }
  std::vector<std::int64_t> forwards(static_cast<std::size_t>(Sum::bins));
  auto backwards = forwards;
  for (const T term : terms) Sum::add(forwards.data(), term);
  for (auto at = terms.rbegin(); at != terms.rend(); ++at) Sum::add(backwards.data(), *at);
  CHECK(forwards == backwards);
  CHECK(Sum::value(forwards.data()) == doctest::Approx(static_cast<double>(exact)).epsilon(1e-15));

  const auto sum_of = [](std::initializer_list<T> values) {
    std::vector<std::int64_t> bins(static_cast<std::size_t>(Sum::bins));
    for (const T value : values) Sum::add(bins.data(), value);
    return Sum::value(bins.data());
  };
  using Limits = std::numeric_limits<T>;
  CHECK(sum_of({}) == 0);
  CHECK(sum_of({Limits::max(), T(1), -Limits::max()}) == 1);
  CHECK(sum_of({Limits::denorm_min(), Limits::denorm_min()}) == 2.0 * Limits::denorm_min());
  CHECK(sum_of({Limits::max()}) == static_cast<double>(Limits::max()));
  CHECK(std::isnan(sum_of({T(1), Limits::infinity()})));
  CHECK(std::isnan(sum_of({Limits::quiet_NaN()})));
}

TEST_CASE_TEMPLATE("hard data: gradients are the oracle's, by differences and by products", T,
                   float, double) {
  if (sizeof(T) == sizeof(double) && !accuracy::oracle_beyond_double) return;
  for (const accuracy::Data& data : accuracy::data_sets) {
    for (const Index d : {1, 2, 16, 24, 65, 500}) {
      INFO("data ", std::string(data.name), " d ", d);
      const Rows<T> x = accuracy::make_features<T>(data.name, 70, d);
      const std::vector<int> labels = accuracy::make_labels(x);
      Rows<T> gradient(x.rows(), d);
      DeviceLoss<T> loss{};
      loss(matrix(x), ids(labels), matrix(gradient)).on_host();
      const auto exact = accuracy::exact_gradient<ldmat::Euclidean>(x, labels);
      CHECK(accuracy::gradient_error(gradient, exact) <= (sizeof(T) == 4 ? 1e-5 : 1e-13));
    }
  }
}

TEST_CASE("TF32 products are within what docs/cuda.md says") {
  // Ten clusters, `apart` times as far from each other as they are wide.
  Random random(96);
  for (const double apart : {1.0, 3.0, 10.0}) {
    const Index n = 400;
    const Index d = 128;
    const Rows<float> centres = Rows<float>::NullaryExpr(
        10, d, [&](Index, Index) { return static_cast<float>(apart * random.normal()); });
    Rows<float> x(n, d);
    std::vector<int> labels;
    for (Index i = 0; i < n; ++i) {
      labels.push_back(static_cast<int>(i % 10));
      for (Index k = 0; k < d; ++k) {
        x(i, k) = (centres(i % 10, k) + static_cast<float>(random.normal())) / 16;
      }
    }
    Rows<float> exact(n, d);
    DeviceLoss<float> full{};
    const double value = full(matrix(x), ids(labels), matrix(exact)).on_host().value;
    for (const bool to_nearest : {true, false}) {
      DeviceLoss<float> tf32{{}, {.tf32 = true}};
      tf32.workspace().device().tf32_to_nearest = to_nearest;
      Rows<float> rounded(n, d);
      const double other = tf32(matrix(x), ids(labels), matrix(rounded)).on_host().value;
      const double value_error = std::abs(other / value - 1);
      const double error = support::relative_error(rounded, exact);
      MESSAGE("clusters ", apart, to_nearest ? ", to nearest" : ", truncated", ": value off by ",
              value_error, ", gradient by ", error);
      CHECK(error > 0);  // it does round
      CHECK(value_error <= (to_nearest ? 1e-4 : 1e-2));
      CHECK(error <= (to_nearest ? 5e-4 : 5e-3));
    }
  }
}

TEST_CASE("copies of a sample: distance 0, gradient 0, no NaN; NaN reaches value and gradient") {
  for (const Index d : {2, 40, 80}) {
    for (const Index n : {2, 25, 26, 102, 130}) {
      INFO("n ", n, " d ", d);
      Rows<float> x = Rows<float>::Constant(n, d, 0.3F);
      Rows<float> gradient = Rows<float>::Constant(n, d, 7);
      std::vector<int> labels(static_cast<std::size_t>(n));
      for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 3);
      DeviceLoss<float> loss{};
      const auto result = loss(matrix(x), ids(labels), matrix(gradient)).on_host();
      CHECK(result.mean_different_distance == 0);
      CHECK(gradient == Rows<float>::Zero(n, d));
      x(1, 0) = std::numeric_limits<float>::quiet_NaN();
      CHECK(std::isnan(loss(matrix(x), ids(labels), matrix(gradient)).on_host().value));
      CHECK(gradient.row(1).array().isNaN().any());
    }
  }
}

namespace {

/// A regularizer and a metric of the test's own.
struct SquareOfLabels {
  template <class V>
  LDMAT_HOST_DEVICE V operator()(ldmat::LabelPair<V> pair) const {
    return pair.distance * pair.distance + ldmat::math::constant<V>(0.1) * pair.mean;
  }
  LDMAT_HOST_DEVICE bool uses_mean() const { return true; }
  LDMAT_HOST_DEVICE bool uses_running() const { return false; }
  void validate() const {}
};

template <class Backend, class... Arguments>
double value_on(const ldmat::LossOptions<>& options, const Arguments&... arguments) {
  ldmat::LossOn<Backend, float> loss(options);
  return loss(arguments...).on_host().value;
}

}  // namespace

TEST_CASE("policies of one's own, and code for any backend") {
  Random random(97);
  const support::Batch batch = support::random_batch(random, 90, 4, 3, true);
  const Rows<float> x = batch.features.cast<float>();
  ldmat::Loss<float, ldmat::Euclidean, ldmat::Squared, SquareOfLabels> host{
      {.class_distance = 1.5}};
  DeviceLoss<float, ldmat::Euclidean, ldmat::Squared, SquareOfLabels> device{
      {.class_distance = 1.5}};
  CHECK(device(matrix(x), ids(batch.labels)).on_host().value ==
        doctest::Approx(host(x, batch.labels).value).epsilon(1e-6));
  CHECK(value_on<ldmat::cpu>({.class_distance = 2}, x, batch.labels) ==
        ldmat::Loss<float>{{.class_distance = 2}}(x, batch.labels).value);
}

TEST_CASE("launches: one block per game, and as many rounds as tiles") {
  using namespace ldmat::detail::cuda;
  CHECK(blocks_for(0) == 0);
  CHECK(blocks_for(256) == 1);
  CHECK(blocks_for(257) == 2);
  for (const Index tiles : {1, 2, 3, 8, 9}) {
    std::vector<int> met(static_cast<std::size_t>(tiles * tiles));
    for (Index round = 0; round < tiles; ++round) {
      std::vector<int> games(static_cast<std::size_t>(tiles));
      for (Index left = 0; left < tiles; ++left) {
        const Index right = opponent(left, round, tiles);
        if (right < left) continue;
        ++met[static_cast<std::size_t>(left * tiles + right)];
        ++games[static_cast<std::size_t>(left)];
        if (right != left) ++games[static_cast<std::size_t>(right)];
      }
      for (const int count : games) CHECK(count == 1);  // every slot is written once
    }
    for (Index i = 0; i < tiles; ++i) {
      for (Index j = 0; j < tiles; ++j) {
        CHECK(met[static_cast<std::size_t>(i * tiles + j)] == (i <= j ? 1 : 0));
      }
    }
  }
}

// The training code of examples/cuda, which is written for any backend, on the host and on the serial
// device.

namespace {

struct serial {};  // a backend of this test

/// Buffers and arithmetic are those of the host: a serial device has no other.
template <class B>
class Machine {
 public:
  using Backend = B;

  template <class T>
  std::vector<T> copy(const std::vector<T>& from) {
    return from;
  }
  Eigen::Map<Rows<float>> rows(const std::vector<float>& from, Index first, Index count,
                               Index columns) {
    return {const_cast<float*>(from.data()) + first * columns, count, columns};
  }
  std::vector<int> labels(const std::vector<int>& from, Index first, Index count) {
    return {from.begin() + first, from.begin() + first + count};
  }
  void multiply(const Eigen::Map<Rows<float>>& a, const Eigen::Map<Rows<float>>& b,
                Eigen::Map<Rows<float>> c) {
    c.noalias() = a * b;
  }
  void multiply_transposed(const Eigen::Map<Rows<float>>& a, const Eigen::Map<Rows<float>>& b,
                           Eigen::Map<Rows<float>> c) {
    c.noalias() = a.transpose() * b;
  }
  void add(const Eigen::Map<Rows<float>>& x, float factor, Eigen::Map<Rows<float>> y) {
    y += factor * x;
  }
};

/// The loss of the serial device, taking Eigen's maps as the host's does.
template <class S, class M, class P, class R>
class MappedLoss {
 public:
  explicit MappedLoss(const ldmat::LossOptions<M, P, R>& options) : loss_(options) {}
  auto operator()(const Eigen::Map<Rows<S>>& f, const std::vector<int>& labels,
                  Eigen::Map<Rows<S>>& g) {
    return loss_(device_matrix(f.data(), f.rows(), f.cols()), ids(labels),
                 device_matrix(g.data(), g.rows(), g.cols()));
  }

 private:
  DeviceLoss<S, M, P, R> loss_;
};

}  // namespace

template <class S, class M, class P, class R>
struct ldmat::detail::LossOf<serial, S, M, P, R> {
  using type = MappedLoss<S, M, P, R>;
};

TEST_CASE("the training of examples/cuda takes the same course on both backends") {
  Random random(98);
  Digits digits;
  digits.count = 1100;
  digits.pixels = 20;
  for (Index i = 0; i < digits.count; ++i) {
    digits.labels.push_back(static_cast<int>(i % 4));
    for (Index k = 0; k < digits.pixels; ++k) {
      digits.images.push_back(
          static_cast<float>((k % 4 == i % 4 ? 1.0 : 0.2) + 0.1 * random.normal()));
    }
  }
  Machine<ldmat::cpu> host;
  Machine<serial> device;
  const std::vector<double> expected = train(host, digits);
  const std::vector<double> curve = train(device, digits);
  CHECK(expected.back() < 0.5 * expected.front());
  REQUIRE(curve.size() == expected.size());
  for (std::size_t at = 0; at < curve.size(); ++at) {
    CHECK(curve[at] == doctest::Approx(expected[at]).epsilon(1e-4));
  }
}
