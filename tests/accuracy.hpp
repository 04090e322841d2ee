#pragma once

#include <ldmat/ldmat.hpp>

#include <Eigen/Core>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

/// How far distances and gradients are from an oracle in long double, on data that is hard for the
/// usual formulas. Shared by the test that holds the bounds and the program that prints the table.

namespace accuracy {

using ldmat::Index;
using ldmat::detail::KernelChoice;
/// 64 bits of mantissa on x86, 113 on Arm; where it is no more than double, only float is tested.
using Exact = long double;
inline constexpr bool oracle_beyond_double = std::numeric_limits<Exact>::digits > 60;

template <class T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Data {
  const char* name;
  const char* said;
};
inline constexpr std::array data_sets = {
    Data{"spread", "one cloud, spread 1"},
    Data{"offset", "the same, 10^4 from the origin"},
    Data{"clusters", "clusters of diameter 10^-4 of their separation"},
    Data{"loose", "clusters of diameters from 0.05 to 0.5 of their separation"},
    Data{"ulp", "pairs of samples one unit in the last place apart in one component"},
    Data{"duplicates", "every sample twice"},
    Data{"tiny", "one cloud, spread 10^-18, no two samples nearer than 10^-19"},
    Data{"huge", "one cloud, spread 10^18"},
};

/// n samples of d components; a distance does not grow with d.
template <class T>
Rows<T> make_features(const std::string& name, Index n, Index d) {
  std::mt19937_64 engine(static_cast<std::uint64_t>(1000 * d + n));
  std::normal_distribution<double> normal;
  const double scale = 1 / std::sqrt(static_cast<double>(d));
  const auto cloud = [&](Index rows, double spread) {
    return Rows<T>(Rows<T>::NullaryExpr(
        rows, d, [&](Index, Index) { return static_cast<T>(spread * scale * normal(engine)); }));
  };
  if (name == "offset") return cloud(n, 1).array() + static_cast<T>(1e4 * scale);
  if (name == "huge") return cloud(n, 1e18);
  if (name == "tiny") {
    if (d > 2) return cloud(n, 1e-18);
    // In few dimensions random samples come so near to each other that squares underflow.
    Rows<T> x = cloud(n, 1e-19);
    for (Index i = 0; i < n; ++i) {
      const Index column = i % 8;
      const Index row = i / 8;
      x(i, 0) += static_cast<T>(1e-18 * static_cast<double>(column));
      x(i, d - 1) += static_cast<T>(1e-17 * static_cast<double>(row));
    }
    return x;
  }
  if (name == "clusters") {
    const Rows<T> centres = cloud(5, 1);
    Rows<T> x = cloud(n, 0.5e-4);
    for (Index i = 0; i < n; ++i) x.row(i) += centres.row(i % 5);
    return x;
  }
  if (name == "loose") {
    const Rows<T> centres = cloud(5, 1);
    Rows<T> x = cloud(n, 1);
    for (Index i = 0; i < n; ++i) {
      const double diameter =
          0.05 * std::pow(10.0, static_cast<double>(i) / static_cast<double>(n));
      x.row(i) = centres.row(i % 5) + static_cast<T>(diameter / 2) * x.row(i);
    }
    return x;
  }
  Rows<T> x = cloud(n, 1);
  if (name == "spread") return x;
  for (Index i = 1; i < n; i += 2) {
    x.row(i) = x.row(i - 1);
    T& component = x(i, i % d);
    if (name == "ulp") component = std::nextafter(component, std::numeric_limits<T>::infinity());
  }
  return x;
}

template <class T>
std::vector<int> make_labels(const Rows<T>& x) {
  std::vector<int> labels(static_cast<std::size_t>(x.rows()));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 5);
  return labels;
}

template <class M, class T>
Exact exact_distance(const Rows<T>& x, Index i, Index j) {
  Exact sum = 0;
  for (Index k = 0; k < x.cols(); ++k) {
    const Exact difference = Exact(x(i, k)) - Exact(x(j, k));
    sum += M::from_squared_norm ? difference * difference : std::abs(difference);
  }
  return M::from_squared_norm ? std::sqrt(sum) : sum;
}

