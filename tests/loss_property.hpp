#pragma once

#include "support.hpp"

#include <iostream>

/// Random shapes, metrics, targets, penalties, weights and reductions against the whole-matrix
/// oracle in double. Each storage type has a program of its own, since every metric is a type.

namespace support {

inline std::uint64_t property_seed() {
  const char* const given = std::getenv("LDMAT_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 20241;
}

/// A random case: batch, options and what they should give.
template <class M>
struct Case {
  Batch batch;
  Matrix label_vectors;
  int label_kind = 0;  // ids, ids with a table, label vectors, whole target
  ldmat::LossOptions<M, AnyPenalty> options;
  Matrix target;
  Matrix label_distance;
  Matrix same;
};

template <class M>
Case<M> random_case(Random& random) {
  const std::vector<Index> sizes{2, 3, 5, 16, 17, 33, 64, 127, 130, 200};
  const std::vector<Index> widths{1, 2, 3, 5, 8, 15, 16, 17, 32, 50};
  const int classes = 1 + static_cast<int>(random.below(6));
  Case<M> c;
  const Index n = random.pick(sizes);
  c.batch = random_batch(random, n, random.pick(widths), classes, true);
  if (random.below(3) == 0) {  // without a direction, for metrics of directions
    for (int rows = 0; rows < 2; ++rows) c.batch.features.row(random.below(n)).setZero();
  }
  auto& options = c.options;
  options.class_distance = 0.25 + random.uniform();
  options.penalty = {static_cast<int>(random.below(AnyPenalty::kinds)), random.below(2) == 0,
                     0.05 + 0.3 * random.uniform()};
  options.reduction = static_cast<ldmat::Reduction>(random.below(4));
  const double strength = 0.1 + 0.4 * random.uniform();
  options.regularizer = random.pick(std::vector<ldmat::Regularizer>{
      ldmat::none(), ldmat::offset(strength), ldmat::shrink(strength)});
  c.label_kind = static_cast<int>(random.below(4));
  const auto symmetric = [&](bool zero_diagonal) {
    Matrix table =
        Matrix::NullaryExpr(classes, classes, [&](Index, Index) { return 0.2 + random.uniform(); });
    table = (table + table.transpose()).eval() / 2;
    if (zero_diagonal) table.diagonal().setZero();
    return table;
  };
  const auto weight_kind = random.below(c.label_kind <= 1 ? 3 : 2);
  if (weight_kind == 1) options.weights = ldmat::class_balanced(0.2 + 0.6 * random.uniform());
  if (weight_kind == 2) options.weights = ldmat::weight_table(symmetric(false));

  switch (c.label_kind) {
    case 0:
      c.label_distance = ldmat::label_distances(c.batch.labels, options.class_distance);
      break;
    case 1:
      options.class_table = symmetric(true);
      c.label_distance =
          ldmat::label_distances(c.batch.labels, ldmat::ClassTable{options.class_table});
      break;
    default:
      // Multi-label vectors of quarters, exact in every type.
      c.label_vectors = Matrix::NullaryExpr(n, 3, [&](Index i, Index k) {
        return 0.25 * ((c.batch.labels[static_cast<std::size_t>(i)] >> k) & 1);
      });
      c.label_distance = ldmat::label_distances(c.label_vectors);
  }
  c.same = (c.label_distance.array() == 0).template cast<double>();
  if (c.label_kind <= 1) {
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < n; ++j) {
        c.same(i, j) = c.batch.labels[static_cast<std::size_t>(i)] ==
                       c.batch.labels[static_cast<std::size_t>(j)];
      }
    }
  }
  c.target = ldmat::regularize(c.label_distance, options.regularizer);
  return c;
}

/// The loss under test, as check_metric calls it: on the host, in matrices of either layout.
template <class Scalar, class M>
class OnHost {
 public:
  using Accumulator = ldmat::Accumulator<Scalar>;
  explicit OnHost(const Case<M>& c)
      : c_(c),
        by_columns_(c.batch.features.template cast<Scalar>()),
        by_rows_(by_columns_),
        loss_(c.options) {}

