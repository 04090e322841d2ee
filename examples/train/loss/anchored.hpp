// LDMAT against a fixed anchor of each class.
#pragma once

#include "app/checkpoint.hpp"
#include "loss/class_table.hpp"
#include "loss/feature_loss.hpp"
#include "loss/ldmat.hpp"

#include <ldmat/anchored.hpp>

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace tiny {

/// The anchors are part of a run's state: another program may place them elsewhere, turned or mirrored.
class Anchored final : public FeatureLoss {
 public:
  using Loss = ldmat::AnchoredLoss<float, ldmat::Euclidean, ChosenPenalty>;

  explicit Anchored(Loss::Options options) : loss_(std::move(options)) {}

  const Loss::Options& options() const { return loss_.options(); }

  ldmat::LossResult evaluate(const Matrix<float>& features, const std::vector<int>& labels,
                             Matrix<float>& gradient) override {
    return loss_(features, labels, gradient);
  }

  nlohmann::json state() const override {
    const auto& anchors = loss_.options().anchors;
    return {{"anchors", pack(std::span(anchors.data(), static_cast<std::size_t>(anchors.size())))}};
  }

  void restore(const nlohmann::json& state) override {
    auto options = loss_.options();
    auto& anchors = options.anchors;
    unpack(state.at("anchors"), std::span(anchors.data(), static_cast<std::size_t>(anchors.size())),
           "anchors");
    loss_ = Loss(std::move(options));
  }

 private:
  Loss loss_;
};

namespace detail {

inline void require_for_anchors(bool good, const char* option, const std::string& value,
                                const char* why) {
  if (good) return;
  throw std::invalid_argument(std::string("--") + option + (value.empty() ? "" : " ") + value +
                              " does not go with --anchors: " + why);
}

/// Anchors lie where the wanted distances can be had in as many dimensions as there are features, or
/// come closest to it; a sample's targets are `anchor_share` of the distances between them, with
/// `beyond_own` beyond its own. `table`: as for ldmat_loss. Throws std::invalid_argument for options that
/// this loss has no use for.
inline std::unique_ptr<FeatureLoss> anchored_loss(const TrainOptions& o, int classes,
                                                  const Eigen::MatrixXd& table) {
  require_for_anchors(o.metric == "euclidean", "metric", o.metric,
                      "anchors are placed by Euclidean distances");
  require_for_anchors(!o.proxies, "proxies", "",
                      "anchors take their place, and stay where they are");
  require_for_anchors(o.regularizer == "none", "regularizer", o.regularizer,
                      "--anchor-share relaxes distances between classes");
  require_for_anchors(o.weights == "uniform", "weights", o.weights,
                      "--same-share has the weight of the own anchor");
  require_for_anchors(o.reduction == "mean", "reduction", o.reduction,
                      "the loss is the mean over samples");
  const Eigen::MatrixXd asked = table.size() > 0 ? table : equal_table(classes, o.class_distance);
  auto positions = ldmat::attainable(asked, o.dim, {.starts = starts_for(classes)}).positions;
  return std::make_unique<Anchored>(Anchored::Loss::Options{.anchors = std::move(positions),
                                                            .target_share = o.anchor_share,
                                                            .beyond_own = o.beyond_own,
                                                            .penalty = chosen_penalty(o),
                                                            .same_share = o.same_share});
}

}  // namespace detail

}  // namespace tiny
