// LDMAT's loss, with the metric, the penalty and the rest chosen at run time.
#pragma once

#include "app/checkpoint.hpp"
#include "app/options.hpp"
#include "loss/feature_loss.hpp"

#include <ldmat/ldmat.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

/// A penalty chosen at run time. It is a policy like the library's own ones; ldmat-train has it so
/// that one program offers all of them. Code that knows its penalty uses that one directly.
struct ChosenPenalty {
  enum class Kind { squared, absolute, huber, band };

  Kind kind = Kind::squared;
  bool one_sided = false;
  ldmat::Huber huber = {};
  ldmat::Band band = {};

  template <class V, class M>
  ldmat::Penalized<V> operator()(V residual, M same) const {
    switch (kind) {
      case Kind::absolute:
        return sided(ldmat::Absolute{}, residual, same);
      case Kind::huber:
        return sided(huber, residual, same);
      case Kind::band:
        return sided(band, residual, same);
      case Kind::squared:
        break;
    }
    return sided(ldmat::Squared{}, residual, same);
  }
  void validate() const {
    huber.validate();
    band.validate();
  }

 private:
  template <class P, class V, class M>
  ldmat::Penalized<V> sided(const P& penalty, V residual, M same) const {
    return one_sided ? ldmat::OneSided<P>{penalty}(residual, same) : penalty(residual, same);
  }
};

/// LDMAT's loss of a batch, and with proxies of a batch to which a learnt sample of each class is added:
/// so every image meets one of its class and of all others, however small the batch.
template <class Metric>
class LdmatLoss final : public FeatureLoss {
 public:
  using Loss = ldmat::Loss<float, Metric, ChosenPenalty>;

  /// `proxies` is empty, or has a row of features per class.
  explicit LdmatLoss(typename Loss::Options options, Matrix<float> proxies = {})
      : loss_(std::move(options)),
        proxies_(std::move(proxies)),
        proxies_gradient_(Matrix<float>::Zero(proxies_.rows(), proxies_.cols())) {}

  ldmat::LossResult evaluate(const Matrix<float>& features, const std::vector<int>& labels,
                             Matrix<float>& gradient) override {
    if (proxies_.size() == 0) return loss_(features, labels, gradient);
    const Index n = features.rows();
    all_features_.resize(n + proxies_.rows(), features.cols());
    all_features_ << features, proxies_;
    all_labels_ = labels;
    for (int label = 0; label < proxies_.rows(); ++label) all_labels_.push_back(label);
    const auto result = loss_(all_features_, all_labels_, all_gradient_);
    gradient = all_gradient_.topRows(n);
    proxies_gradient_ = all_gradient_.bottomRows(proxies_.rows());
    return result;
  }

  Tensors<float> tensors() override {
    if (proxies_.size() == 0) return {};
    return {{"proxies", as_span(proxies_.data(), proxies_.size()),
             as_span(proxies_gradient_.data(), proxies_gradient_.size()), false}};
  }

  nlohmann::json state() const override {
    const auto& running = loss_.running_distances();
    const auto size = static_cast<std::size_t>(running.distance.size());
    return {{"classes", running.distance.rows()},
            {"distance", pack(std::span(running.distance.data(), size))},
            {"batches", pack(std::span(running.batches.data(), size))}};
  }

  void restore(const nlohmann::json& state) override {
    ldmat::RunningDistances running;
    const auto classes = state.at("classes").get<Eigen::Index>();
    if (classes != loss_.running_distances().distance.rows()) {
      throw std::runtime_error("the checkpoint holds running distances of " +
                               std::to_string(classes) + " classes instead of " +
                               std::to_string(loss_.running_distances().distance.rows()));
    }
    running.distance.resize(classes, classes);
    running.batches.resize(classes, classes);
    const auto size = static_cast<std::size_t>(running.distance.size());
    unpack(state.at("distance"), std::span(running.distance.data(), size), "running distances");
    unpack(state.at("batches"), std::span(running.batches.data(), size), "running counts");
    loss_.restore(running);
  }

 private:
  Loss loss_;
  Matrix<float> proxies_, proxies_gradient_;
  Matrix<float> all_features_, all_gradient_;
  std::vector<int> all_labels_;
};

namespace detail {

/// Calls use(metric) with the metric that the options name.
template <class Use>
void with_metric(const TrainOptions& o, const Use& use) {
  if (o.metric == "squared-euclidean") return use(ldmat::SquaredEuclidean{});
  if (o.metric == "cosine") return use(ldmat::Cosine{});
  if (o.metric == "manhattan") return use(ldmat::Manhattan{});
  use(ldmat::Euclidean{});
}

inline ldmat::Regularizer chosen_regularizer(const TrainOptions& o) {
  if (o.regularizer == "offset") return ldmat::offset(o.strength);
  if (o.regularizer == "shrink") return ldmat::shrink(o.strength);
  if (o.regularizer == "adaptive") return ldmat::adaptive(o.strength, o.adaptive_momentum);
  return ldmat::none();
}

inline ChosenPenalty chosen_penalty(const TrainOptions& o) {
  using Kind = ChosenPenalty::Kind;
  const Kind kind = o.penalty == "absolute" ? Kind::absolute
                    : o.penalty == "huber"  ? Kind::huber
                    : o.penalty == "band"   ? Kind::band
                                            : Kind::squared;
  return {kind, o.one_sided, {o.threshold}, {o.band_same, o.band_different}};
}

inline ldmat::Reduction chosen_reduction(const TrainOptions& o) {
  if (o.reduction == "sum") return ldmat::Reduction::sum;
  if (o.reduction == "weighted-mean") return ldmat::Reduction::weighted_mean;
  if (o.reduction == "frobenius") return ldmat::Reduction::frobenius;
  return ldmat::Reduction::mean;
}

/// Normal with a squared length of about 1.
inline Matrix<float> first_proxies(Index classes, Index dim, Rng& rng) {
  Matrix<float> proxies(classes, dim);
  const double deviation = 1 / std::sqrt(static_cast<double>(dim));
  for (float& value : as_span(proxies.data(), proxies.size())) {
    value = static_cast<float>(deviation * rng.normal());
  }
  return proxies;
}

/// `table`: distances between classes, or empty.
template <class Metric>
std::unique_ptr<FeatureLoss> ldmat_loss(const TrainOptions& o, int classes,
                                        const Eigen::MatrixXd& table, Rng& rng) {
  ldmat::LossOptions<Metric, ChosenPenalty> options;
  options.class_table = table;
  options.class_distance = o.class_distance;
  options.classes = classes;
  options.regularizer = chosen_regularizer(o);
  options.penalty = chosen_penalty(o);
  options.weights =
      o.weights == "balanced" ? ldmat::class_balanced(o.same_share) : ldmat::uniform_weights();
  options.reduction = chosen_reduction(o);
  return std::make_unique<LdmatLoss<Metric>>(
      std::move(options), o.proxies ? first_proxies(classes, o.dim, rng) : Matrix<float>());
}

}  // namespace detail

}  // namespace tiny
