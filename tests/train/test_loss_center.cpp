#include "loss/center.hpp"
#include "test_loss_check.hpp"

using namespace tiny_test;
using tiny::CenterLoss;
using tiny::Centres;
using tiny::SoftmaxLoss;

namespace {

constexpr Index dim = 3;
constexpr int classes = 4;

struct Batch {
  tiny::Matrix<float> features;
  Labels labels;
};

Batch random_batch(tiny::Rng& rng) {
  return {random_matrix(12, dim, rng).cast<float>(), random_labels(12, classes, rng)};
}

// All that an evaluation gives.
struct Outcome {
  double value;
  tiny::Matrix<float> gradient;
  bool operator==(const Outcome&) const = default;
};

Outcome evaluate(tiny::FeatureLoss& loss, const Batch& batch) {
  Outcome outcome;
  outcome.value = loss.evaluate(batch.features, batch.labels, outcome.gradient).value;
  return outcome;
}

}  // namespace

TEST_CASE("center: the pull's value and gradient") {
  tiny::Rng rng(1);
  Centres<double> centres(dim, classes);
  for (double& number : centres.numbers()) number = rng.normal();
  for (const Index n : {1, 2, 17}) {
    Matrix f = random_matrix(n, dim, rng);
    const Labels labels = random_labels(n, classes, rng);
    double expected = 0;
    for (Index i = 0; i < n; ++i) {
      for (Index k = 0; k < dim; ++k) {
        const double away = f(i, k) - centres.values()(labels[static_cast<std::size_t>(i)], k);
        expected += 0.7 / 2 * away * away / static_cast<double>(n);
      }
    }
    Matrix gradient = Matrix::Ones(n, dim);  // it is added to
    CHECK(centres.pull(f, labels, 0.7, gradient) == doctest::Approx(expected).epsilon(1e-13));
    gradient -= Matrix::Ones(n, dim);
    Matrix other = gradient;
    check_gradient(
        "pull", tiny::as_span(f.data(), f.size()), tiny::as_span(gradient.data(), gradient.size()),
        [&] { return centres.pull(f, labels, 0.7, other); }, rng);
  }
  Matrix none(0, dim);
  CHECK(centres.pull(none, {}, 1, none) == 0);
}

TEST_CASE("center: centres start at the origin and follow their samples, by hand") {
  Centres<double> centres(2, 3);
  CHECK(centres.values() == Matrix::Zero(3, 2));
  Matrix f(3, 2);
  f << 3, 0, 6, 3, 1, 1;
  centres.follow(f, {1, 1, 2}, 0.5);
  // Class 1: 0.5 * (9, 3) / 3; class 2: 0.5 * (1, 1) / 2; class 0 has no samples.
  Matrix expected(3, 2);
  expected << 0, 0, 1.5, 0.5, 0.25, 0.25;
  CHECK((centres.values() - expected).cwiseAbs().maxCoeff() < 1e-15);
  centres.follow(f, {1, 1, 2}, 0.5);
  CHECK(centres.values()(1, 0) == doctest::Approx(1.5 + 0.5 * (9 - 3) / 3));
  for (int i = 0; i < 200; ++i) centres.follow(f, {1, 1, 2}, 0.5);
  CHECK((centres.values().row(1) - Eigen::RowVector2d(4.5, 1.5)).norm() < 1e-12);
}

TEST_CASE("center: the order of the samples changes nothing") {
  tiny::Rng rng(2);
  const Matrix f = random_matrix(10, dim, rng);
  const Labels labels = random_labels(10, classes, rng);
  const Matrix reversed = f.colwise().reverse();
  const Labels reversed_labels(labels.rbegin(), labels.rend());
  Centres<double> a(dim, classes), b(dim, classes);
  a.follow(f, labels, 0.5);
  b.follow(reversed, reversed_labels, 0.5);
  CHECK((a.values() - b.values()).norm() < 1e-14);
  Matrix g = Matrix::Zero(10, dim);
  CHECK(a.pull(f, labels, 1, g) == doctest::Approx(a.pull(reversed, reversed_labels, 1, g)));
}

