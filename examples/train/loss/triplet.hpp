// The triplet loss with semi-hard negatives.
#pragma once

#include "loss/feature_loss.hpp"
#include "net/parallel.hpp"

#include <ldmat/kernel/simd.hpp>
#include <ldmat/ldmat.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tiny {

/// Mean over the pairs of an anchor a and a positive p (another sample of its class) of
///
///     max(0, D_ap - D_an + margin),   D the squared Euclidean distance, as in the paper,
///
/// where the negative n is the nearest to the anchor of those that are farther than the positive: it
/// is semi-hard if it is within the margin, and costs nothing beyond it. Where no negative is farther
/// than the positive, n is the farthest there is: the easiest of the hard ones. The paper found that
/// the hardest lead to collapse; TensorFlow Addons chooses as here. Of negatives at the same distance
/// the first in the batch is taken. A distance counts as farther only where it is strictly so.
///
/// All pairs count, also those that cost nothing; anchors without a positive or a negative have none.
/// Meant for features of unit length (D from 0 to 4), though it works for any. O(n^2 (d + p))
/// time for p samples per class, O(n^2) memory.
/// Source: Schroff, Kalenichenko and Philbin, "FaceNet: a unified embedding for face recognition and
/// clustering", 2015.
template <typename Scalar>
class SemiHardTriplet {
 public:
  /// Throws std::invalid_argument unless the margin is positive and finite.
  explicit SemiHardTriplet(double margin) : margin_(margin) {
    detail::require_positive("the triplet loss", "margin", margin);
  }

  /// Features n x d, n labels; overwrites the gradient (n x d). Throws std::invalid_argument where
  /// the numbers do not agree. Features that are not finite give a value that is not.
  ldmat::LossResult operator()(const Matrix<Scalar>& features, const std::vector<int>& labels,
                               Matrix<Scalar>& gradient) {
    const Index n = features.rows();
    detail::require_label_each("the triplet loss", n, labels.size());
    gradient.setZero(n, features.cols());
    ldmat::LossResult result;
    if (n == 0) return result;
    distances_.resize(n, n);
    ldmat::feature_distances(features, distances_, ldmat::SquaredEuclidean{});
    if (!distances_.allFinite()) {
      result.value = std::numeric_limits<double>::quiet_NaN();
      gradient.setConstant(std::numeric_limits<Scalar>::quiet_NaN());
      return result;
    }
    weights_.setZero(n, n);
    anchors_.assign(static_cast<std::size_t>(n), {});
    for_each_sample(n, [&](Index a) { anchors_[static_cast<std::size_t>(a)] = mine(a, labels); });
    double pairs = 0;
    for (const Anchor& anchor : anchors_) {
      pairs += anchor.pairs;
      result.value += anchor.loss;
    }
    count_distances(labels, result);
    if (pairs == 0) return result;
    result.value /= pairs;
    pull(features, static_cast<Scalar>(2 / pairs), gradient);
    return result;
  }

 private:
  struct Anchor {
    double pairs = 0;
    double loss = 0;
  };

