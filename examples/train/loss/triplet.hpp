// The triplet loss with semi-hard negatives.
#pragma once

#include "loss/feature_loss.hpp"
#include "net/parallel.hpp"

#include <ldmat/ldmat.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
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
/// Meant for features of unit length (D from 0 to 4), though it works for any. O(n^2 (d + log n))
/// time, O(n^2) memory.
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
  struct Negative {
    Scalar distance;
    int sample;
    bool operator<(const Negative& other) const {
      return distance < other.distance || (distance == other.distance && sample < other.sample);
    }
  };

  /// The loss of an anchor's triplets; counts in its row of the weights how often a distance is in
  /// the loss, negatives with a minus.
  Anchor mine(Index a, const std::vector<int>& labels) {
    const auto label = [&](Index i) { return labels[static_cast<std::size_t>(i)]; };
    const Index n = distances_.rows();
    std::vector<Negative> negatives;
    negatives.reserve(static_cast<std::size_t>(n));
    for (Index i = 0; i < n; ++i) {
      if (label(i) != label(a)) negatives.push_back({distances_(a, i), static_cast<int>(i)});
    }
    if (negatives.empty()) return {};
    std::sort(negatives.begin(), negatives.end());
    const auto nearer = [](const Negative& negative, Scalar d) { return negative.distance < d; };
    const auto farthest =
        std::lower_bound(negatives.begin(), negatives.end(), negatives.back().distance, nearer);
    Anchor anchor;
    for (Index p = 0; p < n; ++p) {
      if (p == a || label(p) != label(a)) continue;
      auto chosen = std::upper_bound(
          negatives.begin(), negatives.end(), distances_(a, p),
          [](Scalar d, const Negative& negative) { return d < negative.distance; });
      if (chosen == negatives.end()) chosen = farthest;
      anchor.pairs += 1;
      const double loss =
          static_cast<double>(distances_(a, p)) - static_cast<double>(chosen->distance) + margin_;
      if (!(loss > 0)) continue;
      anchor.loss += loss;
      weights_(a, p) += 1;
      weights_(a, chosen->sample) -= 1;
    }
    return anchor;
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
      rows.noalias() = c * centred_;
      rows =
          scale * (c.rowwise().sum().asDiagonal() * centred_.middleRows(begin, end - begin) - rows);
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

  double margin_;
  Matrix<Scalar> distances_, weights_, symmetric_, centred_;
  std::vector<Anchor> anchors_;
};

}  // namespace tiny
