#include "test_net_check.hpp"

#include <algorithm>
#include <limits>
#include <vector>

using namespace tiny_test;
using tiny::Mode;
using tiny::Rng;
using tiny::Shape;

namespace {

// Straight from the definition, in the layers' order of a sample: height x width x channels.
Matrix naive_convolution(const Matrix& x, const Shape& in, const tiny::ConvOptions& o,
                         const std::vector<double>& weight, const std::vector<double>& bias) {
  const Index height = (in.height + 2 * o.padding - o.kernel) / o.stride + 1;
  const Index width = (in.width + 2 * o.padding - o.kernel) / o.stride + 1;
  Matrix y(x.rows(), height * width * o.channels);
  for (Index n = 0; n < x.rows(); ++n) {
    for (Index r = 0; r < height; ++r) {
      for (Index c = 0; c < width; ++c) {
        for (Index k = 0; k < o.channels; ++k) {
          double sum = bias.empty() ? 0 : bias[static_cast<std::size_t>(k)];
          for (Index i = 0; i < o.kernel; ++i) {
            for (Index j = 0; j < o.kernel; ++j) {
              const Index row = r * o.stride + i - o.padding;
              const Index column = c * o.stride + j - o.padding;
              if (row < 0 || row >= in.height || column < 0 || column >= in.width) continue;
              for (Index m = 0; m < in.channels; ++m) {
                const Index tap = (i * o.kernel + j) * in.channels + m;
                sum += weight[static_cast<std::size_t>(tap * o.channels + k)] *
                       x(n, (row * in.width + column) * in.channels + m);
              }
            }
          }
          y(n, (r * width + c) * o.channels + k) = sum;
        }
      }
    }
  }
  return y;
}

struct ConvCase {
  Shape in;
  tiny::ConvOptions options;
  Index samples;
};

const std::vector<ConvCase> conv_cases = {
    {{1, 5, 5}, {.channels = 1, .kernel = 5}, 1},
    {{1, 7, 6}, {.channels = 3, .kernel = 3}, 3},
    {{2, 5, 8}, {.channels = 4, .kernel = 3, .stride = 2}, 2},
    {{3, 7, 5}, {.channels = 2, .kernel = 3, .stride = 2, .padding = 1}, 3},
    {{5, 4, 4}, {.channels = 7, .kernel = 3, .padding = 2, .bias = false}, 2},
    {{9, 5, 3}, {.channels = 3, .kernel = 1, .stride = 2, .bias = false}, 4},
    {{2, 6, 9}, {.channels = 3, .kernel = 4, .stride = 3, .padding = 1}, 2},
    {{1, 1, 1}, {.channels = 2, .kernel = 1}, 5},
};

}  // namespace

TEST_CASE("convolution agrees with its definition") {
  Rng rng(11);
  for (const ConvCase& each : conv_cases) {
    const Shape in = each.in;
    const tiny::ConvOptions options = each.options;
    CAPTURE(to_string(in));
    tiny::Conv<double> conv(in, options, rng);
    tiny::Tensors<double> tensors;
    conv.collect("", tensors);
    REQUIRE(tensors.size() == (options.bias ? 2u : 1u));
    std::vector<double> bias;
    if (options.bias) {
      for (double& b : tensors[1].value) b = rng.normal();
      bias.assign(tensors[1].value.begin(), tensors[1].value.end());
    }
    const std::vector<double> weight(tensors[0].value.begin(), tensors[0].value.end());
    const Matrix x = random_matrix(each.samples, in.size(), rng);
    const Matrix expected = naive_convolution(x, in, options, weight, bias);
    Matrix y;
    for (int again = 0; again < 2; ++again) {  // the second time with used buffers
      conv.forward(x, y, Mode::train);
      REQUIRE(y.cols() == expected.cols());
      CHECK((y - expected).cwiseAbs().maxCoeff() < 1e-12);
      Matrix dx;
      conv.backward(x, y, expected, &dx);
    }
  }
}

