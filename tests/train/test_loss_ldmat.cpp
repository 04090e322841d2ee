#include "app/feature_loss.hpp"
#include "loss/class_table.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace {

using tiny::Matrix;

Matrix<float> random_features(Eigen::Index rows, Eigen::Index columns, tiny::Rng& rng) {
  Matrix<float> features(rows, columns);
  for (float& value : tiny::as_span(features.data(), features.size())) {
    value = static_cast<float>(rng.normal());
  }
  return features;
}

tiny::Dataset coarse_dataset(std::vector<int> labels, std::vector<int> coarse) {
  tiny::Dataset data;
  data.shape = {1, 1, 1};
  data.pixels.resize(labels.size());
  data.labels = std::move(labels);
  data.coarse_labels = std::move(coarse);
  data.class_names = {"apple", "pear", "car", "ship"};
  data.coarse_names = {"fruit", "vehicle"};
  return data;
}

}  // namespace

TEST_CASE("proxies are one more sample of each class") {
  tiny::TrainOptions options;
  options.dim = 3;
  options.proxies = true;
  tiny::Rng rng(5);
  const auto loss = tiny::make_loss(tiny::resolved(options), 4, {}, rng);
  const auto tensors = loss->tensors();
  REQUIRE(tensors.size() == 1);
  CHECK(tensors[0].value.size() == 12);

  const Matrix<float> features = random_features(6, 3, rng);
  const std::vector<int> labels{0, 1, 1, 3, 2, 0};
  Matrix<float> gradient;
  const auto result = loss->evaluate(features, labels, gradient);

  Matrix<float> all(10, 3);
  all << features, Eigen::Map<const Matrix<float>>(tensors[0].value.data(), 4, 3);
  const std::vector<int> all_labels{0, 1, 1, 3, 2, 0, 0, 1, 2, 3};
  auto plain = ldmat::recommended<float>();
  Matrix<float> expected;
  CHECK(result.value == plain(all, all_labels, expected).value);
  CHECK(result.pairs == 45);
  CHECK(gradient == expected.topRows(6));
  CHECK(Eigen::Map<const Matrix<float>>(tensors[0].gradient.data(), 4, 3) ==
        expected.bottomRows(4));
  CHECK(expected.bottomRows(4).norm() > 0.01f);
}

TEST_CASE("without proxies the loss has no parameters") {
  tiny::TrainOptions options;
  tiny::Rng rng(5);
  CHECK(tiny::make_loss(tiny::resolved(options), 4, {}, rng)->tensors().empty());
}

TEST_CASE("a table of distances reaches the loss") {
  tiny::TrainOptions options;
  options.dim = 1;
  options.penalty = "squared";
  tiny::Rng rng(5);
  const Eigen::MatrixXd table{{0, 3}, {3, 0}};
  const auto loss = tiny::make_loss(tiny::resolved(options), 2, table, rng);
  Matrix<float> features(2, 1);
  features << 0, 1;
  Matrix<float> gradient;
  CHECK(loss->evaluate(features, {0, 1}, gradient).value == doctest::Approx(4));  // (1 - 3)^2
}

TEST_CASE("classes of one superclass are a share of the distance apart") {
  const auto data = coarse_dataset({0, 1, 2, 3, 2}, {0, 0, 1, 1, 1});
  const Eigen::MatrixXd expected{{0, 1, 2, 2}, {1, 0, 2, 2}, {2, 2, 0, 1}, {2, 2, 1, 0}};
  CHECK(tiny::superclass_table(data, 2, 0.5) == expected);
}

TEST_CASE("a class without images is in no superclass") {
  const auto data = coarse_dataset({0, 2, 2, 3}, {0, 1, 1, 1});
  const Eigen::MatrixXd expected{{0, 2, 2, 2}, {2, 0, 2, 2}, {2, 2, 0, 1}, {2, 2, 1, 0}};
  CHECK(tiny::superclass_table(data, 2, 0.5) == expected);
}

TEST_CASE("superclass_table refuses data that has no superclasses or contradicts itself") {
  tiny::Dataset plain = coarse_dataset({0, 1}, {0, 0});
  plain.coarse_labels.clear();
  CHECK_THROWS_WITH_AS(
      tiny::superclass_table(plain, 1, 0.5),
      "--within-superclass needs a data set whose classes have superclasses, such as cifar100",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(tiny::superclass_table(coarse_dataset({0, 1, 0}, {0, 0, 1}), 1, 0.5),
                       "superclass_table: images of class 0 belong to the superclasses 0 and 1",
                       std::invalid_argument);
}
