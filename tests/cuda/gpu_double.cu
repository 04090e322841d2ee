#include "device_loss_impl.hpp"

#include <ldmat/cuda/loss.hpp>

using ldmat::detail::cuda::CudaDevice;

LDMAT_TEST_DEFINE(CudaDevice, double, ldmat::Euclidean)
LDMAT_TEST_DEFINE(CudaDevice, double, ldmat::Manhattan)