TEST_CASE("convolution of more samples than one group of patches") {
  Rng rng(12);
  const Shape in{1, 20, 20};
  const tiny::ConvOptions options{.channels = 2, .kernel = 7, .bias = false};
  tiny::Conv<double> conv(in, options, rng);
  tiny::Tensors<double> tensors;
  conv.collect("", tensors);
  const std::vector<double> weight(tensors[0].value.begin(), tensors[0].value.end());
  const Matrix x = random_matrix(23, in.size(), rng);
  Matrix y, dx, one_y, one_dx;
  conv.forward(x, y, Mode::train);
  CHECK((y - naive_convolution(x, in, options, weight, {})).cwiseAbs().maxCoeff() < 1e-12);
  const Matrix dy = random_matrix(23, conv.out().size(), rng);
  conv.backward(x, y, dy, &dx);
  const std::vector<double> together(tensors[0].gradient.begin(), tensors[0].gradient.end());
  std::vector<double> sum(together.size(), 0);
  for (Index i = 0; i < x.rows(); ++i) {
    const Matrix one = x.row(i);
    conv.forward(one, one_y, Mode::train);
    conv.backward(one, one_y, dy.row(i), &one_dx);
    CHECK((one_dx - dx.row(i)).cwiseAbs().maxCoeff() < 1e-12);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += tensors[0].gradient[j];
  }
  for (std::size_t j = 0; j < sum.size(); ++j) CHECK(sum[j] == doctest::Approx(together[j]));
}

TEST_CASE("convolution gradients") {
  Rng rng(13);
  for (const ConvCase& each : conv_cases) {
    const Shape in = each.in;
    const tiny::ConvOptions options = each.options;
    CAPTURE(to_string(in));
    tiny::Conv<double> conv(in, options, rng);
    check_layer(conv, random_matrix(each.samples, in.size(), rng), rng);
  }
}

TEST_CASE("dense gives x W + b and its gradients") {
  Rng rng(21);
  tiny::Dense<double> dense({3, 2, 1}, {.units = 4}, rng);
  tiny::Tensors<double> tensors;
  dense.collect("", tensors);
  REQUIRE(tensors.size() == 2);
  for (double& b : tensors[1].value) b = rng.normal();
  const Matrix x = random_matrix(5, 6, rng);
  Matrix y;
  dense.forward(x, y, Mode::train);
  for (Index n = 0; n < 5; ++n) {
    for (Index k = 0; k < 4; ++k) {
      double sum = tensors[1].value[static_cast<std::size_t>(k)];
      for (Index i = 0; i < 6; ++i) {
        sum += x(n, i) * tensors[0].value[static_cast<std::size_t>(i * 4 + k)];
      }
      CHECK(y(n, k) == doctest::Approx(sum).epsilon(1e-12));
    }
  }
  check_layer(dense, x, rng);
  tiny::Dense<double> thin({7, 1, 1}, {.units = 1, .bias = false}, rng);
  check_layer(thin, random_matrix(1, 7, rng), rng);
}

TEST_CASE("relu") {
  Rng rng(31);
  tiny::Relu<double> relu({2, 3, 3});
  Matrix x(1, 18), y, dx;
  x.setConstant(-1);
  x(0, 0) = 0;
  x(0, 1) = 2;
  relu.forward(x, y, Mode::train);
  CHECK(y(0, 0) == 0);
  CHECK(y(0, 1) == 2);
  CHECK(y(0, 2) == 0);
  relu.backward(x, y, Matrix::Ones(1, 18), &dx);
  CHECK(dx(0, 0) == 0);
  CHECK(dx.sum() == 1);
  check_layer(relu, separated_matrix(3, 18, rng), rng);
}

TEST_CASE("max pooling takes the largest and gives the gradient to the first of equals") {
  const Shape in{1, 3, 5};  // the last row and column are in no window
  tiny::MaxPool<double> pool(in, {});
  CHECK(pool.out() == Shape{1, 1, 2});
  Matrix x(1, 15), y, dx, dy(1, 2);
  x << 1, 4, 7, 7, 9,  //
      4, -1, 7, 2, 9,  //
      9, 9, 9, 9, 9;
  dy << 3, 5;
  pool.forward(x, y, Mode::train);
  CHECK(y(0, 0) == 4);
  CHECK(y(0, 1) == 7);
  pool.backward(x, y, dy, &dx);
  Matrix expected = Matrix::Zero(1, 15);
  expected(0, 1) = 3;
  expected(0, 2) = 5;
  CHECK(dx == expected);
  x.setConstant(-1e300);
  pool.forward(x, y, Mode::train);
  CHECK(y(0, 0) == -1e300);
}

