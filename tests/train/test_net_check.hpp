#pragma once

#include "net/net.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace tiny_test {

using tiny::Index;
using Matrix = tiny::Matrix<double>;

inline Matrix random_matrix(Index rows, Index cols, tiny::Rng& rng) {
  Matrix m(rows, cols);
  for (double& value : tiny::as_span(m.data(), m.size())) value = rng.normal();
  return m;
}

// All values at least 1/rows/cols apart and away from zero: no kink of ReLU or max pooling is near.
inline Matrix separated_matrix(Index rows, Index cols, tiny::Rng& rng) {
  Matrix m(rows, cols);
  const auto values = tiny::as_span(m.data(), m.size());
  const auto n = static_cast<double>(m.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = (2 * static_cast<double>(i) + 1 - n + (m.size() % 2 == 1 ? 0.5 : 0)) / n;
  }
  rng.shuffle(values);
  return m;
}

// Compares `gradient` with central differences of `value` in at most `entries` entries of `point`:
// the norm of the error must be at most 1e-6 of the gradient's.
inline void check_gradient(const std::string& what, std::span<double> point,
                           std::span<const double> gradient, const std::function<double()>& value,
                           tiny::Rng& rng, std::size_t entries = 400, double step = 1e-5) {
  REQUIRE(point.size() == gradient.size());
  std::vector<std::size_t> chosen(point.size());
  std::iota(chosen.begin(), chosen.end(), 0u);
  rng.shuffle(chosen);
  chosen.resize(std::min(entries, chosen.size()));
  double error = 0;
  double norm = 0;
  for (const std::size_t i : chosen) {
    const double saved = point[i];
    point[i] = saved + step;
    const double above = value();
    point[i] = saved - step;
    const double below = value();
    point[i] = saved;
    const double slope = (above - below) / (2 * step);
    error = std::hypot(error, slope - gradient[i]);
    norm = std::hypot(norm, slope);
  }
  CAPTURE(what);
  CHECK(norm > 1e-3);
  CHECK(error <= 1e-6 * norm);
}

// Checks a layer's gradients by its input and by all its parameters, for the loss <y, g> with a
// random g.
inline void check_layer(tiny::Layer<double>& layer, Matrix x, tiny::Rng& rng) {
  Matrix y, dx;
  layer.forward(x, y, tiny::Mode::train);
  REQUIRE(y.rows() == x.rows());
  REQUIRE(y.cols() == layer.out().size());
  const Matrix g = random_matrix(y.rows(), y.cols(), rng);
  layer.backward(x, y, g, &dx);
  Matrix other;
  const auto loss = [&] {
    layer.forward(x, other, tiny::Mode::train);
    return other.cwiseProduct(g).sum();
  };
  check_gradient(layer.name() + " input", tiny::as_span(x.data(), x.size()),
                 tiny::as_span(dx.data(), dx.size()), loss, rng);
  tiny::Tensors<double> tensors;
  layer.collect("", tensors);
  for (const auto& tensor : tensors) {
    if (tensor.gradient.empty()) continue;
    check_gradient(layer.name() + " " + tensor.name, tensor.value, tensor.gradient, loss, rng);
  }
}

// The first tensor with that name.
template <typename Scalar>
std::span<Scalar> value_of(const tiny::Tensors<Scalar>& tensors, const std::string& name) {
  for (const auto& tensor : tensors) {
    if (tensor.name == name) return tensor.value;
  }
  FAIL("no tensor " << name);
  return {};
}

template <typename Function>
std::string message_of(const Function& f) {
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace tiny_test
