#pragma once

#include <ldmat/kernel/simd.hpp>
#include <ldmat/shape.hpp>

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>

/// Multidimensional scaling: points whose distances are those of a table, or come close to them. A
/// point is a column. All are templates so that only programs that use them compile Eigen's
/// eigenvalues, which take seconds.

namespace ldmat::detail {

/// A class table and its weights, both divided by their largest entry.
template <class Arch>
struct ClassPairs {
  Eigen::MatrixXd target;
  Eigen::MatrixXd weight;  ///< zero diagonal
  double unit = 1;         ///< the largest distance; 1 where all are 0
  double collapse = 0;     ///< sum over all a, b of w T^2: of pairs a < b, twice
  double total = 0;        ///< the same of w
  bool one_sided = false;

  ClassPairs(const Eigen::MatrixXd& table, const Eigen::MatrixXd& weights, bool one_side)
      : target(table), weight(weights), one_sided(one_side) {
    if (weight.size() == 0) weight.setOnes(table.rows(), table.rows());
    weight.diagonal().setZero();
    if (weight.maxCoeff() > 0) weight /= weight.maxCoeff();
    if (table.maxCoeff() > 0) unit = table.maxCoeff();
    target /= unit;
    collapse = weight.cwiseProduct(target.cwiseAbs2()).sum();
    total = weight.sum();
  }

  /// The loss of `distances` (in this unit) over the loss where all classes coincide. Infinity where
  /// that is 0 and the loss is not.
  double share(const Eigen::MatrixXd& distances) const {
    Eigen::ArrayXXd residual = distances - target;
    if (one_sided) residual = residual.min(0);
    const double loss = (weight.array() * residual.square()).sum();
    return loss == 0 ? 0 : loss / collapse;
  }
  /// A share as a loss.
  double loss(double part) const {
    return collapse == 0 ? 0 : part * (collapse / total) * unit * unit;
  }
};

/// How far rounding may put an eigenvalue of a k x k matrix from where it is, over the largest entry of
/// the matrix or its largest eigenvalue.
inline double rounding(Index k) {
  return 8 * static_cast<double>(k) * std::numeric_limits<double>::epsilon();
}

/// Distances between the columns of `points`.
template <class Arch>
Eigen::MatrixXd distances_between(const Eigen::MatrixXd& points) {
  const Index k = points.cols();
  Eigen::MatrixXd distances = Eigen::MatrixXd::Zero(k, k);
  for (Index a = 0; a < k; ++a) {
    for (Index b = 0; b < a; ++b) {
      distances(a, b) = distances(b, a) = (points.col(a) - points.col(b)).stableNorm();
    }
  }
  return distances;
}

/// Classical scaling (Torgerson 1952): eigenvalues and -vectors of the matrix of inner products that
/// points around 0 with these distances would have, in ascending order.
template <class Arch>
Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> classical_scaling(const Eigen::MatrixXd& target) {
  Eigen::MatrixXd products = -0.5 * target.cwiseAbs2();
  const Eigen::RowVectorXd means = products.colwise().mean();
  products.rowwise() -= means;
  products.colwise() -= means.transpose();
  products.array() += means.mean();
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(products);
}

/// The search for points of low two-sided loss by stress majorization (SMACOF, de Leeuw 1977).
template <class Arch>
class Majorization {
 public:
  explicit Majorization(const ClassPairs<Arch>& pairs) : pairs_(pairs) {
    Eigen::MatrixXd laplacian = -pairs.weight;
    laplacian.diagonal() = pairs.weight.rowwise().sum();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(laplacian);
    const double least = rounding(pairs.weight.rows()) * eigen.eigenvalues().maxCoeff();
    const Eigen::VectorXd inverse =
        (eigen.eigenvalues().array() > least).select(eigen.eigenvalues().cwiseInverse(), 0);
    inverse_ = eigen.eigenvectors() * inverse.asDiagonal() * eigen.eigenvectors().transpose();
  }

  /// Moves the columns of x downhill until eight steps lower the share of the loss by no more than
  /// `least_gain`. A step is a Guttman transform, which lowers the loss or leaves it; all but the last
  /// of eight go twice as far, which does so, too, and takes half as many of them (de Leeuw and
  /// Heiser 1980). Returns the share reached.
  double descend(Eigen::MatrixXd& x, double least_gain) const {
    constexpr int most_rounds = 1000;
    double before = std::numeric_limits<double>::infinity();
    for (int round = 0; round < most_rounds; ++round) {
      for (int step = 0; step < 7; ++step) x = 2 * transformed(x) - x;
      x = transformed(x);
      const double now = share(x);
      if (!(before - now > least_gain)) return now;
      before = now;
    }
    return before;
  }

  /// The same, and then exchanges two classes where that lowers the loss, and so on: majorization
  /// moves no class past another in one dimension, and seldom in two.
  double search(Eigen::MatrixXd& x, double least_gain) const {
    double reached = descend(x, least_gain);
    while (true) {
      Eigen::MatrixXd exchanged = x;
      if (!exchange(exchanged, least_gain)) return reached;
      const double now = descend(exchanged, least_gain);
      if (!(reached - now > least_gain)) return reached;
      x = exchanged;
      reached = now;
    }
  }

 private:
  double share(const Eigen::MatrixXd& x) const { return pairs_.share(distances_between<Arch>(x)); }

