#include "device_loss_impl.hpp"

#include <ldmat/cuda/loss.hpp>

using ldmat::detail::cuda::CudaDevice;

LDMAT_TEST_DEFINE(CudaDevice, Eigen::half, ldmat::Euclidean)
LDMAT_TEST_DEFINE(CudaDevice, Eigen::bfloat16, ldmat::Cosine)