TEST_CASE("average pooling") {
  tiny::AveragePool<double> pool({2, 2, 2}, {});
  Matrix x(1, 8), y;
  x << 1, 10, 2, 20, 3, 30, 6, 60;
  pool.forward(x, y, Mode::train);
  CHECK(y(0, 0) == 3);
  CHECK(y(0, 1) == 30);
}

TEST_CASE("pooling gradients") {
  Rng rng(41);
  const std::vector<std::pair<Shape, tiny::PoolOptions>> cases = {
      {{1, 4, 4}, {}},
      {{3, 5, 7}, {}},
      {{9, 6, 5}, {.kernel = 3, .stride = 2}},   // overlapping, one whole block of channels and one
      {{16, 5, 5}, {.kernel = 2, .stride = 3}},  // with gaps
      {{2, 3, 3}, {.kernel = 3, .stride = 1}},
  };
  for (const auto& each : cases) {
    const Shape in = each.first;
    const tiny::PoolOptions options = each.second;
    CAPTURE(to_string(in));
    tiny::MaxPool<double> largest(in, options);
    check_layer(largest, separated_matrix(2, in.size(), rng), rng);
    tiny::AveragePool<double> average(in, options);
    check_layer(average, random_matrix(2, in.size(), rng), rng);
  }
}

TEST_CASE("batch normalisation: statistics, evaluation and gradients") {
  Rng rng(51);
  const Shape in{3, 2, 5};
  tiny::BatchNorm<double> norm(in, {.momentum = 0.25, .epsilon = 1e-5});
  tiny::Tensors<double> tensors;
  norm.collect("", tensors);
  const auto scale = value_of(tensors, "scale");
  const auto shift = value_of(tensors, "shift");
  const auto running_mean = value_of(tensors, "running_mean");
  const auto running_variance = value_of(tensors, "running_variance");
  for (std::size_t c = 0; c < 3; ++c) {
    scale[c] = 0.5 + static_cast<double>(c);
    shift[c] = 1 - static_cast<double>(c);
  }
  Matrix x = random_matrix(4, in.size(), rng) * 3;
  x.array() += 100;  // a mean far from 0 must not cost precision
  Matrix y;
  norm.forward(x, y, Mode::train);
  const double count = 4 * 10;
  for (Index c = 0; c < 3; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    double mean = 0, variance = 0;
    for (Index n = 0; n < 4; ++n) {
      for (Index p = 0; p < 10; ++p) mean += x(n, p * 3 + c) / count;
    }
    for (Index n = 0; n < 4; ++n) {
      for (Index p = 0; p < 10; ++p) variance += std::pow(x(n, p * 3 + c) - mean, 2) / count;
    }
    for (Index n = 0; n < 4; ++n) {
      for (Index p = 0; p < 10; ++p) {
        const double expected =
            scale[channel] * (x(n, p * 3 + c) - mean) / std::sqrt(variance + 1e-5) + shift[channel];
        CHECK(y(n, p * 3 + c) == doctest::Approx(expected).epsilon(1e-9));
      }
    }
    CHECK(running_mean[channel] == doctest::Approx(0.25 * mean));
    CHECK(running_variance[channel] ==
          doctest::Approx(0.75 + 0.25 * variance * count / (count - 1)));
  }

  const std::vector<double> before(running_mean.begin(), running_mean.end());
  Matrix evaluated;
  norm.forward(x, evaluated, Mode::evaluate);
  CHECK(std::equal(before.begin(), before.end(), running_mean.begin()));
  for (Index n = 0; n < 4; ++n) {
    for (Index i = 0; i < in.size(); ++i) {
      const auto c = static_cast<std::size_t>(i % 3);
      const double expected =
          scale[c] * (x(n, i) - running_mean[c]) / std::sqrt(running_variance[c] + 1e-5) + shift[c];
      CHECK(evaluated(n, i) == doctest::Approx(expected).epsilon(1e-9));
    }
  }
  check_layer(norm, random_matrix(4, in.size(), rng), rng);
  tiny::BatchNorm<double> wide({17, 1, 1});
  check_layer(wide, random_matrix(3, 17, rng), rng);
}

