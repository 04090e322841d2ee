#pragma once

#include "net/layer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>

namespace tiny {

// The learning rate at a step (or epoch, as the caller counts), from 0 on.
using Schedule = std::function<double(Index)>;

inline Schedule constant_rate(double rate) {
  return [=](Index) { return rate; };
}

// Multiplied by `factor` after every `period` steps.
inline Schedule step_rate(double rate, Index period, double factor = 0.1) {
  if (period < 1) bad_argument("a step schedule needs period >= 1, not " + std::to_string(period));
  return [=](Index step) {
    const Index periods = step / period;
    return rate * std::pow(factor, static_cast<double>(periods));
  };
}

// Half a cosine from `rate` at step 0 to `last` at step `total`, and `last` from there on.
inline Schedule cosine_rate(double rate, Index total, double last = 0) {
  if (total < 1) bad_argument("a cosine schedule needs total >= 1, not " + std::to_string(total));
  return [=](Index step) {
    const double part = static_cast<double>(std::min(step, total)) / static_cast<double>(total);
    return last + (rate - last) * (1 + std::cos(std::numbers::pi * part)) / 2;
  };
}

}  // namespace tiny
