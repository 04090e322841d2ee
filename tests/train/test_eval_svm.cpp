#include "eval/scores.hpp"
#include "eval/svm.hpp"
#include "train/test_eval_support.hpp"

#include <doctest/doctest.h>

using namespace test;

namespace {

/// Points around the corners of a square; those of one diagonal are a class.
tiny::FeatureSet exclusive_or(Eigen::Index count, std::uint64_t seed) {
  tiny::Rng rng(seed);
  tiny::FeatureSet set{tiny::RowMatrix<float>(count, 2), {}};
  for (Eigen::Index i = 0; i < count; ++i) {
    const bool right = i % 2 == 0;
    const bool top = i % 4 < 2;
    set.features(i, 0) = static_cast<float>((right ? 1 : -1) + 0.2 * rng.normal());
    set.features(i, 1) = static_cast<float>((top ? 1 : -1) + 0.2 * rng.normal());
    set.labels.push_back(right == top ? 4 : 2);
  }
  return set;
}

double accuracy_of(const tiny::Svm& svm, const tiny::FeatureSet& set) {
  return tiny::accuracy(svm(set.features), set.labels);
}

}  // namespace

TEST_CASE("classes that lie apart are separated by either kernel, wherever and however large") {
  for (const auto kernel : {tiny::SvmKernel::linear, tiny::SvmKernel::rbf}) {
    for (const float scale : {1e-3f, 1.0f, 1e4f}) {
      auto gallery = clouds(200, 5, 4, 0.3, 1);
      auto queries = clouds(100, 5, 4, 0.3, 2);
      for (auto* set : {&gallery, &queries}) {
        set->features = (set->features.array() * scale + 3 * scale).matrix();
      }
      CHECK(accuracy_of(tiny::Svm(gallery, kernel), queries) == 1);
    }
  }
}

TEST_CASE("an exclusive or needs the RBF kernel") {
  const auto gallery = exclusive_or(200, 3);
  const auto queries = exclusive_or(100, 4);
  CHECK(accuracy_of(tiny::Svm(gallery, tiny::SvmKernel::rbf), queries) > 0.98);
  const double linear = accuracy_of(tiny::Svm(gallery, tiny::SvmKernel::linear), queries);
  CHECK(linear < 0.8);  // a line leaves one corner of four on the wrong side
}

TEST_CASE("between two pairs of points a linear machine decides in the middle") {
  tiny::FeatureSet gallery{tiny::RowMatrix<float>(4, 1), {6, 6, 1, 1}};
  gallery.features << 10, 11, 14, 15;
  tiny::RowMatrix<float> queries(4, 1);
  queries << 12.4f, 12.6f, 0.0f, 99.0f;
  CHECK(tiny::Svm(gallery, tiny::SvmKernel::linear, 100)(queries) == std::vector<int>{6, 1, 6, 1});
}

TEST_CASE("one scale is used for all features, so that turning them changes nothing") {
  auto gallery = clouds(120, 2, 3, 1.5, 5);
  auto queries = clouds(200, 2, 3, 1.5, 6);
  gallery.features.col(1) *= 0.1f;
  queries.features.col(1) *= 0.1f;
  const tiny::Svm svm(gallery, tiny::SvmKernel::rbf);
  const auto before = svm(queries.features);
  const double c = std::sqrt(0.5);
  Eigen::Matrix2f turn;
  turn << static_cast<float>(c), static_cast<float>(-c), static_cast<float>(c),
      static_cast<float>(c);
  gallery.features = (gallery.features * turn).eval();
  const auto after = tiny::Svm(gallery, tiny::SvmKernel::rbf)((queries.features * turn).eval());
  CHECK(tiny::accuracy(after, before) > 0.985);  // but for rounding at the borders
  CHECK(tiny::accuracy(before, queries.labels) < 0.95);
}

TEST_CASE("degenerate galleries are classified, and bad ones refused") {
  const tiny::FeatureSet one{tiny::RowMatrix<float>::Ones(5, 3), std::vector<int>(5, 8)};
  CHECK(tiny::Svm(one, tiny::SvmKernel::rbf)(tiny::RowMatrix<float>::Zero(2, 3)) ==
        std::vector<int>{8, 8});
  const tiny::FeatureSet single{tiny::RowMatrix<float>::Ones(1, 3), {8}};
  CHECK(tiny::Svm(single, tiny::SvmKernel::linear)(tiny::RowMatrix<float>::Zero(1, 3)) ==
        std::vector<int>{8});
  CHECK_THROWS_AS(tiny::Svm(one, tiny::SvmKernel::rbf)(tiny::RowMatrix<float>::Zero(2, 2)),
                  std::invalid_argument);
  CHECK_THROWS_AS(tiny::Svm({}, tiny::SvmKernel::rbf), std::invalid_argument);
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::Svm(one, tiny::SvmKernel::rbf, 0); }),
            {"LIBSVM: C <= 0"}));
}

TEST_CASE("a stratified sample has each class's share, spread through its samples") {
  tiny::FeatureSet set{tiny::RowMatrix<float>(1000, 1), {}};
  for (int i = 0; i < 1000; ++i) {
    set.labels.push_back(i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 5);  // 600, 300, 100
    set.features(i, 0) = static_cast<float>(i);
  }
  const auto part = tiny::stratified(set, 100);
  CHECK(part.labels.size() == 100);
  CHECK(std::abs(std::ranges::count(part.labels, 0) - 60) <= 1);
  CHECK(std::abs(std::ranges::count(part.labels, 1) - 30) <= 1);
  CHECK(std::abs(std::ranges::count(part.labels, 5) - 10) <= 1);
  for (std::size_t i = 0; i < part.labels.size(); ++i) {
    const float sample = part.features(static_cast<Eigen::Index>(i), 0);
    CHECK(part.labels[i] == set.labels[static_cast<std::size_t>(sample)]);
    if (i > 0) CHECK(sample > part.features(static_cast<Eigen::Index>(i) - 1, 0));
  }
  CHECK(part.features.bottomRows(50).minCoeff() > 450);
  CHECK(part.features.topRows(50).maxCoeff() < 550);

  for (const std::size_t count : {3u, 4u, 17u, 500u, 999u}) {
    const auto some = tiny::stratified(set, count);
    CHECK(some.labels.size() == count);
    CHECK(tiny::occurring_classes(some.labels) == std::vector<int>{0, 1, 5});
  }
  for (const std::size_t count : {0u, 1000u, 5000u}) {
    CHECK(tiny::stratified(set, count).labels == set.labels);
  }
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::stratified(set, 2); }),
            {"sample of 2", "3 classes"}));
}
