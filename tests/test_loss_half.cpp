#include "loss_property.hpp"

// The storage type only matters where features are packed, so that two metrics stand for all.
TEST_CASE("the loss over half features agrees with the whole-matrix oracle in double") {
  support::check_metric<Eigen::half, ldmat::Euclidean>("Euclidean", 200, {1e-5, 1e-5});
  support::check_metric<Eigen::half, ldmat::Cosine>("Cosine", 200, {1e-5, 1e-5});
}
