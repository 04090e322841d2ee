#pragma once

#include "device_loss.hpp"
#include "loss_property.hpp"

/// Random cases of tests/loss_property.hpp, on a device.

namespace device_test {

template <class Scalar, class M>
class OnDevice {
 public:
  using Accumulator = ldmat::Accumulator<Scalar>;

  explicit OnDevice(const support::Case<M>& c)
      : by_columns_(c.batch.features.template cast<Scalar>()), by_rows_(by_columns_) {
    // Small windows and panels, so that small batches need several of them.
    const ldmat::cuda::Settings settings{.window_bytes = 10000, .panel_rows = 64};
    loss_ = make_loss<Scalar, M>(c.options, settings);
    if (c.label_kind <= 1) labels_.ids = c.batch.labels;
    if (c.label_kind == 2) labels_.vectors = c.label_vectors;
    if (c.label_kind == 3) {
      labels_.target = c.target;
      labels_.label_distances = c.label_distance;
    }
  }

  ldmat::LossResult operator()(bool by_rows) { return run(by_rows, nullptr); }
  ldmat::LossResult operator()(bool by_rows, typename Loss<Scalar, M>::Gradient& gradient) {
    const ldmat::LossResult result = run(by_rows, &gradient);
    // The order of blocks and threads must not count, to the bit.
    typename Loss<Scalar, M>::Gradient again;
    loss_->run_backwards(true);
    CHECK(run(by_rows, &again).value == result.value);
    loss_->run_backwards(false);
    CHECK(again == gradient);
    return result;
  }

 private:
  ldmat::LossResult run(bool by_rows, typename Loss<Scalar, M>::Gradient* gradient) {
    const auto view =
        by_rows ? ldmat::detail::const_view(by_rows_) : ldmat::detail::const_view(by_columns_);
    return loss_->run(view, by_rows_.size(), labels_, gradient);
  }

  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> by_columns_;
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_rows_;
  std::unique_ptr<Loss<Scalar, M>> loss_;
  Labels labels_;
};

template <class Scalar, class M>
void check_on_device(const char* name, int cases, support::Bounds bounds) {
  if (!device_is_there()) {
    MESSAGE("NO GPU: nothing was run");
    return;
  }
  support::check_metric<Scalar, M, OnDevice<Scalar, M>>(name, cases, bounds);
}

}  // namespace device_test
