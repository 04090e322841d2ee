#include "loss_property.hpp"

TEST_CASE("the loss over double features agrees with the whole-matrix oracle in double") {
  support::check_metric<double, ldmat::Euclidean>("Euclidean", 200, {1e-12, 1e-12});
  support::check_metric<double, ldmat::SquaredEuclidean>("SquaredEuclidean", 200, {1e-12, 1e-12});
  support::check_metric<double, ldmat::Cosine>("Cosine", 200, {1e-12, 1e-12});
  support::check_metric<double, ldmat::Manhattan>("Manhattan", 200, {1e-12, 1e-12});
}
