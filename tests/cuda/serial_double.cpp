#include "device_loss_impl.hpp"

#include <ldmat/cuda/serial.hpp>

using ldmat::detail::cuda::SerialDevice;

LDMAT_TEST_DEFINE(SerialDevice, double, ldmat::Euclidean)
LDMAT_TEST_DEFINE(SerialDevice, double, ldmat::Manhattan)