  /// Value alone, or with gradient.
  template <class... G>
  ldmat::LossResult operator()(bool by_rows, G&... gradient) {
    const auto call = [&](const auto& labels) {
      return by_rows ? loss_(by_rows_, labels, gradient...)
                     : loss_(by_columns_, labels, gradient...);
    };
    if (c_.label_kind <= 1) return call(c_.batch.labels);
    if (c_.label_kind == 2) return call(c_.label_vectors);
    return call(ldmat::target_matrix(c_.target, c_.label_distance));
  }

 private:
  const Case<M>& c_;
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> by_columns_;
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_rows_;
  ldmat::Loss<Scalar, M, AnyPenalty> loss_;
};

/// Bounds on relative errors: of the value, and of the gradient's norm.
struct Bounds {
  double value;
  double gradient;
};

template <class Scalar, class M, class Runner = OnHost<Scalar, M>>
void check_metric(const char* name, int cases, Bounds bounds) {
  const std::uint64_t seed = property_seed();
  std::cout << name << ": seed " << seed << " (LDMAT_TEST_SEED), " << cases << " cases\n";
  Random random(seed);
  for (int at = 0; at < cases; ++at) {
    const Case<M> c = random_case<M>(random);
    const Index n = c.batch.features.rows();
    const Index d = c.batch.features.cols();
    INFO("seed ", seed, " case ", at, ": n ", n, " d ", d, " labels ", c.label_kind, " penalty ",
         c.options.penalty.kind, " one-sided ", c.options.penalty.one_sided, " reduction ",
         static_cast<int>(c.options.reduction), " weights ",
         static_cast<int>(c.options.weights.kind));
    const Matrix weight = weight_matrix(c.options.weights, c.same, c.batch.labels);
    const Expected expected = expected_loss(c.batch.features, kind_of<M>(), c.options.penalty,
                                            c.target, weight, c.same, c.options.reduction);

    using Accumulator = ldmat::Accumulator<Scalar>;
    Runner run(c);
    Eigen::Matrix<Accumulator, Eigen::Dynamic, Eigen::Dynamic> gradient;
    gradient.resize(n, d);
    const ldmat::LossResult alone = run(at % 2 != 0);
    const ldmat::LossResult result = run(at % 2 != 0, gradient);

    CHECK(std::abs(result.value - alone.value) <= bounds.value * std::abs(alone.value));
    CHECK(std::abs(result.mean_same_distance - alone.mean_same_distance) <=
          bounds.value * alone.mean_same_distance);
    CHECK(std::abs(result.mean_different_distance - alone.mean_different_distance) <=
          bounds.value * alone.mean_different_distance);
    CHECK(result.pairs == n * (n - 1) / 2);
    CHECK(result.same_pairs == expected.same_pairs);
    const double scale = c.batch.features.norm() / std::sqrt(static_cast<double>(n * d));
    CHECK(std::abs(result.value - expected.value) <=
          bounds.value * std::max(std::abs(expected.value), 1e-3 * scale));
    CHECK(std::abs(result.mean_same_distance - expected.mean_same) <=
          bounds.value * std::max(expected.mean_same, 1e-3 * scale));
    CHECK(std::abs(result.mean_different_distance - expected.mean_different) <=
          bounds.value * std::max(expected.mean_different, 1e-3 * scale));
    // Where the terms of the gradient cancel, as for cosines in one dimension, what is left can't
    // be better than a few units in the last place of the terms.
    const double rounding = 4 * static_cast<double>(Eigen::NumTraits<Accumulator>::epsilon());
    const double error = (gradient.template cast<double>() - expected.gradient).norm();
    CHECK(error <=
          bounds.gradient * (expected.gradient.norm() + 1e-6) + rounding * expected.gradient_terms);
  }
}

}  // namespace support
