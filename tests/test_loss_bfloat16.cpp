#include "loss_property.hpp"

// The storage type only matters where features are packed, so that two metrics stand for all.
TEST_CASE("the loss over bfloat16 features agrees with the whole-matrix oracle in double") {
  support::check_metric<Eigen::bfloat16, ldmat::Euclidean>("Euclidean", 200, {1e-5, 1e-5});
  support::check_metric<Eigen::bfloat16, ldmat::Manhattan>("Manhattan", 200, {1e-5, 1e-5});
}
