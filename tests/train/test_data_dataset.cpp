#include "data/dataset.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace {

tiny::Dataset small() {
  tiny::Dataset data;
  data.shape = {2, 1, 2};
  data.pixels = {0, 51, 10, 10, 102, 255, 10, 10, 255, 0, 10, 10};
  data.labels = {1, 0, 1};
  data.class_names = {"a", "b"};
  return data;
}

}  // namespace

TEST_CASE("the normalization is the mean and deviation of each channel") {
  const auto n = tiny::Normalization::of(small());
  // Channel 0 in units of 51: 0 1 2 5 5 0; its mean is 13/6, its variance 55/6 - (13/6)^2.
  CHECK(n.mean[0] == doctest::Approx(13.0 / 6.0 / 5.0));
  CHECK(n.deviation[0] == doctest::Approx(std::sqrt(55.0 / 6.0 - 169.0 / 36.0) / 5.0));
  CHECK(n.mean[1] == doctest::Approx(10.0 / 255.0));
  CHECK(n.deviation[1] == 1.0);  // a constant channel is not divided by zero
  CHECK_THROWS_AS(tiny::Normalization::of(tiny::Dataset{}), std::invalid_argument);
}

TEST_CASE("gathering all images with their own normalization gives mean 0 and deviation 1") {
  tiny::Dataset data;
  data.shape = {3, 4, 5};
  data.pixels = test::noise(200 * 60, 5);
  data.labels.assign(200, 0);
  data.class_names = {"a"};
  std::vector<std::size_t> all(200);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  tiny::RowMatrix<double> x;
  tiny::gather(data, std::span<const std::size_t>(all), tiny::Normalization::of(data), x);
  CHECK(x.rows() == 200);
  CHECK(x.cols() == 60);
  for (Eigen::Index c = 0; c < 3; ++c) {
    double sum = 0;
    double squares = 0;
    for (Eigen::Index i = 0; i < 200; ++i) {
      for (Eigen::Index k = 20 * c; k < 20 * (c + 1); ++k) {
        sum += x(i, k);
        squares += x(i, k) * x(i, k);
      }
    }
    CHECK(std::abs(sum / 4000.0) < 1e-12);
    CHECK(squares / 4000.0 == doctest::Approx(1.0));
  }
}

TEST_CASE("gather takes the images and labels in the order asked for") {
  const auto data = small();
  const std::vector<std::uint32_t> indices{2, 0, 2};
  const tiny::Normalization n{{0.0, 0.0}, {1.0, 0.5}};
  tiny::RowMatrix<float> x;
  tiny::gather(data, std::span<const std::uint32_t>(indices), n, x);
  tiny::RowMatrix<float> expected(3, 4);
  const float ten = 20.0f / 255.0f;
  expected << 1.0f, 0.0f, ten, ten, 0.0f, 0.2f, ten, ten, 1.0f, 0.0f, ten, ten;
  CHECK(x.isApprox(expected, 1e-6f));
  CHECK(tiny::gather_labels(data, std::span<const std::uint32_t>(indices)) ==
        std::vector<int>{1, 1, 1});
}

TEST_CASE("gather refuses an index that is too large and a normalization of other images") {
  const auto data = small();
  const std::vector<std::uint32_t> indices{3};
  tiny::RowMatrix<float> x;
  const auto with = [&](const tiny::Normalization& n) {
    tiny::gather(data, std::span<const std::uint32_t>(indices), n, x);
  };
  CHECK(test::has(test::message_of<std::out_of_range>([&] {
                    with({{0, 0}, {1, 1}});
                  }),
                  {"index 3", "data set of 3"}));
  CHECK(test::has(test::message_of<std::invalid_argument>([&] {
                    with({{0}, {1}});
                  }),
                  {"1 channels", "have 2"}));
}

TEST_CASE("coarse labels are refused where there are none") {
  CHECK(
      test::has(test::message_of<std::invalid_argument>([] { tiny::with_coarse_labels(small()); }),
                {"no coarse labels"}));
}

TEST_CASE("classes held out leave the others with their names and coarse labels") {
  tiny::Dataset part;
  part.shape = {1, 1, 2};
  part.labels = {3, 0, 2, 1, 3};
  for (std::uint8_t i = 0; i < 10; ++i) part.pixels.push_back(i);
  part.class_names = {"a", "b", "c", "d"};
  part.coarse_labels = {1, 0, 0, 1, 1};
  part.coarse_names = {"x", "y"};
  tiny::TrainTest data{part, part, "here"};
  const auto unseen = tiny::hold_out(data, 1);
  CHECK(unseen.labels == std::vector<int>{3, 3});
  CHECK(unseen.coarse_labels == std::vector<int>{1, 1});
  CHECK(unseen.pixels == std::vector<std::uint8_t>{0, 1, 8, 9});
  CHECK(unseen.num_classes() == 4);
  for (const auto* seen : {&data.train, &data.test}) {
    CHECK(seen->labels == std::vector<int>{0, 2, 1});
    CHECK(seen->coarse_labels == std::vector<int>{0, 0, 1});
    CHECK(seen->pixels == std::vector<std::uint8_t>{2, 3, 4, 5, 6, 7});
    CHECK(seen->class_names == std::vector<std::string>{"a", "b", "c"});
    CHECK(seen->coarse_names == part.coarse_names);
    CHECK(seen->shape == part.shape);
  }
  CHECK(data.origin == "here");
}

TEST_CASE("holding out nothing changes nothing, and two classes must be left") {
  tiny::TrainTest data{small(), small(), ""};
  CHECK(tiny::hold_out(data, 0).size() == 0);
  CHECK(data.train.labels == small().labels);
  const auto error = [&](int count) {
    return test::message_of<std::invalid_argument>([&] { tiny::hold_out(data, count); });
  };
  CHECK(test::has(error(1), {"--hold-out is 1", "of 2 classes two"}));
  CHECK(test::has(error(-1), {"--hold-out is -1"}));
  data.train.class_names = data.test.class_names = {"a", "b", "c"};  // no image is a c
  CHECK(test::has(error(1), {"--hold-out 1", "no images"}));
  CHECK(data.train.size() == 3);  // what is refused is not changed
}
