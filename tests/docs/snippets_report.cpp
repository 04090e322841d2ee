// The C++ block of docs/report.md.
#include "app/weights.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

TEST_CASE("docs/report.md: weights are put into a network") {
  const test::TempFolder folder;
  const auto path = folder / "weights.ldmat";
  tiny::Rng other(2);
  const auto trained = tiny::lenet<float>({1, 28, 28}, 2, other);
  tiny::save_weights(path, trained, {"lenet", {1, 28, 28}, 2, {{0.1}, {0.3}}});

  const auto weights = tiny::load_weights(path);
  const auto& [name, input, dim, normalization] = weights.description;
  tiny::Rng rng(1);
  auto network = tiny::lenet<float>(input, dim, rng);
  tiny::use_weights(weights, network, "lenet");

  CHECK(std::ranges::equal(network.tensors().front().value, trained.tensors().front().value));
  CHECK(name == "lenet");
  CHECK(normalization.mean == std::vector{0.1});
}
