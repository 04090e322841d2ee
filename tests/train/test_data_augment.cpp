#include "data/augment.hpp"

#include <doctest/doctest.h>

#include <map>
#include <vector>

namespace {

using tiny::Augmentation;
using tiny::ImageShape;
using Images = tiny::RowMatrix<double>;

// Pixel (c, y, x) of image i is a number of its own, never 0.
Images numbered(Eigen::Index count, const ImageShape& shape) {
  Images images(count, static_cast<Eigen::Index>(shape.size()));
  for (Eigen::Index k = 0; k < images.size(); ++k) images.data()[k] = static_cast<double>(k + 1);
  return images;
}

}  // namespace

TEST_CASE("without a shift or a flip nothing changes, and no random number is used") {
  const ImageShape shape{2, 3, 4};
  Images images = numbered(5, shape);
  tiny::Rng rng(3);
  tiny::augment(images, shape, {}, rng);
  CHECK(images == numbered(5, shape));
  CHECK(rng.state() == tiny::Rng(3).state());
}

TEST_CASE("every pixel of an augmented image is where one shift and flip put it") {
  const ImageShape shape{3, 5, 4};
  const Images original = numbered(400, shape);
  Images images = original;
  tiny::Rng rng(7);
  const Augmentation how{.shift = 2, .flip = true};
  tiny::augment(images, shape, how, rng);
  std::map<std::vector<int>, int> seen;
  for (Eigen::Index i = 0; i < images.rows(); ++i) {
    int fitting = 0;
    for (int down = -2; down <= 2; ++down) {
      for (int right = -2; right <= 2; ++right) {
        for (int flip = 0; flip < 2; ++flip) {
          bool fits = true;
          for (int c = 0; c < 3; ++c) {
            for (int y = 0; y < 5; ++y) {
              for (int x = 0; x < 4; ++x) {
                const int from_y = y - down;
                const int moved_x = x - right;
                const int from_x = flip == 1 ? 3 - moved_x : moved_x;
                const bool inside = from_y >= 0 && from_y < 5 && moved_x >= 0 && moved_x < 4;
                const double expected = inside ? original(i, c * 20 + from_y * 4 + from_x) : 0;
                fits = fits && images(i, c * 20 + y * 4 + x) == expected;
              }
            }
          }
          if (fits) {
            ++fitting;
            ++seen[{down, right, flip}];
          }
        }
      }
    }
    CHECK(fitting == 1);
  }
  CHECK(seen.size() ==
        50);  // 400 draws of 50: one is missing with a chance of 2 %, not for this seed
}

TEST_CASE("the same seed gives the same images, another one others") {
  const ImageShape shape{1, 6, 6};
  const auto with_seed = [&](std::uint64_t seed) {
    Images images = numbered(20, shape);
    tiny::Rng rng(seed);
    tiny::augment(images, shape, {.shift = 1, .flip = true}, rng);
    return images;
  };
  CHECK(with_seed(1) == with_seed(1));
  CHECK(with_seed(1) != with_seed(2));
}

TEST_CASE("augment refuses what does not fit") {
  const ImageShape shape{1, 4, 6};
  tiny::Rng rng(1);
  Images images = numbered(2, shape);
  CHECK_THROWS_WITH_AS(tiny::augment(images, shape, {.shift = 4, .flip = false}, rng),
                       "augment: a shift of 4 pixels moves an image of 4 x 6 out of its frame",
                       std::invalid_argument);
  CHECK_NOTHROW(tiny::augment(images, shape, {.shift = 3, .flip = false}, rng));
  Images others(2, 23);
  CHECK_THROWS_WITH_AS(tiny::augment(others, shape, {.shift = 1, .flip = false}, rng),
                       "augment: rows of 23 values are not images of 24", std::invalid_argument);
}
