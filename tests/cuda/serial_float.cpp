#include "device_loss_impl.hpp"

#include <ldmat/cuda/serial.hpp>

using ldmat::detail::cuda::SerialDevice;

LDMAT_TEST_DEFINE(SerialDevice, float, ldmat::Euclidean)
LDMAT_TEST_DEFINE(SerialDevice, float, ldmat::SquaredEuclidean)
LDMAT_TEST_DEFINE(SerialDevice, float, ldmat::Cosine)
LDMAT_TEST_DEFINE(SerialDevice, float, ldmat::Manhattan)

bool device_test::device_is_there() {
  return true;
}
