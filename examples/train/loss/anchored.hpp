// LDMAT against a fixed anchor of each class.
#pragma once

#include "loss/class_table.hpp"
#include "loss/feature_loss.hpp"
#include "loss/ldmat.hpp"

#include <ldmat/anchored.hpp>

#include <memory>
#include <stdexcept>
#include <utility>

namespace tiny::detail {

/// Anchors lie where the wanted distances can be had in as many dimensions as there are features, or come
/// closest to it; a sample's targets are the distances between them. `table`: as for ldmat_loss.
inline std::unique_ptr<FeatureLoss> anchored_loss(const TrainOptions& o, int classes,
                                                  const Eigen::MatrixXd& table) {
  using Loss = ldmat::AnchoredLoss<float, ldmat::Euclidean, ChosenPenalty>;
  if (o.metric != "euclidean") {
    throw std::invalid_argument("--anchors are placed by Euclidean distances, but --metric is " +
                                o.metric);
  }
  const Eigen::MatrixXd asked = table.size() > 0 ? table : equal_table(classes, o.class_distance);
  // For a hundred classes every start takes some tenths of a second, and starts differ by little.
  auto positions = ldmat::attainable(asked, o.dim, {.starts = classes > 30 ? 4 : 16}).positions;
  return std::make_unique<BatchLoss<Loss>>(Loss({.anchors = std::move(positions),
                                                 .target_share = o.anchor_share,
                                                 .penalty = chosen_penalty(o),
                                                 .same_share = o.same_share}));
}

}  // namespace tiny::detail