  /// The loss of an anchor's triplets; counts in its row of the weights how often a distance is in
  /// the loss, negatives with a minus.
  Anchor mine(Index a, const std::vector<int>& labels) {
    const auto is_same = [&](Index i) {
      return labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(a)];
    };
    const Index n = distances_.rows();
    std::vector<Scalar> negatives(static_cast<std::size_t>(n), infinity);  // where they are
    Index farthest = -1;
    for (Index i = 0; i < n; ++i) {
      if (is_same(i)) continue;
      negatives[static_cast<std::size_t>(i)] = distances_(a, i);
      if (farthest < 0 || distances_(a, i) > distances_(a, farthest)) farthest = i;
    }
    Anchor anchor;
    if (farthest < 0) return anchor;
    for (Index p = 0; p < n; ++p) {
      if (p == a || !is_same(p)) continue;
      const Scalar distance = distances_(a, p);
      const Index negative =
          distances_(a, farthest) > distance ? nearest_beyond(negatives, distance) : farthest;
      anchor.pairs += 1;
      const double loss =
          static_cast<double>(distance) - static_cast<double>(distances_(a, negative)) + margin_;
      if (!(loss > 0)) continue;
      anchor.loss += loss;
      weights_(a, p) += 1;
      weights_(a, negative) -= 1;
    }
    return anchor;
  }

  /// Where the smallest of the values above `bound` is, of equals the first. There has to be one. In
  /// blocks, so that only one of them has to be searched for the place.
  static Index nearest_beyond(const std::vector<Scalar>& values, Scalar bound) {
    constexpr std::size_t block = 128;
    Scalar nearest = infinity;
    std::size_t at = 0;
    for (std::size_t begin = 0; begin < values.size(); begin += block) {
      const auto part = std::span(values).subspan(begin, std::min(block, values.size() - begin));
      const Scalar found = smallest_above(part, bound);
      if (found < nearest) {
        nearest = found;
        at = begin;
      }
    }
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(at);
    return std::find(begin, values.end(), nearest) - values.begin();
  }

  /// Infinity where no value is above the bound. Compilers do not vectorise such a loop, and it is
  /// most of the time of a large batch.
  static Scalar smallest_above(std::span<const Scalar> values, Scalar bound) {
    using Pack = ldmat::detail::Pack<Scalar, ldmat::detail::DefaultArch>;
    constexpr auto lanes_of = static_cast<std::size_t>(ldmat::detail::PackTraits<Pack>::size);
    const Pack none(infinity);
    const Pack bounds(bound);
    Pack smallest = none;
    std::size_t i = 0;
    for (; i + lanes_of <= values.size(); i += lanes_of) {
      const auto v = ldmat::detail::read<Pack>(values.data() + i);
      const auto above = ldmat::detail::choose(v > bounds, v, none);
      smallest = ldmat::detail::choose(above < smallest, above, smallest);
    }
    std::array<Scalar, lanes_of> lanes;
    ldmat::detail::write(lanes.data(), smallest);
    Scalar result = *std::min_element(lanes.begin(), lanes.end());
    for (; i < values.size(); ++i) {
      if (values[i] > bound && values[i] < result) result = values[i];
    }
    return result;
  }

  /// The gradient of scale / 2 times the sum of W_ij |f_i - f_j|^2: with C = W + W^T, row i is
  /// scale times the sum over j of C_ij (f_i - f_j). The features are centred first, which changes
  /// no difference, but keeps those of features far from the origin.
  void pull(const Matrix<Scalar>& features, Scalar scale, Matrix<Scalar>& gradient) {
    centred_ = features.rowwise() - features.colwise().mean();
    symmetric_ = weights_ + weights_.transpose();
    parallel_chunks(features.rows(), [&](Index begin, Index end, Index /*chunk*/) {
      const auto c = symmetric_.middleRows(begin, end - begin);
      auto rows = gradient.middleRows(begin, end - begin);
      const Eigen::Matrix<Scalar, Eigen::Dynamic, 1> sums = c.rowwise().sum();
      rows.noalias() = c * centred_;
      rows = scale * (sums.asDiagonal() * centred_.middleRows(begin, end - begin) - rows);
    });
  }

  void count_distances(const std::vector<int>& labels, ldmat::LossResult& result) const {
    double same = 0, different = 0;
    for (Index i = 0; i < distances_.rows(); ++i) {
      for (Index j = 0; j < i; ++j) {
        const bool equal =
            labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)];
        result.same_pairs += equal;
        (equal ? same : different) += std::sqrt(static_cast<double>(distances_(i, j)));
      }
    }
    const auto n = static_cast<std::int64_t>(distances_.rows());
    result.pairs = n * (n - 1) / 2;
    const auto others = result.pairs - result.same_pairs;
    if (result.same_pairs > 0)
      result.mean_same_distance = same / static_cast<double>(result.same_pairs);
    if (others > 0) result.mean_different_distance = different / static_cast<double>(others);
  }

  static constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

  double margin_;
  Matrix<Scalar> distances_, weights_, symmetric_, centred_;
  std::vector<Anchor> anchors_;
};

}  // namespace tiny
