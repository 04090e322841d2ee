#pragma once

#include <ldmat/checks.hpp>
#include <ldmat/cuda/kernel/targets.hpp>
#include <ldmat/cuda/workspace.hpp>

/// What a loss keeps by pair of classes in the memory of the device: tables of the options, and the
/// running distances of an adaptive regularizer. Copied by value, since a loss is.

namespace ldmat::detail::cuda {

template <class Device>
class ClassTables {
 public:
  ClassTables() = default;
  template <class Options>
  explicit ClassTables(const Options& options)
      : distances_(upload(options.class_table)),
        weights_(options.weights.kind == Weights::Kind::table ? upload(options.weights.table)
                                                              : DeviceBuffer<Device>()),
        running_classes_(options.regularizer.uses_running() ? options.class_count() : 0) {
    reset();
  }

  template <class Options>
  ClassPairs pairs(const Options& options) const {
    return {options.class_count(),  distances_.template as<double>(),
            options.class_distance, weights_.template as<double>(),
            options.weights.kind,   options.weights.same_share,
            running_data(),         batches_data()};
  }
  double* running_data() const { return running_.template as<double>(); }
  std::int64_t* batches_data() const { return batches_.template as<std::int64_t>(); }

  /// Waits for all that was launched: whoever reads or writes these may be on any stream.
  RunningDistances running() const {
    RunningDistances state;
    state.distance.resize(running_classes_, running_classes_);
    state.batches.resize(running_classes_, running_classes_);
    Device::copy_to_host(state.distance.data(), running_.data(), running_.bytes());
    Device::copy_to_host(state.batches.data(), batches_.data(), batches_.bytes());
    return state;
  }
  void restore(const RunningDistances& state) {
    require_running(state, running_classes_);
    Device::wait_for_all();
    Device::to_device(running_.data(), state.distance.data(), running_.bytes());
    Device::to_device(batches_.data(), state.batches.data(), batches_.bytes());
  }
  void reset() {
    const Index k = running_classes_;
    if (k == 0) return;
    const auto entries = static_cast<std::size_t>(k * k);
    if (running_.bytes() == 0) {
      running_ = DeviceBuffer<Device>(entries * sizeof(double));
      batches_ = DeviceBuffer<Device>(entries * sizeof(std::int64_t));
    }
    restore({Eigen::MatrixXd::Zero(k, k),
             Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic>::Zero(k, k)});
  }

 private:
  /// Symmetric, so that the order of its elements does not matter.
  static DeviceBuffer<Device> upload(const Eigen::MatrixXd& table) {
    DeviceBuffer<Device> buffer(static_cast<std::size_t>(table.size()) * sizeof(double));
    Device::to_device(buffer.data(), table.data(), buffer.bytes());
    return buffer;
  }

  DeviceBuffer<Device> distances_;
  DeviceBuffer<Device> weights_;
  Index running_classes_ = 0;
  DeviceBuffer<Device> running_;
  DeviceBuffer<Device> batches_;
};

}  // namespace ldmat::detail::cuda
