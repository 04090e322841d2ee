// The supervised contrastive loss.
#pragma once

#include "loss/feature_loss.hpp"
#include "net/parallel.hpp"

#include <ldmat/ldmat.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace tiny {

/// L_out: mean over the anchors i of
///
///     -1/|P(i)| * sum over p in P(i) of log( exp(s_ip) / sum over a != i of exp(s_ia) ),
///     s_ij = <f_i, f_j> / temperature, P(i): the other samples of the class of i.
///
/// Anchors without positives (the only one of their class) are left out of the mean, though they
/// are negatives of the others; without any anchor the value is 0. A batch holds one view of each
/// image, where the paper's hold two. Meant for features of unit length, which the network's last
/// layer makes; others are taken as they are. O(n^2 d) time, O(n^2) memory.
/// Source: Khosla et al., "Supervised contrastive learning", 2020, equation 2.
template <typename Scalar>
class SupCon {
 public:
  /// Throws std::invalid_argument unless the temperature is positive and finite.
  explicit SupCon(double temperature) : temperature_(temperature) {
    detail::require_positive("the supcon loss", "temperature", temperature);
  }

  /// Features n x d, n labels; overwrites the gradient (n x d). Throws std::invalid_argument where
  /// the numbers do not agree.
  ldmat::LossResult operator()(const Matrix<Scalar>& features, const std::vector<int>& labels,
                               Matrix<Scalar>& gradient) {
    const Index n = features.rows();
    detail::require_label_each("the supcon loss", n, labels.size());
    gradient.setZero(n, features.cols());
    slopes_.resize(n, n);
    losses_.setZero(n);
    positives_.setZero(n);
    const auto over = static_cast<Scalar>(1 / temperature_);
    parallel_chunks(n, [&](Index begin, Index end, Index /*chunk*/) {
      if (begin == end) return;
      auto rows = slopes_.middleRows(begin, end - begin);
      rows.noalias() = features.middleRows(begin, end - begin) * features.transpose();
      rows *= over;
      for (Index i = begin; i < end; ++i) compare(i, labels);
    });
    ldmat::LossResult result;
    const auto anchors = (positives_.array() > 0).count();
    if (anchors == 0) return result;
    result.value = losses_.sum() / static_cast<double>(anchors);
    symmetric_ = slopes_ + slopes_.transpose();
    const Scalar scale = over / static_cast<Scalar>(anchors);
    parallel_chunks(n, [&](Index begin, Index end, Index /*chunk*/) {
      auto rows = gradient.middleRows(begin, end - begin);
      rows.noalias() = symmetric_.middleRows(begin, end - begin) * features;
      rows *= scale;
    });
    return result;
  }

 private:
  /// The anchor's loss, and in place of its row of s the loss's slopes by them.
  void compare(Index i, const std::vector<int>& labels) {
    auto row = slopes_.row(i);
    const auto is_positive = [&](Index j) {
      return j != i && labels[static_cast<std::size_t>(j)] == labels[static_cast<std::size_t>(i)];
    };
    double sum = 0;
    for (Index j = 0; j < row.size(); ++j) {
      if (!is_positive(j)) continue;
      positives_[i] += 1;
      sum += static_cast<double>(row[j]);
    }
    if (positives_[i] == 0) {
      row.setZero();
      return;
    }
    row[i] = -std::numeric_limits<Scalar>::infinity();  // no anchor is compared with itself
    const Scalar largest = row.maxCoeff();
    row = (row.array() - largest).exp();
    const Scalar total = row.sum();
    losses_[i] =
        static_cast<double>(largest) + std::log(static_cast<double>(total)) - sum / positives_[i];
    row /= total;
    const auto share = static_cast<Scalar>(1 / positives_[i]);
    for (Index j = 0; j < row.size(); ++j) {
      if (is_positive(j)) row[j] -= share;
    }
  }

  double temperature_;
  Matrix<Scalar> slopes_, symmetric_;
  Eigen::VectorXd losses_, positives_;
};

}  // namespace tiny