TEST_CASE("center: softmax plus the pull, which uses the centres before they move") {
  tiny::Rng rng(3);
  const Batch batch = random_batch(rng);
  tiny::Rng same_rng = rng;
  SoftmaxLoss softmax(dim, classes, same_rng);
  tiny::Rng center_rng = rng;
  CenterLoss loss(dim, classes, 0.5, center_rng);
  Centres<float> centres(dim, classes);
  for (int step = 0; step < 3; ++step) {
    Outcome expected = evaluate(softmax, batch);
    expected.value += centres.pull(batch.features, batch.labels, 0.5, expected.gradient);
    centres.follow(batch.features, batch.labels, CenterLoss::centre_rate);
    CHECK(evaluate(loss, batch) == expected);
    CHECK(loss.centres() == centres.values());
  }
  CHECK(loss.centres() != tiny::Matrix<float>::Zero(classes, dim));
  CHECK(loss.predict(batch.features) == softmax.predict(batch.features));
  CHECK(loss.tensors().size() == 2);

  tiny::Rng zero_rng = rng;
  CenterLoss none(dim, classes, 0, zero_rng);
  CHECK(evaluate(none, batch) == evaluate(softmax, batch));
}

TEST_CASE("center: centres go through a checkpoint with their bits") {
  tiny::Rng rng(4);
  const Batch first = random_batch(rng);
  const Batch second = random_batch(rng);
  tiny::Rng a_rng(5), b_rng(5);
  CenterLoss a(dim, classes, 1, a_rng), b(dim, classes, 1, b_rng);
  evaluate(a, first);
  const auto state = nlohmann::json::from_cbor(nlohmann::json::to_cbor(a.state()));
  const auto expected = evaluate(a, second);
  CHECK(!(evaluate(b, second) == expected));
  b.restore(state);
  CHECK(evaluate(b, second) == expected);
  CHECK(b.centres() == a.centres());

  tiny::Rng c_rng(5);
  CenterLoss c(dim, classes + 1, 1, c_rng);
  CHECK_THROWS_AS(c.restore(state), std::runtime_error);
  CHECK_THROWS(c.restore(nlohmann::json(nullptr)));
}

TEST_CASE("center: degenerate batches") {
  tiny::Rng rng(6);
  CenterLoss loss(dim, classes, 1, rng);
  const Batch batch = random_batch(rng);
  evaluate(loss, batch);
  const tiny::Matrix<float> before = loss.centres();
  const Outcome empty = evaluate(loss, {tiny::Matrix<float>(0, dim), {}});
  CHECK(empty.value == 0);
  CHECK(empty.gradient.rows() == 0);
  CHECK(loss.centres() == before);
  // One class and coinciding samples: only its centre moves.
  CHECK(std::isfinite(evaluate(loss, {tiny::Matrix<float>::Ones(5, dim), {2, 2, 2, 2, 2}}).value));
  for (Index k = 0; k < classes; ++k) {
    CHECK((loss.centres().row(k) == before.row(k)) == (k != 2));
  }
}

TEST_CASE("center: what does not fit is refused, and moves nothing") {
  tiny::Rng rng(7);
  CenterLoss loss(dim, classes, 1, rng);
  Centres<double> centres(dim, classes);
  const Matrix f = Matrix::Ones(2, dim);
  Matrix g = f;
  const auto pull = [&](const Matrix& features, const Labels& labels) {
    return message_of([&] { centres.pull(features, labels, 1, g); });
  };
  const auto holds = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(holds(pull(f, {0}), "one label per row of the 2 rows of features, but got 1"));
  CHECK(holds(pull(f, {0, 4}), "labels in [0, 4), but one is 4"));
  CHECK(holds(pull(f, {-1, 0}), "but one is -1"));
  CHECK(holds(pull(Matrix::Ones(2, 2), {0, 0}), "features of 3 columns, but they have 2"));
  CHECK_THROWS_AS(centres.follow(f, {0, 4}, 1), std::invalid_argument);
  tiny::Matrix<float> gradient;
  for (const Labels& labels : {Labels{0}, Labels{0, 4}, Labels{0, -1}}) {
    CHECK_THROWS_AS(loss.evaluate(f.cast<float>(), labels, gradient), std::invalid_argument);
  }
  CHECK(loss.centres() == tiny::Matrix<float>::Zero(classes, dim));
  for (const double weight : {-1.0, std::nan(""), HUGE_VAL}) {
    CHECK(holds(message_of([&] { CenterLoss{dim, classes, weight, rng}; }), "weight of 0 or more"));
  }
  CHECK_THROWS_AS(Centres<float>(0, 3), std::invalid_argument);
  CHECK_THROWS_AS(Centres<float>(3, 0), std::invalid_argument);
}
