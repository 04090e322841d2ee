// Random changes of training images that leave their class as it is.
#pragma once

#include "data/dataset.hpp"
#include "rng.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

/// How far an image may be moved in each direction, what moves in being the channel's mean, and
/// whether it may be mirrored left to right.
struct Augmentation {
  std::size_t shift = 0;
  bool flip = false;

  bool operator==(const Augmentation&) const = default;
};

namespace detail {

/// Moves an image's plane of height x width by (down, right), mirrored first where `flip` says so.
/// `from` and `to` must not overlap.
template <typename Scalar>
void moved(const Scalar* from, Scalar* to, const ImageShape& shape, std::ptrdiff_t down,
           std::ptrdiff_t right, bool flip) {
  const auto height = static_cast<std::ptrdiff_t>(shape.height);
  const auto width = static_cast<std::ptrdiff_t>(shape.width);
  for (std::ptrdiff_t row = 0; row < height; ++row) {
    Scalar* line = to + row * width;
    const std::ptrdiff_t source = row - down;
    if (source < 0 || source >= height) {
      std::fill_n(line, width, Scalar(0));
      continue;
    }
    const Scalar* old = from + source * width;
    for (std::ptrdiff_t column = 0; column < width; ++column) {
      const std::ptrdiff_t at = column - right;
      line[column] = at < 0 || at >= width ? Scalar(0) : old[flip ? width - 1 - at : at];
    }
  }
}

}  // namespace detail

/// Changes each row of `images`, as gather() makes them (mean 0), by `rng`: the same state of it gives
/// the same images on every platform. Throws std::invalid_argument where the rows are not of `shape`,
/// or a shift would move an image out of its frame.
template <typename Scalar>
void augment(RowMatrix<Scalar>& images, const ImageShape& shape, const Augmentation& how,
             Rng& rng) {
  if (how == Augmentation{}) return;
  if (static_cast<std::size_t>(images.cols()) != shape.size()) {
    throw std::invalid_argument("augment: rows of " + std::to_string(images.cols()) +
                                " values are not images of " + std::to_string(shape.size()));
  }
  if (how.shift >= std::min(shape.height, shape.width)) {
    throw std::invalid_argument("augment: a shift of " + std::to_string(how.shift) +
                                " pixels moves an image of " + std::to_string(shape.height) +
                                " x " + std::to_string(shape.width) + " out of its frame");
  }
  std::vector<Scalar> before(shape.size());
  const auto offset = [&] {
    return static_cast<std::ptrdiff_t>(rng.below(2 * how.shift + 1)) -
           static_cast<std::ptrdiff_t>(how.shift);
  };
  for (Eigen::Index i = 0; i < images.rows(); ++i) {
    Scalar* image = images.row(i).data();
    std::copy_n(image, shape.size(), before.data());
    const std::ptrdiff_t down = offset();
    const std::ptrdiff_t right = offset();
    const bool flip = how.flip && rng.below(2) == 1;
    for (std::size_t c = 0; c < shape.channels; ++c) {
      detail::moved(before.data() + c * shape.plane(), image + c * shape.plane(), shape, down,
                    right, flip);
    }
  }
}

}  // namespace tiny