TEST_CASE("residual block: gradients with both kinds of shortcut, and the identity's value") {
  Rng rng(61);
  tiny::Residual<double> same({3, 5, 4}, 3, 1, rng);
  CHECK(same.out() == Shape{3, 5, 4});
  check_layer(same, random_matrix(3, 60, rng), rng);
  tiny::Residual<double> halved({3, 5, 4}, 5, 2, rng);
  CHECK(halved.out() == Shape{5, 3, 2});
  check_layer(halved, random_matrix(3, 60, rng), rng);

  tiny::Tensors<double> tensors;
  same.collect("", tensors);
  for (double& s : value_of(tensors, "main.4.batch_norm.scale")) s = 0;
  const Matrix x = random_matrix(2, 60, rng);
  Matrix y;
  same.forward(x, y, Mode::train);
  CHECK(y == x.cwiseMax(0));
}

TEST_CASE("sequential: gradients, names and the empty container") {
  Rng rng(71);
  tiny::Sequential<double> layers({2, 6, 6});
  layers.conv({.channels = 3, .kernel = 3}, rng).relu().average_pool().dense({.units = 4}, rng);
  check_layer(layers, random_matrix(3, 72, rng), rng);
  tiny::Tensors<double> tensors;
  layers.collect("net.", tensors);
  REQUIRE(tensors.size() == 4);
  CHECK(tensors[0].name == "net.0.conv.weight");
  CHECK(tensors[0].decays);
  CHECK(tensors[1].name == "net.0.conv.bias");
  CHECK_FALSE(tensors[1].decays);
  CHECK(tensors[3].name == "net.3.dense.bias");
  tiny::Sequential<double> empty({2, 3, 1});
  check_layer(empty, random_matrix(2, 6, rng), rng);
}

TEST_CASE("layers refuse shapes they cannot work with") {
  Rng rng(81);
  CHECK(message_of([&] {
          tiny::Conv<double>({1, 4, 4}, {.channels = 1, .kernel = 5}, rng);
        }) ==
        "tiny: convolution of 1x4x4 needs channels, stride >= 1, padding >= 0 and a kernel in [1, "
        "4], but channels is 1, kernel 5, stride 1, padding 0");
  CHECK_THROWS_AS(tiny::Conv<double>({1, 4, 4}, {.channels = 0}, rng), std::invalid_argument);
  CHECK_THROWS_AS(tiny::Conv<double>({1, 4, 4}, {.stride = 0}, rng), std::invalid_argument);
  CHECK_THROWS_AS(tiny::Conv<double>({1, 4, 4}, {.padding = -1}, rng), std::invalid_argument);
  CHECK_NOTHROW(tiny::Conv<double>({1, 4, 4}, {.kernel = 5, .padding = 1}, rng));
  CHECK(message_of([&] {
          tiny::MaxPool<double>({2, 1, 3}, {});
        }) ==
        "tiny: pooling of 2x1x3 needs stride >= 1 and a kernel in [1, 1], but stride is 2, kernel "
        "2");
  CHECK_THROWS_AS(tiny::MaxPool<double>({2, 4, 4}, {.stride = 0}), std::invalid_argument);
  CHECK_THROWS_AS(tiny::Dense<double>({2, 0, 1}, {.units = 1}, rng), std::invalid_argument);
  CHECK_THROWS_AS(tiny::Dense<double>({2, 1, 1}, {.units = 0}, rng), std::invalid_argument);
  CHECK_THROWS_AS(tiny::Sequential<double>({1, 4, 5}).global_average_pool(), std::invalid_argument);
  tiny::BatchNorm<double> norm({3, 1, 1});
  Matrix y;
  CHECK_THROWS_AS(norm.forward(Matrix::Ones(1, 3), y, Mode::train), std::invalid_argument);
}
