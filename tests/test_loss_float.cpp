#include "loss_property.hpp"

TEST_CASE("the loss over float features agrees with the whole-matrix oracle in double") {
  support::check_metric<float, ldmat::Euclidean>("Euclidean", 200, {1e-5, 1e-5});
  support::check_metric<float, ldmat::SquaredEuclidean>("SquaredEuclidean", 200, {1e-5, 1e-5});
  support::check_metric<float, ldmat::Cosine>("Cosine", 200, {1e-5, 1e-5});
  support::check_metric<float, ldmat::Manhattan>("Manhattan", 200, {1e-5, 1e-5});
}
