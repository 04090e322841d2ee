// The losses that a run can choose between.
#pragma once

#include "app/options.hpp"
#include "loss/feature_loss.hpp"
#include "loss/ldmat.hpp"
#include "loss/softmax.hpp"
#include "net/net.hpp"

#include <memory>

namespace tiny {

inline std::unique_ptr<FeatureLoss> make_loss(const TrainOptions& o, int classes, Rng& rng) {
  if (o.loss == "softmax") return std::make_unique<SoftmaxLoss>(o.dim, classes, rng);
  std::unique_ptr<FeatureLoss> loss;
  detail::with_metric(o, [&]<class Metric>(const Metric& /*metric*/) {
    loss = detail::ldmat_loss<Metric>(o, classes);
  });
  return loss;
}

}  // namespace tiny
