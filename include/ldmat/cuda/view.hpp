#pragma once

#include <ldmat/labels.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/view.hpp>

/// Buffers in the memory of a GPU, said so by their type: what cuda::Loss takes. Nothing is copied, and
/// nothing on the host may look into them.

namespace ldmat {

namespace detail::cuda {

/// The element type of ldmat for one of the caller's with the same bits; device.hpp knows CUDA's own.
template <class T>
struct StorageOf {
  using type = T;
};
template <class T>
struct StorageOf<const T> {
  using type = const typename StorageOf<T>::type;
};

}  // namespace detail::cuda

namespace cuda {

/// A matrix in the memory of a GPU, one row per sample: made by `device_matrix`.
template <class T>
struct DeviceMatrix {
  MatrixView<T> view;  ///< its data is not for the host
};

/// Class ids in the memory of a GPU: made by `device_labels`.
template <detail::ClassId L>
struct DeviceLabels {
  const L* data;  ///< not for the host
  Index count;    ///< one per sample
};

/// Label vectors in the memory of a GPU and the metric between them: made by `device_label_vectors`.
template <class S, Metric M>
struct DeviceLabelVectors {
  MatrixView<const S> vectors;  ///< n x p
  M metric;                     ///< between them
};

/// A whole target in the memory of a GPU: made by `device_target_matrix`.
template <class S>
struct DeviceTargetMatrix {
  MatrixView<const S> target;           ///< n x n
  MatrixView<const S> label_distances;  ///< n x n: 0 for pairs of one class
};

/// `rows` x `columns` elements at `data`, which is memory that the GPU can reach; element (i, k) is
/// data[i * row_stride + k * column_stride]. Borrowed. T: float, double, Eigen::half,
/// Eigen::bfloat16, or CUDA's __half and __nv_bfloat16. Throws std::invalid_argument for a negative
/// shape or stride, or a null `data` with elements.
template <class T>
auto device_matrix(T* data, Index rows, Index columns, Index row_stride, Index column_stride = 1) {
  using S = typename ldmat::detail::cuda::StorageOf<T>::type;
  static_assert(Storage<std::remove_const_t<S>>,
                "ldmat: device_matrix needs float, double, Eigen::half, Eigen::bfloat16, __half or "
                "__nv_bfloat16");
  ldmat::detail::require_strides("device_matrix", rows, columns, row_stride, column_stride);
  if (data == nullptr && rows > 0 && columns > 0) {
    ldmat::detail::throw_invalid(
        {"device_matrix: data is null, but the shape is ", ldmat::detail::Shape{rows, columns}});
  }
  return DeviceMatrix<S>{{reinterpret_cast<S*>(data), rows, columns, row_stride, column_stride}};
}
/// The same, the rows one behind the other.
template <class T>
auto device_matrix(T* data, Index rows, Index columns) {
  return device_matrix(data, rows, columns, columns, 1);
}

/// `count` class ids of any integer or enum type at `data`, memory that the GPU can reach. Borrowed.
/// Throws std::invalid_argument for a negative count, or a null `data` with a count.
template <ldmat::detail::ClassId L>
DeviceLabels<L> device_labels(const L* data, Index count) {
  if (count < 0) {
    ldmat::detail::throw_invalid({"device_labels: count is ", count, ", but may not be negative"});
  }
  if (data == nullptr && count > 0) {
    ldmat::detail::throw_invalid({"device_labels: data is null, but count is ", count});
  }
  return {data, count};
}

/// Label vectors (n x p) and the metric rho_L between them, as ldmat::label_vectors has them.
template <class S, Metric M = Euclidean>
auto device_label_vectors(const DeviceMatrix<S>& vectors, M metric = {}) {
  if constexpr (requires { metric.validate(); }) metric.validate();
  const auto& v = vectors.view;
  return DeviceLabelVectors<std::remove_const_t<S>, M>{
      {v.data, v.rows, v.columns, v.row_stride, v.column_stride}, metric};
}

/// A target distance for every pair (n x n, its upper triangle read), used as it is; samples are of one
/// class where T_ij = 0, or where label_distances_ij = 0. As ldmat::target_matrix.
template <class S>
auto device_target_matrix(const DeviceMatrix<S>& target, const DeviceMatrix<S>& label_distances) {
  const auto constant = [](const MatrixView<S>& v) {
    return MatrixView<const std::remove_const_t<S>>{v.data, v.rows, v.columns, v.row_stride,
                                                    v.column_stride};
  };
  return DeviceTargetMatrix<std::remove_const_t<S>>{constant(target.view),
                                                    constant(label_distances.view)};
}
/// The same, with pairs of one class where the target is 0.
template <class S>
auto device_target_matrix(const DeviceMatrix<S>& target) {
  return device_target_matrix(target, target);
}

}  // namespace cuda
}  // namespace ldmat
