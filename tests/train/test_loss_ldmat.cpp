#include "app/attainable.hpp"
#include "app/feature_loss.hpp"
#include "loss/class_table.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <stdexcept>
#include <string>
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

Eigen::MatrixXd anchors_of(const tiny::FeatureLoss& loss) {
  return dynamic_cast<const tiny::Anchored&>(loss).options().anchors;
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

TEST_CASE("anchors: the library's anchored loss, with the shares that were asked for") {
  tiny::TrainOptions options;
  options.dim = 3;
  options.anchors = true;
  options.penalty = "squared";
  options.class_distance = 2;
  options.anchor_share = 0.7;
  options.same_share = 0.2;
  tiny::Rng rng(5);
  const auto loss = tiny::make_loss(tiny::resolved(options), 4, {}, rng);
  CHECK(loss->tensors().empty());
  const Matrix<float> features = random_features(6, 3, rng);
  const std::vector<int> labels{0, 1, 1, 3, 2, 0};
  Matrix<float> gradient, expected;
  const auto result = loss->evaluate(features, labels, gradient);

  ldmat::AnchoredLoss<float> plain(
      {.anchors = anchors_of(*loss), .target_share = 0.7, .same_share = 0.2});
  CHECK(result.value == doctest::Approx(plain(features, labels, expected).value).epsilon(1e-6));
  CHECK((gradient - expected).norm() <= 1e-6f * expected.norm());
  CHECK(expected.norm() > 0.01f);
  const Eigen::MatrixXd anchors = anchors_of(*loss);
  CHECK((anchors.row(1) - anchors.row(3)).norm() == doctest::Approx(2));

  options.beyond_own = true;
  const auto relative = tiny::make_loss(tiny::resolved(options), 4, {}, rng);
  ldmat::AnchoredLoss<float> beyond({.anchors = anchors_of(*relative),
                                     .target_share = 0.7,
                                     .beyond_own = true,
                                     .same_share = 0.2});
  const double value = relative->evaluate(features, labels, gradient).value;
  CHECK(value == doctest::Approx(beyond(features, labels, expected).value).epsilon(1e-6));
  CHECK((gradient - expected).norm() <= 1e-6f * expected.norm());
  CHECK(std::abs(value - result.value) > 0.01);
  options.beyond_own = false;

  const Eigen::MatrixXd table{{0, 3, 1, 3}, {3, 0, 3, 1}, {1, 3, 0, 3}, {3, 1, 3, 0}};
  options.within_superclass = 0.5;  // which is where such a table comes from
  const Eigen::MatrixXd placed =
      anchors_of(*tiny::make_loss(tiny::resolved(options), 4, table, rng));
  CHECK((placed.row(0) - placed.row(2)).norm() == doctest::Approx(1));
  CHECK((placed.row(0) - placed.row(3)).norm() == doctest::Approx(3));
}

TEST_CASE("anchors are part of the state, wherever another program would place them") {
  tiny::TrainOptions options;
  options.dim = 2;
  options.anchors = true;
  tiny::Rng rng(5);
  const auto loss = tiny::make_loss(tiny::resolved(options), 3, {}, rng);
  const Matrix<float> features = random_features(4, 2, rng);
  const std::vector<int> labels{0, 1, 2, 0};
  Matrix<float> gradient;
  const double before = loss->evaluate(features, labels, gradient).value;

  const Eigen::MatrixXd mirrored = -anchors_of(*loss);
  const auto state = loss->state();
  loss->restore({{"anchors", tiny::pack(std::span(mirrored.data(), std::size_t{6}))}});
  CHECK(anchors_of(*loss) == mirrored);
  CHECK(loss->evaluate(features, labels, gradient).value != before);
  loss->restore(state);
  CHECK(loss->evaluate(features, labels, gradient).value == before);

  const auto message = [&](const nlohmann::json& broken) {
    try {
      loss->restore(broken);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message({{"anchors", tiny::pack(std::span(mirrored.data(), std::size_t{5}))}})
            .find("40 bytes of anchors instead of 48") != std::string::npos);
  CHECK(loss->evaluate(features, labels, gradient).value == before);
}

TEST_CASE("anchors refuse options that they have no use for") {
  const auto refused = [](auto change, const char* why) {
    tiny::TrainOptions options;
    options.dim = 2;
    options.anchors = true;
    change(options);
    tiny::Rng rng(5);
    CHECK_THROWS_WITH_AS(tiny::make_loss(tiny::resolved(options), 3, {}, rng),
                         doctest::Contains(why), std::invalid_argument);
  };
  refused([](auto& o) { o.metric = "cosine"; }, "--metric cosine does not go with --anchors");
  refused([](auto& o) { o.proxies = true; }, "--proxies does not go with --anchors");
  refused([](auto& o) { o.regularizer = "offset"; }, "--regularizer offset does not go");
  refused([](auto& o) { o.weights = "balanced"; }, "--weights balanced does not go");
  refused([](auto& o) { o.reduction = "sum"; }, "--reduction sum does not go");
  refused([](auto& o) { o.anchors = false, o.beyond_own = true; }, "--beyond-own is for --anchors");
}

TEST_CASE("batches of a hundred classes hold several images of each where a loss compares them") {
  tiny::TrainOptions options;
  options.dataset = "cifar100";
  CHECK(tiny::resolved(options).per_class == 5);
  options.anchors = true;
  CHECK(tiny::resolved(options).per_class == 0);
  options.loss = "supcon";
  CHECK(tiny::resolved(options).per_class == 5);
  options.loss = "center";
  CHECK(tiny::resolved(options).per_class == 0);
  options.loss = "triplet";
  for (const auto& [batch, each] : {std::pair(64, 4), {9, 3}, {7, 0}}) {
    options.batch = batch;
    CHECK(tiny::resolved(options).per_class == each);
  }
}

TEST_CASE("what was reached of a table is that of the classes that occur") {
  tiny::TrainOptions options;
  options.loss = "ldmat";
  options.one_sided = false;
  const Eigen::MatrixXd table{{0, 9, 3}, {9, 0, 9}, {3, 9, 0}};
  Matrix<float> features(4, 1);
  features << 0, 0, 1, 1;
  const auto attained = tiny::attained_of(features, {0, 0, 2, 2}, options, table);
  REQUIRE(attained);
  CHECK(attained->dimensions_needed == 1);
  // At distance 1 instead of 3: a loss of 4 of the 9 of classes that coincide.
  CHECK(attained->reached_fraction == doctest::Approx(5.0 / 9));
  CHECK(tiny::describe(*attained).contains("reached_fraction"));

  const Eigen::MatrixXd far{{0, 1, 3}, {1, 0, 1}, {3, 1, 0}};
  Matrix<float> three(3, 1);
  three << 0, 1, 2;
  const auto none = tiny::attained_of(three, {0, 1, 2}, options, far);
  CHECK(none->dimensions_needed == -1);
  CHECK(tiny::table_rows(*none).at(0).second == "none is enough: they are not Euclidean");

  const auto missed =
      tiny::attained_of(features, {0, 0, 1, 1}, options, Eigen::MatrixXd::Zero(2, 2));
  CHECK(!tiny::describe(*missed).contains("reached_fraction"));
  CHECK(tiny::table_rows(*missed).size() == 2);
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
