#pragma once

#include <ldmat/view.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

/// The figures of ldmat/quality.hpp and ldmat/retrieval.hpp written down a second time, by their
/// definitions and without regard to time or memory, and random sets to compare them on.

namespace reference {

using Matrix = Eigen::MatrixXd;
using Labels = std::vector<int>;
using Distance = double (*)(const Eigen::VectorXd&, const Eigen::VectorXd&);

inline double euclidean(const Eigen::VectorXd& x, const Eigen::VectorXd& y) {
  return (x - y).norm();
}
inline double manhattan(const Eigen::VectorXd& x, const Eigen::VectorXd& y) {
  return (x - y).cwiseAbs().sum();
}
inline double cosine(const Eigen::VectorXd& x, const Eigen::VectorXd& y) {
  if (x.isZero(0) || y.isZero(0)) return x.isZero(0) && y.isZero(0) ? 0 : 1;
  return (x / x.norm() - y / y.norm()).squaredNorm() / 2;
}

inline double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

inline double variance(const std::vector<double>& values) {
  const double centre = mean(values);
  std::vector<double> squares(values);
  for (double& value : squares) value = (value - centre) * (value - centre);
  return mean(squares);
}

struct Set {
  Matrix x;  ///< one column per sample
  Labels y;

  Eigen::VectorXd operator[](std::size_t i) const { return x.col(static_cast<Eigen::Index>(i)); }
  std::size_t size() const { return y.size(); }
};

inline std::map<int, Eigen::VectorXd> centres(const Set& set) {
  std::map<int, Eigen::VectorXd> sums;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto sum = sums.try_emplace(set.y[i], Eigen::VectorXd::Zero(set.x.rows())).first;
    sum->second += set[i];
  }
  for (auto& [id, sum] : sums) sum /= static_cast<double>(std::ranges::count(set.y, id));
  return sums;
}

/// Distances of pairs of one class, and of the others.
inline std::pair<std::vector<double>, std::vector<double>> pairs(const Set& set, Distance rho) {
  std::pair<std::vector<double>, std::vector<double>> found;
  for (std::size_t i = 0; i < set.size(); ++i) {
    for (std::size_t j = i + 1; j < set.size(); ++j) {
      (set.y[i] == set.y[j] ? found.first : found.second).push_back(rho(set[i], set[j]));
    }
  }
  return found;
}

inline std::vector<double> centre_distances(const Set& set, Distance rho) {
  std::vector<double> found;
  for (const auto& [a, x] : centres(set)) {
    for (const auto& [b, y] : centres(set)) {
      if (a < b) found.push_back(rho(x, y));
    }
  }
  return found;
}

inline double silhouette(const Set& set, Distance rho) {
  const std::set<int> classes(set.y.begin(), set.y.end());
  std::vector<double> s;
  for (std::size_t i = 0; i < set.size(); ++i) {
    std::map<int, std::vector<double>> to;
    for (std::size_t j = 0; j < set.size(); ++j) {
      if (i != j) to[set.y[j]].push_back(rho(set[i], set[j]));
    }
    double b = std::numeric_limits<double>::infinity();
    for (const int c : classes) {
      if (c != set.y[i]) b = std::min(b, mean(to[c]));
    }
    const double a = mean(to[set.y[i]]);
    const bool defined = classes.size() > 1 && !to[set.y[i]].empty() && std::max(a, b) > 0;
    s.push_back(defined ? (b - a) / std::max(a, b) : 0);
  }
  return mean(s);
}

inline double decidability(const Set& set, Distance rho) {
  const auto [same, different] = pairs(set, rho);
  if (same.empty() || different.empty() || mean(same) == mean(different)) return 0;
  return std::abs(mean(same) - mean(different)) /
         std::sqrt((variance(same) + variance(different)) / 2);
}

