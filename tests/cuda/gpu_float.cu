#include "device_loss_impl.hpp"

#include <ldmat/cuda/loss.hpp>

using ldmat::detail::cuda::CudaDevice;

LDMAT_TEST_DEFINE(CudaDevice, float, ldmat::Euclidean)
LDMAT_TEST_DEFINE(CudaDevice, float, ldmat::SquaredEuclidean)
LDMAT_TEST_DEFINE(CudaDevice, float, ldmat::Cosine)
LDMAT_TEST_DEFINE(CudaDevice, float, ldmat::Manhattan)

bool device_test::device_is_there() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}
