// The code of docs/cuda.md. Compiled; there is nothing in it to run without a GPU.

#include <ldmat/cuda/loss.hpp>

double snippet(const float* features, const std::int64_t* labels, float* gradient, ldmat::Index n,
               ldmat::Index d, cudaStream_t stream) {
  namespace cuda = ldmat::cuda;

  cuda::Loss<float> loss{{.class_distance = 1.0, .regularizer = ldmat::offset(0.1)}};
  loss.set_stream(stream);  // yours; the default stream without it

  // Pointers to the GPU's memory; labels of any integer or enum type; the gradient is overwritten.
  auto result = loss(cuda::device_matrix(features, n, d), cuda::device_labels(labels, n),
                     cuda::device_matrix(gradient, n, d));
  const ldmat::LossResult* there = result.on_device();  // in the GPU's memory
  const double value = result.on_host().value;          // waits for the stream
  static_cast<void>(there);
  return value;
}