/// Classes of the gallery's samples by distance from `x`, without sample `self`.
inline std::vector<int> ranking(const Set& gallery, const Eigen::VectorXd& x, Distance rho,
                                std::size_t self) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t j = 0; j < gallery.size(); ++j) {
    if (j != self) order.emplace_back(rho(x, gallery[j]), j);
  }
  std::ranges::sort(order);
  std::vector<int> classes;
  classes.reserve(order.size());
  for (const auto& [distance, j] : order) classes.push_back(gallery.y[j]);
  return classes;
}

struct Retrieval {
  std::vector<double> precision_at_1;
  std::vector<double> r_precision;
  std::vector<double> map_at_r;
};

/// One entry per query that has something to find; `queries` is the gallery where `among`.
inline Retrieval retrieval(const Set& gallery, const Set& queries, Distance rho, bool among) {
  Retrieval found;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const auto order = ranking(gallery, queries[i], rho, among ? i : gallery.size());
    const auto r = static_cast<std::size_t>(std::ranges::count(order, queries.y[i]));
    if (r == 0) continue;
    std::vector<double> relevant;
    std::vector<double> precision;
    for (std::size_t rank = 0; rank < r; ++rank) {
      relevant.push_back(order[rank] == queries.y[i] ? 1 : 0);
      precision.push_back(relevant.back() * mean(relevant));
    }
    found.precision_at_1.push_back(relevant.front());
    found.r_precision.push_back(mean(relevant));
    found.map_at_r.push_back(mean(precision));
  }
  return found;
}

inline double knn_accuracy(const Set& gallery, const Set& queries, std::size_t k, Distance rho) {
  std::vector<double> right;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    auto nearest = ranking(gallery, queries[i], rho, gallery.size());
    nearest.resize(k);
    const auto winner = std::ranges::max_element(
        nearest, {}, [&](int c) { return std::ranges::count(nearest, c); });
    right.push_back(*winner == queries.y[i] ? 1 : 0);
  }
  return mean(right);
}

inline double centroid_accuracy(const Set& gallery, const Set& queries, Distance rho) {
  const auto means = centres(gallery);
  std::vector<double> right;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const auto nearest = std::ranges::min_element(
        means, {}, [&](const auto& centre) { return rho(queries[i], centre.second); });
    right.push_back(nearest != means.end() && nearest->first == queries.y[i] ? 1 : 0);
  }
  return mean(right);
}

/// A random set with what makes trouble: copies of samples, rows of zeros, outliers, few or many
/// classes with gaps between their ids. `grid` gives small integers, full of ties.
inline Set random_set(std::mt19937& random, Eigen::Index n, Eigen::Index d, bool grid) {
  const auto below = [&](int end) {
    return std::uniform_int_distribution<int>(0, end - 1)(random);
  };
  std::normal_distribution<double> normal;
  Set set{Matrix(d, n), Labels(static_cast<std::size_t>(n))};
  const int classes = 1 + below(below(3) == 0 ? 60 : 5);
  for (Eigen::Index i = 0; i < n; ++i) {
    const int label = 3 * below(classes);
    set.y[static_cast<std::size_t>(i)] = label;
    const double scale = below(20) == 0 ? 100 : 1;
    for (Eigen::Index k = 0; k < d; ++k) {
      set.x(k, i) = grid ? below(3) : scale * (normal(random) + (k % 3 == label % 4 ? 2 : 0));
    }
    if (i > 0 && below(5) == 0) set.x.col(i) = set.x.col(below(static_cast<int>(i)));
    if (below(20) == 0) set.x.col(i).setZero();
  }
  return set;
}

/// Row order[i] of `x` as row i.
inline Matrix reordered(const Matrix& x, const std::vector<int>& order) {
  Matrix result(x.rows(), x.cols());
  for (std::size_t i = 0; i < order.size(); ++i) {
    result.row(static_cast<Eigen::Index>(i)) = x.row(order[i]);
  }
  return result;
}

/// The set's features as an S matrix of the given layout, one row per sample, and the set rounded
/// to S, so that both are the same numbers.
template <class S, int Layout>
auto stored(Set& set) {
  using Stored = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Layout>;
  Stored features = set.x.transpose().template cast<S>();
  set.x = features.template cast<double>().transpose();
  return features;
}

}  // namespace reference
