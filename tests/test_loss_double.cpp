#include "loss_property.hpp"

TEST_CASE("the loss over double agrees with the whole-matrix oracle in double") {
  support::check_scalar<double>(200, {.value = 1e-12, .gradient = 1e-12});
}
