// A labelled set of images in memory, and how its pixels become a network's input.
#pragma once

#include <Eigen/Core>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

struct ImageShape {
  std::size_t channels = 1;
  std::size_t height = 0;
  std::size_t width = 0;

  std::size_t plane() const { return height * width; }
  std::size_t size() const { return channels * plane(); }
  bool operator==(const ImageShape&) const = default;
};

/// Images as bytes, one after the other, each channel by channel and row by row.
struct Dataset {
  ImageShape shape;
  std::vector<std::uint8_t> pixels;
  std::vector<int> labels;
  std::vector<std::string> class_names;
  std::vector<int> coarse_labels;         ///< CIFAR-100's twenty groups; empty elsewhere
  std::vector<std::string> coarse_names;  ///< their names

  std::size_t size() const { return labels.size(); }
  int num_classes() const { return static_cast<int>(class_names.size()); }
  std::span<const std::uint8_t> image(std::size_t i) const {
    return std::span(pixels).subspan(i * shape.size(), shape.size());
  }
};

struct TrainTest {
  Dataset train;
  Dataset test;
  std::string origin;  ///< the folder or archive it was read from
};

/// The names "0", "1", ... of classes that have no others.
inline std::vector<std::string> numbered_names(int count) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

/// The same images under their coarse labels.
inline Dataset with_coarse_labels(Dataset data) {
  if (data.coarse_labels.size() != data.size() || data.coarse_names.empty()) {
    throw std::invalid_argument("with_coarse_labels: this data set has no coarse labels");
  }
  data.labels = std::move(data.coarse_labels);
  data.class_names = std::move(data.coarse_names);
  data.coarse_labels.clear();
  data.coarse_names.clear();
  return data;
}

/// The images whose label is in [first, last), in their order. All names stay.
inline Dataset of_classes(const Dataset& data, int first, int last) {
  Dataset part{data.shape, {}, {}, data.class_names, {}, data.coarse_names};
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data.labels[i] < first || data.labels[i] >= last) continue;
    const auto image = data.image(i);
    part.pixels.insert(part.pixels.end(), image.begin(), image.end());
    part.labels.push_back(data.labels[i]);
    if (!data.coarse_labels.empty()) part.coarse_labels.push_back(data.coarse_labels[i]);
  }
  return part;
}

/// Takes the last `count` classes out of both parts, and their names, and returns the test images
/// of these classes, under their old labels. Throws std::invalid_argument where fewer than two
/// classes would be left.
inline Dataset hold_out(TrainTest& data, int count) {
  const int all = data.train.num_classes();
  if (count < 0 || (count > 0 && count > all - 2)) {
    throw std::invalid_argument("--hold-out is " + std::to_string(count) + ", but of " +
                                std::to_string(all) +
                                " classes two at least must be left to train on");
  }
  if (count == 0) return {};
  Dataset unseen = of_classes(data.test, all - count, all);
  TrainTest seen{of_classes(data.train, 0, all - count), of_classes(data.test, 0, all - count),
                 data.origin};
  if (seen.train.size() == 0 || seen.test.size() == 0 || unseen.size() == 0) {
    throw std::invalid_argument("--hold-out " + std::to_string(count) +
                                " leaves no images to train on, to test with or to hold out");
  }
  for (Dataset* part : {&seen.train, &seen.test}) {
    part->class_names.resize(static_cast<std::size_t>(all - count));
  }
  data = std::move(seen);
  return unseen;
}

/// Mean and standard deviation of each channel, for pixels scaled to [0, 1].
struct Normalization {
  std::vector<double> mean;
  std::vector<double> deviation;

  static Normalization of(const Dataset& data) {
    if (data.size() == 0) throw std::invalid_argument("Normalization::of: the data set is empty");
    const std::size_t plane = data.shape.plane();
    Normalization result;
    for (std::size_t c = 0; c < data.shape.channels; ++c) {
      std::array<std::uint64_t, 256> counts{};  // exact, whatever the number of images
      for (std::size_t i = 0; i < data.size(); ++i) {
        for (std::uint8_t value : data.image(i).subspan(c * plane, plane)) ++counts[value];
      }
      const double total = static_cast<double>(data.size() * plane);
      double mean = 0;
      for (std::size_t v = 0; v < 256; ++v) {
        mean += static_cast<double>(counts[v]) * static_cast<double>(v) / 255.0 / total;
      }
      double variance = 0;
      for (std::size_t v = 0; v < 256; ++v) {
        const double difference = static_cast<double>(v) / 255.0 - mean;
        variance += static_cast<double>(counts[v]) * difference * difference / total;
      }
      result.mean.push_back(mean);
      result.deviation.push_back(variance > 0 ? std::sqrt(variance) : 1.0);
    }
    return result;
  }
};

template <typename Scalar>
using RowMatrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Writes the chosen images to `out`, one a row, each channel shifted to mean 0 and scaled to
/// deviation 1. `out` is resized; no index may reach data.size().
template <typename Scalar, typename Index>
void gather(const Dataset& data, std::span<const Index> indices, const Normalization& normalization,
            RowMatrix<Scalar>& out) {
  const std::size_t plane = data.shape.plane();
  if (normalization.mean.size() != data.shape.channels ||
      normalization.deviation.size() != data.shape.channels) {
    throw std::invalid_argument(
        "gather: the normalization has " + std::to_string(normalization.mean.size()) +
        " channels, the images have " + std::to_string(data.shape.channels));
  }
  out.resize(static_cast<Eigen::Index>(indices.size()),
             static_cast<Eigen::Index>(data.shape.size()));
  std::vector<Scalar> value(data.shape.channels * 256);
  for (std::size_t c = 0; c < data.shape.channels; ++c) {
    for (std::size_t v = 0; v < 256; ++v) {
      const double scaled = static_cast<double>(v) / 255.0 - normalization.mean[c];
      value[c * 256 + v] = static_cast<Scalar>(scaled / normalization.deviation[c]);
    }
  }
  for (std::size_t row = 0; row < indices.size(); ++row) {
    const auto index = static_cast<std::size_t>(indices[row]);
    if (index >= data.size()) {
      throw std::out_of_range("gather: index " + std::to_string(index) + " of a data set of " +
                              std::to_string(data.size()));
    }
    const auto image = data.image(index);
    Scalar* target = out.data() + row * data.shape.size();
    for (std::size_t c = 0; c < data.shape.channels; ++c) {
      for (std::size_t k = c * plane; k < (c + 1) * plane; ++k) {
        target[k] = value[c * 256 + image[k]];
      }
    }
  }
}

/// The labels of the chosen images.
template <typename Index>
std::vector<int> gather_labels(const Dataset& data, std::span<const Index> indices) {
  std::vector<int> labels;
  labels.reserve(indices.size());
  for (Index index : indices) labels.push_back(data.labels.at(static_cast<std::size_t>(index)));
  return labels;
}

}  // namespace tiny
