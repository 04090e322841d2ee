#include "test_net_check.hpp"

#include <array>
#include <vector>

using namespace tiny_test;
using tiny::Rng;

namespace {

// Two parameters, of which only the first decays, and a buffer.
struct Parameters {
  std::array<double, 2> weight{1, -2};
  std::array<double, 2> weight_gradient{0.5, 0.25};
  std::array<double, 1> bias{3};
  std::array<double, 1> bias_gradient{-1};
  std::array<double, 1> buffer{7};
  tiny::Tensors<double> tensors() {
    return {{"weight", weight, weight_gradient, true},
            {"bias", bias, bias_gradient, false},
            {"buffer", buffer, {}, false}};
  }
};

}  // namespace

TEST_CASE("sgd: two steps by hand") {
  Parameters p;
  tiny::Sgd<double> sgd(p.tensors(), {.momentum = 0.5, .weight_decay = 0.1});
  sgd.step(0.1);
  // v = g + 0.1 w = 0.6, 0.05; -1
  CHECK(p.weight[0] == doctest::Approx(0.94));
  CHECK(p.weight[1] == doctest::Approx(-2.005));
  CHECK(p.bias[0] == doctest::Approx(3.1));
  p.weight_gradient = {1, 0};
  sgd.step(0.2);
  // v = 0.5 * 0.6 + 1 + 0.1 * 0.94 = 1.394;  0.5 * 0.05 + 0 - 0.2005 = -0.1755;  -0.5 - 1 = -1.5
  CHECK(p.weight[0] == doctest::Approx(0.94 - 0.2 * 1.394));
  CHECK(p.weight[1] == doctest::Approx(-2.005 + 0.2 * 0.1755));
  CHECK(p.bias[0] == doctest::Approx(3.1 + 0.2 * 1.5));
  CHECK(p.buffer[0] == 7);
  const auto state = sgd.state();
  REQUIRE(state.size() == 2);
  CHECK(state[0].name == "velocity.weight");
  CHECK(state[0].value[0] == doctest::Approx(1.394));
  CHECK(state[1].value[0] == doctest::Approx(-1.5));
}

TEST_CASE("adam: two steps by hand, with decoupled weight decay") {
  Parameters p;
  tiny::Adam<double> adam(p.tensors(), {.beta1 = 0.9, .beta2 = 0.99, .weight_decay = 0.1});
  adam.step(0.01);
  // The first step is rate * sign(g), after w has shrunk by rate * decay.
  CHECK(p.weight[0] == doctest::Approx(0.999 - 0.01).epsilon(1e-7));
  CHECK(p.weight[1] == doctest::Approx(-1.998 - 0.01).epsilon(1e-7));
  CHECK(p.bias[0] == doctest::Approx(3 + 0.01).epsilon(1e-7));
  p.bias_gradient = {3};
  adam.step(0.01);
  const double first = (0.9 * 0.1 * -1 + 0.1 * 3) / (1 - 0.9 * 0.9);
  const double second = (0.99 * 0.01 * 1 + 0.01 * 9) / (1 - 0.99 * 0.99);
  CHECK(p.bias[0] == doctest::Approx(3.01 - 0.01 * first / std::sqrt(second)).epsilon(1e-7));
  CHECK(p.buffer[0] == 7);
  const auto state = adam.state();
  REQUIRE(state.size() == 5);
  CHECK(state[0].name == "steps");
  CHECK(state[0].value[0] == 2);
  CHECK(value_of(state, "first.bias")[0] == doctest::Approx(0.21));
  CHECK(value_of(state, "second.bias")[0] == doctest::Approx(0.0999));
}

TEST_CASE("schedules") {
  CHECK(tiny::constant_rate(0.3)(1000) == 0.3);
  const auto step = tiny::step_rate(0.8, 10, 0.5);
  CHECK(step(0) == 0.8);
  CHECK(step(9) == 0.8);
  CHECK(step(10) == doctest::Approx(0.4));
  CHECK(step(39) == doctest::Approx(0.1));
  const auto cosine = tiny::cosine_rate(1, 6, 0.2);
  CHECK(cosine(0) == doctest::Approx(1));
  CHECK(cosine(2) == doctest::Approx(0.2 + 0.8 * 0.75));
  CHECK(cosine(3) == doctest::Approx(0.6));
  CHECK(cosine(6) == doctest::Approx(0.2));
  CHECK(cosine(60) == doctest::Approx(0.2));
  CHECK_THROWS_AS(tiny::step_rate(1, 0), std::invalid_argument);
  CHECK_THROWS_AS(tiny::cosine_rate(1, 0), std::invalid_argument);
}

TEST_CASE("softmax cross-entropy: value and gradient") {
  Matrix logits(2, 3), gradient;
  logits << 1, 2, 3, 1000, 1000, -1000;  // large values must not overflow
  const std::vector<int> labels{2, 0};
  const double expected = (std::log(std::exp(-2) + std::exp(-1) + 1) + std::log(2)) / 2;
  CHECK(tiny::softmax_cross_entropy(logits, labels, gradient) == doctest::Approx(expected));
  Rng rng(1);
  logits = random_matrix(5, 4, rng);
  const std::vector<unsigned char> bytes{0, 3, 1, 1, 2};
  tiny::softmax_cross_entropy(logits, bytes, gradient);
  Matrix other;
  check_gradient(
      "logits", tiny::as_span(logits.data(), logits.size()),
      tiny::as_span(gradient.data(), gradient.size()),
      [&] { return tiny::softmax_cross_entropy(logits, bytes, other); }, rng);
  Matrix none(0, 4);
  CHECK(tiny::softmax_cross_entropy(none, std::vector<int>{}, other) == 0);
}

TEST_CASE("softmax head: gradients by features and by its own parameters") {
  Rng rng(2);
  tiny::SoftmaxHead<double> head(3, 4, rng);
  Matrix features = random_matrix(5, 3, rng);
  const std::vector<int> labels{0, 3, 1, 1, 2};
  Matrix gradient, other;
  head.loss(features, labels, gradient);
  const auto loss = [&] { return head.loss(features, labels, other); };
  for (const auto& tensor : head.tensors()) {
    const std::vector<double> fixed(tensor.gradient.begin(), tensor.gradient.end());
    check_gradient(tensor.name, tensor.value, fixed, loss, rng);
  }
  check_gradient("features", tiny::as_span(features.data(), features.size()),
                 tiny::as_span(gradient.data(), gradient.size()), loss, rng);
  CHECK(head.forward(features).cols() == 4);
}

TEST_CASE("the softmax head refuses what does not fit") {
  Rng rng(3);
  tiny::SoftmaxHead<double> head(3, 4, rng);
  Matrix gradient;
  const Matrix features = Matrix::Ones(2, 3);
  CHECK(message_of([&] { head.forward(Matrix::Ones(2, 4)); }) ==
        "tiny: the softmax head needs features of 3 columns, but they have 4");
  CHECK(message_of([&] { head.loss(features, std::vector<int>{1}, gradient); }) ==
        "tiny: softmax needs one label per row of the 2 rows of logits, but got 1");
  CHECK(message_of([&] {
          head.loss(features, std::vector<int>{1, 4}, gradient);
        }) == "tiny: softmax needs labels in [0, 4), but label 1 is 4");
  CHECK_THROWS_AS(head.loss(features, std::vector<int>{-1, 0}, gradient), std::invalid_argument);
}
