#pragma once

#include "any_penalty.hpp"

#include <ldmat/ldmat.hpp>

#include <Eigen/Core>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

/// What the tests of include/ldmat share: seeded random batches, and an oracle written as a
/// textbook would, in double, on whole matrices, with nothing of the library's kernels in it.

namespace support {

using ldmat::Index;
using Matrix = Eigen::MatrixXd;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  double normal() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum - 6;
  }
  Index below(Index n) { return static_cast<Index>(uniform() * static_cast<double>(n)); }
  template <class Choices>
  auto pick(const Choices& choices) {
    return *(std::begin(choices) + below(static_cast<Index>(std::size(choices))));
  }

 private:
  std::mt19937_64 engine_;
};

/// Features in clusters, one per class, with some exact duplicates; values exact in bfloat16 where
/// `coarse`, so that every storage type holds the same batch.
struct Batch {
  Matrix features;
  std::vector<int> labels;
};

inline Batch random_batch(Random& random, Index n, Index d, int classes, bool coarse = false) {
  Batch batch{Matrix(n, d), std::vector<int>(static_cast<std::size_t>(n))};
  const Matrix centres =
      Matrix::NullaryExpr(classes, d, [&](Index, Index) { return 0.7 * random.normal(); });
  for (Index i = 0; i < n; ++i) {
    const int label = static_cast<int>(random.below(classes));
    batch.labels[static_cast<std::size_t>(i)] = label;
    const double spread = random.pick(std::vector<double>{0.02, 0.2, 1.0});
    for (Index k = 0; k < d; ++k) {
      batch.features(i, k) = centres(label, k) + spread * random.normal();
      if (coarse) {
        batch.features(i, k) = static_cast<double>(
            static_cast<Eigen::bfloat16>(static_cast<float>(batch.features(i, k))));
      }
    }
    if (i > 0 && random.below(8) == 0) batch.features.row(i) = batch.features.row(random.below(i));
  }
  return batch;
}

enum class MetricKind { euclidean, squared_euclidean, cosine, manhattan };

template <class M>
constexpr MetricKind kind_of() {
  if constexpr (std::is_same_v<M, ldmat::Euclidean>) return MetricKind::euclidean;
  if constexpr (std::is_same_v<M, ldmat::SquaredEuclidean>) return MetricKind::squared_euclidean;
  if constexpr (std::is_same_v<M, ldmat::Cosine>) return MetricKind::cosine;
  return MetricKind::manhattan;
}

/// rho(x, y) and d rho / dx by their textbook formulas, and the size of the terms that the latter
/// is the difference of.
struct Distance {
  double value;
  Eigen::VectorXd gradient;
  double terms;
};

inline Distance distance(MetricKind kind, const Eigen::VectorXd& x, const Eigen::VectorXd& y) {
  const Eigen::VectorXd difference = x - y;
  switch (kind) {
    case MetricKind::euclidean: {
      const double norm = difference.norm();
      if (norm == 0) return {0, Eigen::VectorXd::Zero(x.size()), 0};
      return {norm, difference / norm, 1};
    }
    case MetricKind::squared_euclidean:
      return {difference.squaredNorm(), 2 * difference, 2 * difference.norm()};
    case MetricKind::cosine: {
      if (x.norm() == 0 || y.norm() == 0) {
        // What would pull x along itself cancels, as it does where both are rows of numbers.
        const double terms = x.norm() == 0 ? 0 : 2 / x.norm();
        return {x.norm() == y.norm() ? 0.0 : 1.0, Eigen::VectorXd::Zero(x.size()), terms};
      }
      const double cosine = x.dot(y) / (x.norm() * y.norm());
      return {1 - cosine, cosine / x.squaredNorm() * x - y / (x.norm() * y.norm()), 2 / x.norm()};
    }
    case MetricKind::manhattan:
      break;
  }
  return {difference.lpNorm<1>(), difference.array().sign().matrix(),
          std::sqrt(static_cast<double>(x.size()))};
}

