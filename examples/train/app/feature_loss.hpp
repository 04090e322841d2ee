// The losses that a run can choose between.
#pragma once

#include "app/options.hpp"
#include "loss/anchored.hpp"
#include "loss/center.hpp"
#include "loss/contrastive.hpp"
#include "loss/feature_loss.hpp"
#include "loss/ldmat.hpp"
#include "loss/softmax.hpp"
#include "loss/supcon.hpp"
#include "loss/triplet.hpp"
#include "net/net.hpp"

#include <memory>
#include <stdexcept>

namespace tiny {

/// `o` as by resolved(); `table`: the distances between classes that ldmat shall give them, or empty.
inline std::unique_ptr<FeatureLoss> make_loss(const TrainOptions& o, int classes,
                                              const Eigen::MatrixXd& table, Rng& rng) {
  if (o.loss == "softmax") return std::make_unique<SoftmaxLoss>(o.dim, classes, rng);
  if (o.loss == "center") {
    return std::make_unique<CenterLoss>(o.dim, classes, o.center_weight, rng);
  }
  if (o.loss == "contrastive") {
    return std::make_unique<BatchLoss<Contrastive<float>>>(Contrastive<float>(o.margin));
  }
  if (o.loss == "triplet") {
    return std::make_unique<BatchLoss<SemiHardTriplet<float>>>(SemiHardTriplet<float>(o.margin));
  }
  if (o.loss == "supcon") {
    return std::make_unique<BatchLoss<SupCon<float>>>(SupCon<float>(o.temperature));
  }
  if (o.anchors) return detail::anchored_loss(o, classes, table);
  if (o.beyond_own) {
    throw std::invalid_argument(
        "--beyond-own is for --anchors: between images there is no own one");
  }
  std::unique_ptr<FeatureLoss> loss;
  detail::with_metric(o, [&]<class Metric>(const Metric& /*metric*/) {
    loss = detail::ldmat_loss<Metric>(o, classes, table, rng);
  });
  return loss;
}

}  // namespace tiny