  /// V^+ B(x) x of de Leeuw. Classes that coincide do not say in which direction they should part:
  /// their term is 0.
  Eigen::MatrixXd transformed(const Eigen::MatrixXd& x) const {
    Eigen::MatrixXd pull = Eigen::MatrixXd::Zero(x.rows(), x.cols());
    for (Index a = 0; a < x.cols(); ++a) {
      for (Index b = 0; b < a; ++b) {
        const double distance = (x.col(a) - x.col(b)).norm();
        if (!(distance > 0)) continue;
        const double force = pairs_.weight(a, b) * pairs_.target(a, b) / distance;
        pull.col(a) += force * (x.col(a) - x.col(b));
        pull.col(b) -= force * (x.col(a) - x.col(b));
      }
    }
    return pull * inverse_;
  }

  /// Gives two classes each other's place, those with which it gains most. False where none does.
  bool exchange(Eigen::MatrixXd& x, double least_gain) const {
    const Index k = x.cols();
    const Eigen::MatrixXd distances = distances_between<Arch>(x);
    const auto cost = [&](Index a, Index c, Index place_of_a) {
      const double residual = distances(place_of_a, c) - pairs_.target(a, c);
      return pairs_.weight(a, c) * residual * residual;
    };
    double most = least_gain * pairs_.collapse / 2;
    Index best[2] = {-1, -1};
    for (Index a = 0; a < k; ++a) {
      for (Index b = 0; b < a; ++b) {
        double gain = 0;
        for (Index c = 0; c < k; ++c) {
          if (c == a || c == b) continue;
          gain += cost(a, c, a) + cost(b, c, b) - cost(a, c, b) - cost(b, c, a);
        }
        if (gain > most) {
          most = gain;
          best[0] = a;
          best[1] = b;
        }
      }
    }
    if (best[0] < 0) return false;
    x.col(best[0]).swap(x.col(best[1]));
    return true;
  }

  const ClassPairs<Arch>& pairs_;
  Eigen::MatrixXd inverse_;
};

/// Puts the mean of the columns at 0.
template <class Arch>
void centre(Eigen::MatrixXd& x) {
  const Eigen::VectorXd mean = x.rowwise().mean();
  x.colwise() -= mean;
}

/// The points of lowest two-sided loss that classical scaling and `starts` - 1 random points lead to,
/// columns of d <= K - 1 components.
template <class Arch>
Eigen::MatrixXd best_points(const ClassPairs<Arch>& pairs, const Eigen::MatrixXd& scaled,
                            int starts, std::uint64_t seed) {
  constexpr double coarse = 1e-6;
  constexpr double fine = 1e-13;
  const Majorization<Arch> majorization(pairs);
  std::mt19937_64 engine(seed);
  const auto random = [&](Index rows, Index columns) {
    Eigen::MatrixXd x(rows, columns);
    for (double& component : x.reshaped()) {
      component = static_cast<double>(engine() >> 11) * 0x1.0p-53 - 0.5;
    }
    return x;
  };
  Eigen::MatrixXd best;
  double lowest = std::numeric_limits<double>::infinity();
  for (int start = 0; start < starts; ++start) {
    Eigen::MatrixXd x = random(scaled.rows(), scaled.cols());
    // Classical scaling may put classes in one place, from where they would never part.
    if (start == 0) x = scaled + 0.01 * x;
    const double reached = majorization.search(x, coarse);
    if (reached < lowest) {
      lowest = reached;
      best = x;
    }
  }
  majorization.search(best, fine);
  return best;
}

/// Points no closer than their targets: centred points x enlarged until no pair is, or, where that takes
/// too much because classes almost coincide, one behind the other on a line, around 0.
template <class Arch>
void spread_apart(const ClassPairs<Arch>& pairs, Eigen::MatrixXd& x) {
  const Index k = x.cols();
  const Eigen::MatrixXd distances = distances_between<Arch>(x);
  double factor = 0;
  for (Index a = 0; a < k; ++a) {
    for (Index b = 0; b < a; ++b) {
      if (pairs.target(a, b) > 0) {
        factor = std::max(factor, pairs.target(a, b) / distances(a, b));
      }
    }
  }
  Eigen::MatrixXd apart = x;
  if (factor > static_cast<double>(k)) {
    const double half = static_cast<double>(k - 1) / 2;
    factor = 1;
    apart.setZero();
    apart.row(0) = Eigen::RowVectorXd::LinSpaced(k, -half, half);
  }
  // Rounding leaves some a little closer than their targets, here and in the table's unit, and does so
  // anew after each product: so the products are looked at, not what they ought to be.
  const Eigen::MatrixXd least = (1 + 16 * std::numeric_limits<double>::epsilon()) * pairs.target;
  const auto closer = [&](const Eigen::MatrixXd& points, double unit) {
    return ((distances_between<Arch>(points) - unit * least).array() < 0).any();
  };
  double above = 1e-15;
  bool too_close = true;
  while (too_close && above < 1) {
    x = factor * (1 + above) * apart;
    const Eigen::MatrixXd in_unit = pairs.unit * x;
    too_close = closer(x, 1) || closer(in_unit, pairs.unit) || closer(in_unit / pairs.unit, 1);
    above *= 2;
  }
}

}  // namespace ldmat::detail
