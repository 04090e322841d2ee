#include "loss_property.hpp"

TEST_CASE("the loss over float agrees with the whole-matrix oracle in double") {
  support::check_scalar<float>(200, {.value = 1e-5, .gradient = 1e-5});
}
