#include "test_net_check.hpp"

#include <cstring>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

using namespace tiny_test;
using tiny::Mode;
using tiny::Rng;
using tiny::Shape;

namespace {

// Sets the number of threads for as long as it lives.
class Threads {
 public:
#ifdef _OPENMP
  explicit Threads(int count) : saved_(omp_get_max_threads()) {
    omp_set_num_threads(count);
  }
  ~Threads() {
    omp_set_num_threads(saved_);
  }
#else
  explicit Threads(int /*count*/) {}
  ~Threads() {}
#endif
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  [[maybe_unused]] int saved_ = 1;
};

void check_network(tiny::Network<double> net, Index samples, Rng& rng) {
  Matrix x = random_matrix(samples, net.in().size(), rng);
  net.forward(x, Mode::train);
  const Matrix g = random_matrix(samples, net.features(), rng);
  net.backward(g);
  const auto loss = [&] { return net.forward(x, Mode::train).cwiseProduct(g).sum(); };
  for (const auto& tensor : net.tensors()) {
    if (tensor.gradient.empty()) continue;
    check_gradient(tensor.name, tensor.value, tensor.gradient, loss, rng, 12, 1e-6);
  }
}

// All parameters and buffers after some steps of training on random data.
template <typename Scalar>
std::vector<Scalar> train(std::uint64_t seed, int steps) {
  Rng rng(seed);
  auto net = tiny::lenet<Scalar>({1, 20, 20}, 2, rng);
  tiny::SoftmaxHead<Scalar> head(2, 10, rng);
  auto tensors = net.tensors();
  for (const auto& tensor : head.tensors()) tensors.push_back(tensor);
  tiny::Sgd<Scalar> sgd(tensors);
  tiny::Matrix<Scalar> x(33, 400), gradient;
  std::vector<int> labels(33);
  for (int step = 0; step < steps; ++step) {
    for (Scalar& value : tiny::as_span(x.data(), x.size())) {
      value = static_cast<Scalar>(rng.normal());
    }
    for (int& label : labels) label = static_cast<int>(rng.below(10));
    head.loss(net.forward(x, Mode::train), labels, gradient);
    net.backward(gradient);
    sgd.step(0.01);
  }
  std::vector<Scalar> all;
  for (const auto& tensor : tensors) {
    all.insert(all.end(), tensor.value.begin(), tensor.value.end());
  }
  return all;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("lenet: sizes and gradients") {
  Rng rng(1);
  auto full = tiny::lenet<float>({1, 28, 28}, 2, rng);
  CHECK(full.features() == 2);
  CHECK(full.parameter_count() == 25 * 16 + 32 + 400 * 32 + 64 + 513 * 128 + 129 * 2);
  check_network(tiny::lenet<double>({1, 16, 16}, 2, rng), 4, rng);
  check_network(tiny::lenet<double>({2, 17, 19}, 3, rng), 3, rng);
}

TEST_CASE("resnet: sizes and gradients") {
  Rng rng(2);
  auto full = tiny::resnet<float>({3, 32, 32}, 10, rng);
  CHECK(full.features() == 10);
  CHECK(full.parameter_count() < 300000);
  int convolutions = 0;
  for (const auto& tensor : full.tensors()) {
    convolutions += tensor.name.ends_with("conv.weight") ? 1 : 0;
  }
  CHECK(convolutions == 9);
  check_network(tiny::resnet<double>({3, 8, 8}, 2, rng), 4, rng);
}

TEST_CASE("a network takes its samples as channels x height x width") {
  Rng rng(3);
  const Shape in{2, 2, 3};
  auto layers = std::make_unique<tiny::Sequential<double>>(in);
  layers->dense({.units = 1, .bias = false}, rng);
  tiny::Network<double> net(std::move(layers));
  const auto weight = net.tensors().at(0).value;  // by pixel, then by channel
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = std::pow(10, static_cast<double>(i));
  Matrix x(1, 12);
  x << 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3;
  CHECK(net.forward(x, Mode::evaluate)(0, 0) == doctest::Approx(362514938271.0).epsilon(1e-14));
}

TEST_CASE("a moved network can still go backward") {
  Rng rng(4);
  auto net = tiny::resnet<double>({3, 8, 8}, 2, rng);
  const Matrix x = random_matrix(3, 192, rng);
  const Matrix g = random_matrix(3, 2, rng);
  net.forward(x, Mode::train);
  net.backward(g);
  const auto gradient = net.tensors().at(0).gradient;
  const std::vector<double> expected(gradient.begin(), gradient.end());
  net.forward(x, Mode::train);
  auto moved = std::move(net);
  moved.backward(g);
  CHECK(std::equal(expected.begin(), expected.end(), gradient.begin()));
}

TEST_CASE("evaluation treats each sample by itself; training does not") {
  Rng rng(5);
  auto net = tiny::lenet<double>({1, 16, 16}, 2, rng);
  const Matrix x = random_matrix(6, 256, rng);
  net.forward(x, Mode::train);
  const Matrix all = net.forward(x, Mode::evaluate);
  const Matrix half = net.forward(x.topRows(3), Mode::evaluate);
  CHECK((all.topRows(3) - half).cwiseAbs().maxCoeff() < 1e-12);
  const Matrix trained = net.forward(x, Mode::train);
  const Matrix trained_half = net.forward(x.topRows(3), Mode::train);
  CHECK((trained.topRows(3) - trained_half).cwiseAbs().maxCoeff() > 1e-3);
  CHECK(net.forward(Matrix(0, 256), Mode::evaluate).rows() == 0);
}

TEST_CASE("one thread: the same seed gives the same bits") {
  const Threads one(1);
  const auto first = train<float>(9, 4);
  CHECK(same_bits(first, train<float>(9, 4)));
  CHECK_FALSE(same_bits(first, train<float>(10, 4)));
}

#ifdef _OPENMP
TEST_CASE("two threads: the same bits each time, and one thread's result up to rounding") {
  std::vector<double> one;
  {
    const Threads threads(1);
    one = train<double>(9, 4);
  }
  const Threads threads(2);
  const auto two = train<double>(9, 4);
  CHECK(two != one);  // or the threads have not split the work
  CHECK(two == train<double>(9, 4));
  double error = 0;
  for (std::size_t i = 0; i < one.size(); ++i) error = std::max(error, std::abs(one[i] - two[i]));
  CHECK(error < 1e-10);
}
#endif

TEST_CASE("a saved run continues with the same bits") {
  const Threads threads(1);
  const auto data = [](Rng& rng) {
    tiny::Matrix<float> x(8, 256);
    for (float& value : tiny::as_span(x.data(), x.size())) value = static_cast<float>(rng.normal());
    return x;
  };
  const auto step = [](tiny::Network<float>& net, tiny::Optimizer<float>& optimizer,
                       const tiny::Matrix<float>& x) {
    const tiny::Matrix<float> gradient = net.forward(x, Mode::train) / 8;
    net.backward(gradient);
    optimizer.step(0.01);
  };
  const auto copy = [](const tiny::Tensors<float>& from, const tiny::Tensors<float>& to) {
    REQUIRE(from.size() == to.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      REQUIRE(from[i].name == to[i].name);
      REQUIRE(from[i].value.size() == to[i].value.size());
      std::copy(from[i].value.begin(), from[i].value.end(), to[i].value.begin());
    }
  };
  for (const bool adam : {false, true}) {
    const auto optimizer = [&](tiny::Network<float>& net) {
      std::unique_ptr<tiny::Optimizer<float>> made;
      if (adam) {
        made = std::make_unique<tiny::Adam<float>>(net.tensors());
      } else {
        made = std::make_unique<tiny::Sgd<float>>(net.tensors());
      }
      return made;
    };
    Rng rng(6), other_rng(7);
    auto net = tiny::lenet<float>({1, 16, 16}, 2, rng);
    auto other = tiny::lenet<float>({1, 16, 16}, 2, other_rng);
    const auto run = optimizer(net);
    const auto other_run = optimizer(other);
    for (int i = 0; i < 3; ++i) step(net, *run, data(rng));
    copy(net.tensors(), other.tensors());
    copy(run->state(), other_run->state());
    for (int i = 0; i < 3; ++i) {
      const auto x = data(rng);
      step(net, *run, x);
      step(other, *other_run, x);
    }
    const auto a = net.tensors();
    const auto b = other.tensors();
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(std::equal(a[i].value.begin(), a[i].value.end(), b[i].value.begin()));
    }
  }
}

TEST_CASE("a network refuses wrong shapes and a backward without its forward") {
  Rng rng(8);
  auto net = tiny::lenet<double>({1, 16, 16}, 2, rng);
  const Matrix x = random_matrix(4, 256, rng);
  CHECK_THROWS_AS(net.backward(Matrix::Ones(4, 2)), std::logic_error);
  net.forward(x, Mode::train);
  CHECK(message_of([&] { net.backward(Matrix::Ones(4, 3)); }) ==
        "tiny: backward needs a gradient of 4 x 2, but it is 4 x 3");
  CHECK(message_of([&] { net.backward(Matrix::Ones(3, 2)); }) ==
        "tiny: backward needs a gradient of 4 x 2, but it is 3 x 2");
  CHECK_NOTHROW(net.backward(Matrix::Ones(4, 2)));
  net.forward(x, Mode::evaluate);
  CHECK_THROWS_AS(net.backward(Matrix::Ones(4, 2)), std::logic_error);
  CHECK(message_of([&] { net.forward(Matrix::Ones(4, 255), Mode::train); }) ==
        "tiny: forward needs rows of 1x16x16 = 256 values, but x has 255 columns");
  CHECK_THROWS_AS(tiny::lenet<double>({1, 12, 12}, 2, rng), std::invalid_argument);
  CHECK_THROWS_AS(tiny::lenet<double>({1, 16, 16}, 0, rng), std::invalid_argument);
  auto open = std::make_unique<tiny::Sequential<double>>(Shape{1, 4, 4});
  open->conv({.channels = 2, .kernel = 3}, rng);
  CHECK(message_of([&] { tiny::Network<double>(std::move(open)); }) ==
        "tiny: a network must end in features of one pixel, not in 2x2x2");
}

TEST_CASE("initial weights have the variance that keeps the signal's") {
  Rng rng(10);
  tiny::Dense<double> dense({200, 1, 1}, {.units = 300, .gain = 1}, rng);
  tiny::Conv<double> conv({40, 9, 9}, {.channels = 50, .kernel = 3}, rng);
  const auto variance = [](tiny::Layer<double>& layer) {
    tiny::Tensors<double> tensors;
    layer.collect("", tensors);
    double sum = 0;
    for (const double w : tensors.at(0).value) sum += w * w;
    return sum / static_cast<double>(tensors.at(0).value.size());
  };
  CHECK(variance(dense) == doctest::Approx(1.0 / 200).epsilon(0.03));
  CHECK(variance(conv) == doctest::Approx(2.0 / 360).epsilon(0.05));
}
