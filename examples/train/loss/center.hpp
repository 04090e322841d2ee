// Center loss: softmax cross-entropy that also draws features to the centre of their class.
#pragma once

#include "app/checkpoint.hpp"
#include "loss/feature_loss.hpp"
#include "loss/softmax.hpp"
#include "net/net.hpp"

#include <nlohmann/json.hpp>

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

/// A centre per class, and the pull towards them. They follow the features by the paper's own rule,
/// not by the optimizer: Adam moves each number by about the learning rate a step, whatever the
/// distance, which is too slow for centres that may be tens apart.
/// Source: Wen, Zhang, Li and Qiao, "A discriminative feature learning approach for deep face
/// recognition", 2016.
template <typename Scalar>
class Centres {
 public:
  /// All start at the origin. Throws std::invalid_argument unless there are classes and features.
  Centres(Index dim, Index classes) : centres_(checked(dim, classes)) {}

  const Matrix<Scalar>& values() const { return centres_; }
  std::span<Scalar> numbers() { return as_span(centres_.data(), centres_.size()); }
  std::span<const Scalar> numbers() const {
    return {centres_.data(), static_cast<std::size_t>(centres_.size())};
  }

  /// weight / 2 times the mean over samples of |f - c_y|^2; adds its gradient by the features
  /// (n x d) to `gradient`. Throws std::invalid_argument where sizes do not agree and for labels that
  /// are no class.
  template <typename Derived>
  double pull(const Matrix<Scalar>& features, const std::vector<int>& labels, double weight,
              Eigen::MatrixBase<Derived>& gradient) const {
    check(features, labels);
    const auto share = weight / static_cast<double>(std::max<Index>(features.rows(), 1));
    double sum = 0;
    for (Index i = 0; i < features.rows(); ++i) {
      const auto away = features.row(i) - centre(labels, i);
      sum += static_cast<double>(away.squaredNorm());
      gradient.row(i) += static_cast<Scalar>(share) * away;
    }
    return share / 2 * sum;
  }

  /// c_k -= rate * sum over the samples of class k of (c_k - f) / (1 + their number).
  void follow(const Matrix<Scalar>& features, const std::vector<int>& labels, double rate) {
    check(features, labels);
    Matrix<Scalar> step = Matrix<Scalar>::Zero(centres_.rows(), centres_.cols());
    Eigen::Matrix<Scalar, Eigen::Dynamic, 1> count =
        Eigen::Matrix<Scalar, Eigen::Dynamic, 1>::Ones(centres_.rows());
    for (Index i = 0; i < features.rows(); ++i) {
      const Index k = labels[static_cast<std::size_t>(i)];
      step.row(k) += features.row(i) - centres_.row(k);
      count[k] += 1;
    }
    centres_ += static_cast<Scalar>(rate) * count.cwiseInverse().asDiagonal() * step;
  }

 private:
  static Matrix<Scalar> checked(Index dim, Index classes) {
    if (dim < 1 || classes < 1) {
      bad_argument("centres need at least one class and one feature, but there are " +
                   std::to_string(classes) + " and " + std::to_string(dim));
    }
    return Matrix<Scalar>::Zero(classes, dim);
  }

  auto centre(const std::vector<int>& labels, Index sample) const {
    return centres_.row(labels[static_cast<std::size_t>(sample)]);
  }

  void check(const Matrix<Scalar>& features, const std::vector<int>& labels) const {
    detail::require_label_each("the center loss", features.rows(), labels.size());
    if (features.cols() != centres_.cols()) {
      bad_argument("the center loss needs features of " + std::to_string(centres_.cols()) +
                   " columns, but they have " + std::to_string(features.cols()));
    }
    for (const int label : labels) {
      if (label < 0 || label >= centres_.rows()) {
        bad_argument("the center loss needs labels in [0, " + std::to_string(centres_.rows()) +
                     "), but one is " + std::to_string(label));
      }
    }
  }

  Matrix<Scalar> centres_;
};

/// Softmax cross-entropy plus weight / 2 times the mean of |f - c_y|^2. An evaluation also moves the
/// centres, after it has used them.
class CenterLoss final : public FeatureLoss {
 public:
  /// The paper's rate of the centres (alpha).
  static constexpr double centre_rate = 0.5;

  /// Throws std::invalid_argument unless the weight is finite and not negative.
  CenterLoss(Index dim, Index classes, double weight, Rng& rng)
      : softmax_(dim, classes, rng), centres_(dim, classes), weight_(weight) {
    if (!(weight >= 0 && std::isfinite(weight))) {
      bad_argument("the center loss needs a finite weight of 0 or more, but it is " +
                   std::to_string(weight));
    }
  }

  ldmat::LossResult evaluate(const Matrix<float>& features, const std::vector<int>& labels,
                             Matrix<float>& gradient) override {
    auto result = softmax_.evaluate(features, labels, gradient);
    result.value += centres_.pull(features, labels, weight_, gradient);
    centres_.follow(features, labels, centre_rate);
    return result;
  }
  Tensors<float> tensors() override { return softmax_.tensors(); }
  std::vector<int> predict(const Matrix<float>& features) override {
    return softmax_.predict(features);
  }

  const Matrix<float>& centres() const { return centres_.values(); }

  nlohmann::json state() const override { return {{"centres", pack(centres_.numbers())}}; }
  void restore(const nlohmann::json& state) override {
    unpack(state.at("centres"), centres_.numbers(), "class centres");
  }

 private:
  SoftmaxLoss softmax_;
  Centres<float> centres_;
  double weight_;
};

}  // namespace tiny
