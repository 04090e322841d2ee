// The IDX files of MNIST and Fashion-MNIST, plain or compressed with gzip.
#pragma once

#include "data/byte_stream.hpp"
#include "data/dataset.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

namespace detail {

inline std::uint32_t read_big_endian(ByteStream& stream, const std::string& what) {
  std::array<std::uint8_t, 4> b{};
  stream.read_exactly(b, what);
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

inline void expect_magic(ByteStream& stream, std::uint32_t expected, const std::string& what) {
  const std::uint32_t magic = read_big_endian(stream, "the magic number");
  if (magic != expected) {
    stream.fail_at(0, "the magic number is " + std::to_string(magic) + ", but " + what +
                          " begins with " + std::to_string(expected));
  }
}

inline std::uint32_t read_extent(ByteStream& stream, std::uint32_t limit, const std::string& what) {
  const std::uint64_t at = stream.offset();
  const std::uint32_t extent = read_big_endian(stream, "the header");
  if (extent == 0 || extent > limit) {
    stream.fail_at(
        at, what + " is " + std::to_string(extent) + "; allowed is 1 to " + std::to_string(limit));
  }
  return extent;
}

constexpr std::uint32_t idx_max_items = 10'000'000;
constexpr std::uint32_t idx_max_side = 1024;
constexpr std::uint64_t idx_max_bytes = std::uint64_t{1} << 32;

}  // namespace detail

/// Shape and pixels of an IDX image file (magic number 2051).
inline std::pair<ImageShape, std::vector<std::uint8_t>> read_idx_images(
    const std::filesystem::path& path) {
  return open_file(path, [](ByteStream& stream) {
    detail::expect_magic(stream, 0x803, "an IDX file of images");
    const auto count = detail::read_extent(stream, detail::idx_max_items, "the number of images");
    const auto height = detail::read_extent(stream, detail::idx_max_side, "the image height");
    const auto width = detail::read_extent(stream, detail::idx_max_side, "the image width");
    const std::uint64_t bytes = std::uint64_t{count} * height * width;
    if (bytes > detail::idx_max_bytes) {
      stream.fail_at(4, "the header promises " + std::to_string(bytes) +
                            " bytes of pixels; allowed is " +
                            std::to_string(detail::idx_max_bytes));
    }
    auto pixels = stream.read_vector(bytes, "the images that the header promises");
    stream.expect_end();
    return std::pair(ImageShape{1, height, width}, std::move(pixels));
  });
}

/// The labels of an IDX label file (magic number 2049), each below num_classes.
inline std::vector<int> read_idx_labels(const std::filesystem::path& path, int num_classes) {
  return open_file(path, [&](ByteStream& stream) {
    detail::expect_magic(stream, 0x801, "an IDX file of labels");
    const auto count = detail::read_extent(stream, detail::idx_max_items, "the number of labels");
    const std::uint64_t begin = stream.offset();
    const auto bytes = stream.read_vector(count, "the labels that the header promises");
    stream.expect_end();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] >= num_classes) {
        stream.fail_at(begin + i, "label " + std::to_string(bytes[i]) + " is not below " +
                                      std::to_string(num_classes));
      }
    }
    return std::vector<int>(bytes.begin(), bytes.end());
  });
}

/// A file of images and the file of their labels.
inline Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                        std::vector<std::string> class_names) {
  Dataset data;
  data.class_names = std::move(class_names);
  data.labels = read_idx_labels(labels, data.num_classes());
  std::tie(data.shape, data.pixels) = read_idx_images(images);
  const std::size_t count = data.pixels.size() / data.shape.size();
  if (count != data.labels.size()) {
    throw DataError(images.string(), 4,
                    "the number of images is " + std::to_string(count) + ", but " +
                        labels.string() + " holds " + std::to_string(data.labels.size()) +
                        " labels");
  }
  return data;
}

/// The file `stem`-`kind`-ubyte of a folder under any of its usual names, such as
/// train-images-idx3-ubyte, train-images.idx3-ubyte and either with .gz; nothing if there is none.
inline std::optional<std::filesystem::path> find_idx(const std::filesystem::path& folder,
                                                     const std::string& stem,
                                                     const std::string& kind) {
  for (const char* separator : {"-", "."}) {
    for (const char* suffix : {"", ".gz"}) {
      std::string name = stem;
      name.append(separator).append(kind).append("-ubyte").append(suffix);
      auto path = folder / name;
      if (std::filesystem::is_regular_file(path)) return path;
    }
  }
  return std::nullopt;
}

/// Whether a folder holds anything of an IDX data set.
inline bool has_idx(const std::filesystem::path& folder) {
  return find_idx(folder, "train-images", "idx3") || find_idx(folder, "t10k-images", "idx3");
}

/// The training and test set of a folder with the four files of MNIST or Fashion-MNIST.
inline TrainTest read_idx_folder(const std::filesystem::path& folder,
                                 const std::vector<std::string>& class_names) {
  const auto part = [&](const std::string& stem) {
    const auto find = [&](const std::string& what, const std::string& kind) {
      auto path = find_idx(folder, stem + "-" + what, kind);
      if (!path) {
        throw std::runtime_error(folder.string() + ": " + stem + "-" + what + "-" + kind +
                                 "-ubyte is missing (plain or with .gz)");
      }
      return *path;
    };
    return read_idx(find("images", "idx3"), find("labels", "idx1"), class_names);
  };
  TrainTest result{part("train"), part("t10k"), folder.string()};
  if (result.train.shape != result.test.shape) {
    throw std::runtime_error(folder.string() +
                             ": training and test images differ in height or width");
  }
  return result;
}

}  // namespace tiny
