#include "device_property.hpp"

// Built twice: with the serial device, and, where there is nvcc, for a GPU.

using device_test::check_on_device;

TEST_CASE("the loss of the CUDA backend agrees with the whole-matrix oracle: float") {
  check_on_device<float, ldmat::Euclidean>("Euclidean", 100, {1e-5, 1e-5});
  check_on_device<float, ldmat::SquaredEuclidean>("SquaredEuclidean", 60, {1e-5, 1e-5});
  check_on_device<float, ldmat::Cosine>("Cosine", 60, {1e-5, 1e-5});
  check_on_device<float, ldmat::Manhattan>("Manhattan", 60, {1e-5, 1e-5});
}

TEST_CASE("the loss of the CUDA backend agrees with the whole-matrix oracle: double") {
  check_on_device<double, ldmat::Euclidean>("Euclidean", 60, {1e-12, 1e-12});
  check_on_device<double, ldmat::Manhattan>("Manhattan", 60, {1e-12, 1e-12});
}

TEST_CASE("the loss of the CUDA backend agrees with the whole-matrix oracle: half types") {
  check_on_device<Eigen::half, ldmat::Euclidean>("half, Euclidean", 40, {1e-5, 1e-5});
  check_on_device<Eigen::bfloat16, ldmat::Cosine>("bfloat16, Cosine", 40, {1e-5, 1e-5});
}