/// phi and phi' of the same, written independently.
inline ldmat::Penalized<double> penalized(const AnyPenalty& penalty, double r, bool same) {
  if (penalty.one_sided && (same ? r < 0 : r > 0)) return {0, 0};
  const double sign = r > 0 ? 1 : (r < 0 ? -1 : 0);
  const double size = std::abs(r);
  const double p = penalty.parameter;
  switch (penalty.kind) {
    case 0:
      return {r * r, 2 * r};
    case 1:
      return {size, sign};
    case 2:
      if (size <= p) return {r * r, 2 * r};
      return {2 * p * size - p * p, 2 * p * sign};
    default: {
      const double excess = std::max(0.0, size - (same ? p : p / 2));
      return {excess * excess, 2 * excess * sign};
    }
  }
}

/// The loss and its gradient from whole matrices T (n x n), W (n x n) and S (same class: nonzero).
struct Expected {
  double value = 0;
  Matrix gradient;
  std::int64_t same_pairs = 0;
  double mean_same = 0;
  double mean_different = 0;
  double gradient_terms =
      0;  ///< norm of the sums of the terms' sizes: what rounding is relative to
};

inline Expected expected_loss(const Matrix& f, MetricKind metric, const AnyPenalty& penalty,
                              const Matrix& target, const Matrix& weight, const Matrix& same,
                              ldmat::Reduction reduction) {
  const Index n = f.rows();
  Expected result;
  result.gradient = Matrix::Zero(n, f.cols());
  double sum = 0;
  double weights = 0;
  double same_sum = 0;
  double different_sum = 0;
  double terms_squared = 0;
  for (Index i = 0; i < n; ++i) {
    double terms = 0;
    for (Index j = 0; j < n; ++j) {
      if (i == j) continue;
      const Distance d = distance(metric, f.row(i), f.row(j));
      const auto cost = penalized(penalty, d.value - target(i, j), same(i, j) != 0);
      sum += weight(i, j) * cost.value / 2;
      weights += weight(i, j) / 2;
      result.gradient.row(i) += weight(i, j) * cost.slope * d.gradient.transpose();
      terms += std::abs(weight(i, j) * cost.slope) * d.terms;
      if (i < j) {
        (same(i, j) != 0 ? same_sum : different_sum) += d.value;
        result.same_pairs += same(i, j) != 0 ? 1 : 0;
      }
    }
    terms_squared += terms * terms;
  }
  const double pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
  double scale = 1;
  if (reduction == ldmat::Reduction::mean) scale = 1 / pairs;
  if (reduction == ldmat::Reduction::weighted_mean) scale = weights > 0 ? 1 / weights : 0;
  result.value = sum * scale;
  if (reduction == ldmat::Reduction::frobenius) {
    result.value = std::sqrt(2 * sum);
    scale = sum > 0 ? 1 / result.value : 0;
  }
  result.gradient *= scale;
  result.gradient_terms = scale * std::sqrt(terms_squared);
  const auto same_pairs = static_cast<double>(result.same_pairs);
  if (same_pairs > 0) result.mean_same = same_sum / same_pairs;
  if (pairs > same_pairs) result.mean_different = different_sum / (pairs - same_pairs);
  return result;
}

/// Weights as whole matrices.
inline Matrix weight_matrix(const ldmat::Weights& weights, const Matrix& same,
                            const std::vector<int>& labels) {
  const Index n = same.rows();
  Matrix w = Matrix::Ones(n, n);
  if (weights.kind == ldmat::Weights::Kind::table) {
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < n; ++j) {
        w(i, j) =
            weights.table(labels[static_cast<std::size_t>(i)], labels[static_cast<std::size_t>(j)]);
      }
    }
  }
  if (weights.kind == ldmat::Weights::Kind::class_balanced) {
    double same_pairs = 0;
    for (Index i = 0; i < n; ++i) {
      for (Index j = i + 1; j < n; ++j) same_pairs += same(i, j) != 0 ? 1 : 0;
    }
    const double pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
    if (same_pairs > 0 && same_pairs < pairs) {
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) {
          w(i, j) = same(i, j) != 0 ? weights.same_share * pairs / same_pairs
                                    : (1 - weights.same_share) * pairs / (pairs - same_pairs);
        }
      }
    }
  }
  return w;
}

/// |a - b| / max(|b|, floor), the norms over all elements.
template <class A, class B>
double relative_error(const A& a, const B& b, double floor = 0) {
  const Matrix difference = a.template cast<double>() - b.template cast<double>();
  const double size = b.template cast<double>().norm();
  return difference.norm() / std::max({size, floor, 1e-30});
}

/// The message of the std::invalid_argument that `call` throws; "" where it throws nothing.
template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace support
