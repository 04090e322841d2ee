#pragma once

#include <ldmat/ldmat.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

/// The loss of one batch against its formula, for programs that are compiled with unusual flags. All
/// of it has internal linkage, so that files with different flags do not share it.

namespace {

/// The largest relative error of the value and of the gradient (by its norm), plain LDMAT. Memory is
/// that of std::vector: Eigen's own matrices may not be mixed between files of different flags.
template <class S>
[[maybe_unused]] double error_of_loss(ldmat::Index n, ldmat::Index d) {
  using ldmat::Index;
  const auto at = [d](Index i, Index k) { return static_cast<std::size_t>(i * d + k); };
  std::vector<S> f(at(n, 0));
  std::vector<int> labels(static_cast<std::size_t>(n));
  unsigned state = 12345;
  for (S& x : f) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<S>(static_cast<double>(state >> 8) * 0x1p-24 - 0.5);
  }
  for (Index i = 0; i < n; ++i) labels[static_cast<std::size_t>(i)] = static_cast<int>(i % 3);

  const double pairs = static_cast<double>(n) * static_cast<double>(n - 1);
  double value = 0;
  std::vector<double> gradient(f.size());
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      if (i == j) continue;
      double sum = 0;
      const auto difference = [&](Index k) {
        return static_cast<double>(f[at(i, k)]) - static_cast<double>(f[at(j, k)]);
      };
      for (Index k = 0; k < d; ++k) sum += difference(k) * difference(k);
      const double distance = std::sqrt(sum);
      const double residual = distance - (i % 3 != j % 3 ? 1 : 0);
      value += residual * residual / pairs;
      for (Index k = 0; k < d; ++k) {
        gradient[at(i, k)] += 4 * residual / distance * difference(k) / pairs;
      }
    }
  }

  ldmat::Loss<S> loss({.regularizer = ldmat::none()});
  std::vector<S> found(f.size());
  auto output = ldmat::view(found.data(), n, d);
  const double found_value = loss(ldmat::view(f.data(), n, d), labels, output).value;
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    error += (static_cast<double>(found[i]) - gradient[i]) *
             (static_cast<double>(found[i]) - gradient[i]);
    size += gradient[i] * gradient[i];
  }
  return std::max(std::abs(found_value - value) / value, std::sqrt(error / size));
}

/// In both kernels, and whole matrices.
inline double largest_error() {
  return std::max({error_of_loss<float>(37, 2), error_of_loss<float>(150, 70),
                   error_of_loss<double>(37, 3), error_of_loss<double>(150, 70)});
}

}  // namespace
