// How good predictions are.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

namespace detail {

template <class Counts>
double share_of(const std::vector<int>& predicted, const std::vector<int>& actual,
                const Counts& counts) {
  if (predicted.size() != actual.size()) {
    throw std::invalid_argument(std::to_string(predicted.size()) + " predictions for " +
                                std::to_string(actual.size()) + " labels");
  }
  if (actual.empty()) return 0;
  std::size_t sum = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) sum += counts(predicted[i], actual[i]) ? 1u : 0u;
  return static_cast<double>(sum) / static_cast<double>(actual.size());
}

}  // namespace detail

/// Share of predictions that are right; 0 of none. Throws std::invalid_argument for another number
/// of them than of labels.
inline double accuracy(const std::vector<int>& predicted, const std::vector<int>& actual) {
  return detail::share_of(predicted, actual, [](int p, int a) { return p == a; });
}

/// Share of all predictions that are of another superclass than the label, `coarse` being the
/// superclass of each class: what is left of the errors when those among relatives are forgiven.
/// Throws std::invalid_argument likewise, std::out_of_range for a class that `coarse` lacks.
inline double outside_superclass(const std::vector<int>& predicted, const std::vector<int>& actual,
                                 const std::vector<int>& coarse) {
  const auto of = [&](int label) { return coarse.at(static_cast<std::size_t>(label)); };
  return detail::share_of(predicted, actual, [&](int p, int a) { return of(p) != of(a); });
}

}  // namespace tiny
