#pragma once

#include <ldmat/kernel/sums.hpp>
#include <ldmat/options.hpp>

/// Pairs of a batch by kind, their weights, and what a sum over them becomes: shared by all backends.

namespace ldmat::detail {

/// Pairs of the batch by kind, and the sum of their weights.
struct PairCounts {
  std::int64_t all = 0;
  std::int64_t same = 0;
  double weight_sum = 0;

  LDMAT_HOST_DEVICE std::int64_t different() const { return all - same; }
};

LDMAT_HOST_DEVICE inline std::int64_t pairs_among(std::int64_t n) {
  return n * (n - 1) / 2;
}

/// Weights of same-class and different-class pairs, where they depend on nothing else.
struct KindWeights {
  double same = 1;
  double different = 1;
};

LDMAT_HOST_DEVICE inline KindWeights kind_weights(Weights::Kind kind, double same_share,
                                                  PairCounts& counts) {
  KindWeights result;
  if (kind == Weights::Kind::class_balanced && counts.same > 0 && counts.different() > 0) {
    const auto all = static_cast<double>(counts.all);
    result.same = same_share * all / static_cast<double>(counts.same);
    result.different = (1 - same_share) * all / static_cast<double>(counts.different());
  }
  counts.weight_sum = result.same * static_cast<double>(counts.same) +
                      result.different * static_cast<double>(counts.different());
  return result;
}

/// The loss, and the factor of the gradient of the penalty sum.
struct Reduced {
  double value;
  double gradient_scale;
};

LDMAT_HOST_DEVICE inline Reduced reduce(Reduction reduction, double sum, const PairCounts& counts) {
  double scale = 1;
  switch (reduction) {
    case Reduction::mean:
      scale = counts.all > 0 ? 1 / static_cast<double>(counts.all) : 0;
      break;
    case Reduction::sum:
      break;
    case Reduction::weighted_mean:
      scale = counts.weight_sum > 0 ? 1 / counts.weight_sum : 0;
      break;
    case Reduction::frobenius: {
      const double norm = math::sqrt(2 * sum);
      return {norm, sum == 0 ? 0 : 1 / norm};
    }
  }
  return {sum * scale, scale};
}

/// What a call returns, from the sums over the batch's pairs.
LDMAT_HOST_DEVICE inline LossResult loss_result(double value, const PairSums& sums,
                                                const PairCounts& counts) {
  const auto mean = [](double sum, std::int64_t pairs) {
    return pairs > 0 ? sum / static_cast<double>(pairs) : 0.0;
  };
  LossResult result;
  result.value = value;
  result.pairs = counts.all;
  result.same_pairs = counts.same;
  result.mean_same_distance = mean(sums.same_distance, counts.same);
  result.mean_different_distance = mean(sums.distance - sums.same_distance, counts.different());
  return result;
}

}  // namespace ldmat::detail
