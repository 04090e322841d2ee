#pragma once

#include <ldmat/view.hpp>

#include <ATen/ATen.h>
#include <c10/core/ScalarType.h>

#include <string>
#include <type_traits>

/// PyTorch's tensors as ldmat's matrices and class ids, without a copy.

namespace ldmat {

/// A tensor of two dimensions as a matrix that is only read: any strides, nothing is copied, and the
/// tensor must outlive the view. S is its element type: float, double, Eigen::half for Half,
/// Eigen::bfloat16 for BFloat16. Neither type nor shape nor device is checked here.
template <Storage S>
MatrixView<const S> tensor_view(const at::Tensor& tensor) {
  return {static_cast<const S*>(tensor.data_ptr()), tensor.size(0), tensor.size(1),
          tensor.stride(0), tensor.stride(1)};
}

/// The same of a tensor that is written.
template <Storage S>
MatrixView<S> tensor_output(const at::Tensor& tensor) {
  return {static_cast<S*>(tensor.data_ptr()), tensor.size(0), tensor.size(1), tensor.stride(0),
          tensor.stride(1)};
}

namespace detail {

template <Storage S>
inline constexpr at::ScalarType torch_type = std::is_same_v<S, double>        ? at::kDouble
                                             : std::is_same_v<S, float>       ? at::kFloat
                                             : std::is_same_v<S, Eigen::half> ? at::kHalf
                                                                              : at::kBFloat16;

/// What a loss of features of this type is computed in, and its value and kept gradient are of.
inline at::ScalarType torch_accumulator(at::ScalarType features) {
  return features == at::kDouble ? at::kDouble : at::kFloat;
}

inline bool torch_storage(at::ScalarType type) {
  return type == at::kDouble || type == at::kFloat || type == at::kHalf || type == at::kBFloat16;
}

inline void require_torch_features(const at::Tensor& features) {
  if (!features.defined()) throw_invalid("features is an undefined tensor");
  if (features.layout() != at::kStrided || features.dim() != 2) {
    throw_invalid({"features has ", features.dim(),
                   " dimensions, but must be a dense matrix, one row per sample"});
  }
  if (!torch_storage(features.scalar_type())) {
    throw_invalid({"features is of ", c10::toString(features.scalar_type()),
                   ", but must be of Float, Double, Half or BFloat16"});
  }
}

/// Class ids of any integer type, or a floating-point matrix of label vectors.
inline void require_torch_labels(const at::Tensor& features, const at::Tensor& labels) {
  if (!labels.defined()) throw_invalid("labels is an undefined tensor");
  const bool ids = at::isIntegralType(labels.scalar_type(), /*includeBool=*/true);
  const bool vectors = torch_storage(labels.scalar_type());
  if (labels.layout() != at::kStrided ||
      !((ids && labels.dim() == 1) || (vectors && labels.dim() == 2))) {
    throw_invalid({"labels has ", labels.dim(), " dimensions of ",
                   c10::toString(labels.scalar_type()),
                   ", but must be one dimension of integers (class ids) or two of floating-point "
                   "numbers (label vectors, one row per sample)"});
  }
  if (labels.device() != features.device()) {
    throw_invalid({"labels is on ", labels.device().str(), ", but features is on ",
                   features.device().str(), ": both must be on one device"});
  }
  if (labels.requires_grad()) {
    throw_invalid("labels requires a gradient, but the loss has none with respect to labels");
  }
}

[[noreturn]] LDMAT_DETAIL_COLD inline void throw_device(const at::Tensor& features) {
  const char* const advice =
      features.is_cuda() ? "this program was built without ldmat's CUDA backend: build it with "
                           "LDMAT_TORCH_CUDA, or call .cpu() on features and labels first"
                         : "ldmat computes on the CPU, and on CUDA where it is built so";
  throw_invalid({"features is on ", features.device().str(), ", but ", advice});
}

/// A tensor of class ids as a range of 64-bit integers with a stride; see labels.hpp.
struct TorchIds {
  const std::int64_t* data;
  Index count;
  Index step;

  static constexpr std::size_t rank() { return 1; }
  Index extent(std::size_t) const { return count; }
  Index stride(std::size_t) const { return step; }
  const std::int64_t* data_handle() const { return data; }
};

}  // namespace detail
}  // namespace ldmat