/// The gradient of the mean over pairs of (D - L)^2, for class distance 1.
template <class M, class T>
Rows<Exact> exact_gradient(const Rows<T>& x, const std::vector<int>& labels) {
  const Index n = x.rows();
  const Exact pairs = static_cast<Exact>(n) * static_cast<Exact>(n - 1) / 2;
  Rows<Exact> gradient = Rows<Exact>::Zero(n, x.cols());
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < i; ++j) {
      const Exact distance = exact_distance<M>(x, i, j);
      if (distance == 0) continue;
      const bool same = labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)];
      const Exact slope = 2 * (distance - Exact(same ? 0 : 1)) / pairs;
      for (Index k = 0; k < x.cols(); ++k) {
        const Exact difference = Exact(x(i, k)) - Exact(x(j, k));
        const Exact sign = difference > 0 ? 1 : (difference < 0 ? -1 : 0);
        const Exact move = slope * (M::from_squared_norm ? difference / distance : sign);
        gradient(i, k) += move;
        gradient(j, k) -= move;
      }
    }
  }
  return gradient;
}

/// Largest relative error of a distance; infinite where a distance of 0 is not 0, or the other way
/// round.
template <class M, class T, class Matrix>
double distance_error(const Rows<T>& x, const Matrix& distances) {
  double worst = 0;
  for (Index i = 0; i < x.rows(); ++i) {
    for (Index j = 0; j < x.rows(); ++j) {
      const Exact exact = exact_distance<M>(x, i, j);
      const Exact error = std::abs(Exact(distances(i, j)) - exact);
      // Not `>`: NaN counts.
      const bool right = exact == 0 ? error == 0 : distances(i, j) > 0;
      if (!right) return std::numeric_limits<double>::infinity();
      if (exact > 0) worst = std::max(worst, static_cast<double>(error / exact));
    }
  }
  return worst;
}

/// |g - exact| / |exact|, scaled first so that squares stay in range.
template <class G>
double gradient_error(const G& gradient, const Rows<Exact>& exact) {
  const Exact size = exact.cwiseAbs().maxCoeff();
  if (!gradient.allFinite()) return std::numeric_limits<double>::infinity();
  const Rows<Exact> difference = (gradient.template cast<Exact>() - exact) / size;
  return static_cast<double>(difference.norm() / (exact / size).norm());
}

/// Distances by the kernel that is asked for.
template <class M, class T>
Rows<T> distances_by(KernelChoice kernel, const Rows<T>& x) {
  Rows<T> distances(x.rows(), x.rows());
  ldmat::detail::pairwise_distances<ldmat::detail::DefaultBackend, T>(
      ldmat::detail::const_view(x), M{}, ldmat::detail::as_view(distances), kernel);
  return distances;
}

/// The gradient of ldmat::Loss, by the kernel that is asked for.
template <class M, class T>
Rows<T> gradient_by(KernelChoice kernel, const Rows<T>& x, const std::vector<int>& labels) {
  using namespace ldmat::detail;
  std::vector<T> ids(labels.begin(), labels.end());
  ids.resize(ids.size() + 64, T(-1));
  const FixedDistanceTarget<T> target{ids.data(), {T(0), T(1), T(1), T(1)}};
  ldmat::Workspace<T> workspace;
  const auto packed = evaluate_pairs<DefaultBackend, true>(const_view(x), M{}, ldmat::Squared{},
                                                           target, workspace, {.kernel = kernel});
  Rows<T> gradient(x.rows(), x.cols());
  const double pairs = static_cast<double>(x.rows()) * static_cast<double>(x.rows() - 1) / 2;
  write_gradient<M>(packed, 1 / pairs, as_view(gradient));
  return gradient;
}

/// |a|^2 + |b|^2 - 2 <a, b>, clamped at 0, as most programs have it.
template <class T>
Rows<T> plain_gram_distances(const Rows<T>& x) {
  const Eigen::Matrix<T, Eigen::Dynamic, 1> norms = x.rowwise().squaredNorm();
  Rows<T> squares = T(-2) * (x * x.transpose());
  squares.colwise() += norms;
  squares.rowwise() += norms.transpose();
  return squares.cwiseMax(T(0)).cwiseSqrt();
}

}  // namespace accuracy
