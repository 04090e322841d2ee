#pragma once

#include "device_loss.hpp"

#include <algorithm>

namespace device_test {

/// A copy of a buffer of the host in the memory of a device.
template <class Device, class T>
class Copy {
 public:
  explicit Copy(Index count) : buffer_(static_cast<std::size_t>(count) * sizeof(T)) {}
  Copy(const T* from, Index count) : Copy(count) {
    Device::to_device(buffer_.data(), from, buffer_.bytes());
  }
  T* data() const { return buffer_.template as<T>(); }

 private:
  ldmat::detail::cuda::DeviceBuffer<Device> buffer_;
};

template <class Device, class Scalar, class M>
class LossOnDevice : public Loss<Scalar, M> {
  using Base = Loss<Scalar, M>;
  using Accumulator = typename Base::Accumulator;

 public:
  LossOnDevice(const typename Base::Options& options, const ldmat::cuda::Settings& settings)
      : loss_(options, settings) {}

  ldmat::LossResult run(ldmat::MatrixView<const Scalar> features, Index size, const Labels& labels,
                        typename Base::Gradient* gradient) override {
    const Index n = features.rows;
    const Index d = features.columns;
    const Copy<Device, Scalar> x(features.data, size);
    const Copy<Device, Accumulator> g(n * d);
    const auto call = [&](const auto& on_device) {
      const auto matrix = ldmat::cuda::device_matrix(static_cast<const Scalar*>(x.data()), n, d,
                                                     features.row_stride, features.column_stride);
      if (gradient == nullptr) return loss_(matrix, on_device).on_host();
      // By columns, as Eigen has it.
      const auto pending =
          loss_(matrix, on_device, ldmat::cuda::device_matrix(g.data(), n, d, 1, n));
      gradient->resize(n, d);
      Device::copy_to_host(gradient->data(), g.data(),
                           static_cast<std::size_t>(n * d) * sizeof(Accumulator));
      return pending.on_host();
    };
    if (labels.target.size() > 0) {
      const Copy<Device, double> target(labels.target.data(), labels.target.size());
      const Copy<Device, double> distances(labels.label_distances.data(),
                                           labels.label_distances.size());
      return call(
          ldmat::cuda::device_target_matrix(ldmat::cuda::device_matrix(target.data(), n, n),
                                            ldmat::cuda::device_matrix(distances.data(), n, n)));
    }
    if (labels.vectors.size() > 0) {
      const Copy<Device, double> vectors(labels.vectors.data(), labels.vectors.size());
      return call(ldmat::cuda::device_label_vectors(
          ldmat::cuda::device_matrix(vectors.data(), n, labels.vectors.cols(), 1, n)));
    }
    const auto count = static_cast<Index>(labels.ids.size());
    const Copy<Device, int> ids(labels.ids.data(), count);
    return call(ldmat::cuda::device_labels(ids.data(), count));
  }

  ldmat::RunningDistances running_distances() override { return loss_.running_distances(); }

  void run_backwards(bool backwards) override {
    if constexpr (requires(Device device) { device.backwards = backwards; }) {
      loss_.workspace().device().backwards = backwards;
    }
  }

 private:
  ldmat::detail::cuda::BasicLoss<Device, Scalar, M, support::AnyPenalty, ldmat::Regularizer> loss_;
};

}  // namespace device_test

/// make_loss for a device and one of the types of LDMAT_TEST_DEVICE_LOSSES.
#define LDMAT_TEST_DEFINE(Device, Scalar, M)                                                     \
  namespace device_test {                                                                        \
  template <>                                                                                    \
  std::unique_ptr<Loss<Scalar, M>> make_loss<Scalar, M>(const Loss<Scalar, M>::Options& options, \
                                                        const ldmat::cuda::Settings& settings) { \
    return std::make_unique<LossOnDevice<Device, Scalar, M>>(options, settings);                 \
  }                                                                                              \
  }
