#pragma once

#include <ldmat/backend.hpp>
#include <ldmat/preset.hpp>

#include <vector>

// A linear embedding of digits in two dimensions, trained by LDMAT: code for any backend. A machine has
// the memory and the arithmetic; the loss is that of its backend.

using ldmat::Index;

struct Digits {
  Index count = 0;
  Index pixels = 0;
  std::vector<float> images;  // count x pixels, 0 to 1
  std::vector<int> labels;
};

inline constexpr Index batch_size = 500;
inline constexpr Index embedding_dimension = 2;
inline constexpr int step_count = 60;
inline constexpr float learning_rate = 0.2F;

// The loss after each step.
template <class Machine>
std::vector<double> train(Machine& machine, const Digits& digits) {
  const auto images = machine.copy(digits.images);
  const auto labels = machine.copy(digits.labels);
  std::vector<float> start(static_cast<std::size_t>(digits.pixels * embedding_dimension));
  for (std::size_t at = 0; at < start.size(); ++at) {
    start[at] = 0.02F * static_cast<float>((at * 7919) % 101) / 101 - 0.01F;
  }
  const auto weights = machine.copy(start);  // pixels x embedding_dimension
  const auto step = machine.copy(start);
  const auto features = machine.copy(std::vector<float>(batch_size * embedding_dimension));
  const auto gradient = machine.copy(std::vector<float>(batch_size * embedding_dimension));

  auto loss = ldmat::recommended<float, typename Machine::Backend>();
  std::vector<double> curve;
  for (int at = 0; at < step_count; ++at) {
    const Index first = at * batch_size % (digits.count - batch_size + 1);
    const auto x = machine.rows(images, first, batch_size, digits.pixels);
    const auto f = machine.rows(features, 0, batch_size, embedding_dimension);
    auto g = machine.rows(gradient, 0, batch_size, embedding_dimension);
    const auto w = machine.rows(weights, 0, digits.pixels, embedding_dimension);
    const auto dw = machine.rows(step, 0, digits.pixels, embedding_dimension);
    machine.multiply(x, w, f);  // features
    const auto result = loss(f, machine.labels(labels, first, batch_size), g);
    machine.multiply_transposed(x, g, dw);
    machine.add(dw, -learning_rate, w);
    curve.push_back(result.on_host().value);
  }
  return curve;
}

// Where the program is built with CUDA and a GPU is there; empty elsewhere.
std::vector<double> train_on_gpu(const Digits& digits);
