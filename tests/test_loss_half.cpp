#include "loss_property.hpp"

TEST_CASE("the loss over half features agrees with the whole-matrix oracle in double") {
  support::check_scalar<Eigen::half>(200, {.value = 1e-5, .gradient = 1e-5});
}
