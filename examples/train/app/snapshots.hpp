// What the features of some test images were at moments of the training, for pictures of how classes
// come apart (examples/report).
#pragma once

#include "app/checkpoint.hpp"
#include "data/dataset.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

/// Whether a snapshot belongs after so many of a run's steps: before the first, after the last, and at
/// up to eight in between, the k-th after (k/9)^3 of the run, for most happens at its beginning.
inline bool is_snapshot_moment(std::uint64_t step, std::uint64_t total_steps) {
  constexpr std::uint64_t last = 9;
  for (std::uint64_t k = 0; k <= last; ++k) {
    const double share = static_cast<double>(k * k * k) / static_cast<double>(last * last * last);
    if (step ==
        static_cast<std::uint64_t>(std::llround(share * static_cast<double>(total_steps)))) {
      return true;
    }
  }
  return false;
}

namespace detail {

/// A number rounded to five digits, which a picture does not show and a file gets short by. One that
/// is not finite becomes null in JSON.
inline double rounded(float value) {
  if (!std::isfinite(value)) return static_cast<double>(value);
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", static_cast<double>(value));
  return std::strtod(text, nullptr);
}

}  // namespace detail

/// The snapshots of a run so far. They are part of its checkpoint, so that a run that is resumed ends
/// with the same as one that was not.
class Snapshots {
 public:
  Snapshots() = default;

  /// From state(). Throws where that is not one.
  explicit Snapshots(const nlohmann::json& state) {
    const auto steps = unpack_vector<std::uint64_t>(state.at("steps"), "the snapshots' steps");
    const auto& features = state.at("features");
    if (features.size() != steps.size()) {
      throw std::runtime_error("the checkpoint holds " + std::to_string(steps.size()) +
                               " steps of snapshots and the features of " +
                               std::to_string(features.size()));
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto values = unpack_vector<float>(features.at(i), "a snapshot");
      if (values.size() % 2 != 0) {
        throw std::runtime_error("the checkpoint holds a snapshot of " +
                                 std::to_string(values.size()) + " numbers: not two for an image");
      }
      try {
        add(steps[i], Eigen::Map<const Features>(values.data(),
                                                 static_cast<Eigen::Index>(values.size() / 2), 2));
      } catch (const std::invalid_argument& error) {
        throw std::runtime_error(std::string("the checkpoint's snapshots contradict themselves: ") +
                                 error.what());
      }
    }
  }

  bool empty() const { return steps_.empty(); }

  /// Throws std::runtime_error where the snapshots are of another number of images.
  void require_images(std::size_t count) const {
    if (empty() || static_cast<std::size_t>(features_.front().rows()) == count) return;
    throw std::runtime_error("the checkpoint holds snapshots of " +
                             std::to_string(features_.front().rows()) + " images instead of " +
                             std::to_string(count));
  }

  /// Throws std::invalid_argument for other than two features an image, another number of images than
  /// before, and a step that is not after the one before.
  void add(std::uint64_t step, const RowMatrix<float>& features) {
    if (features.cols() != 2) {
      throw std::invalid_argument("Snapshots::add: needed are 2 features, there are " +
                                  std::to_string(features.cols()));
    }
    if (!empty() && features.rows() != features_.front().rows()) {
      throw std::invalid_argument(
          "Snapshots::add: needed are " + std::to_string(features_.front().rows()) +
          " images as before, there are " + std::to_string(features.rows()));
    }
    if (!empty() && step <= steps_.back()) {
      throw std::invalid_argument("Snapshots::add: step " + std::to_string(step) +
                                  " is not after step " + std::to_string(steps_.back()));
    }
    steps_.push_back(step);
    features_.emplace_back(features);
  }

  nlohmann::json state() const {
    auto features = nlohmann::json::array();
    for (const auto& moment : features_) {
      features.push_back(pack(std::span(moment.data(), static_cast<std::size_t>(moment.size()))));
    }
    return {{"steps", pack(std::span(steps_))}, {"features", std::move(features)}};
  }

  /// The content of snapshots.json:
  ///   {"labels": [...], "names": [...], "steps": [0, ...], "epochs": [0.0, ...],
  ///    "features": [[[x, y], ...], ...]}, a list of points for each step.
  /// Throws std::invalid_argument where there is not a label for each image.
  nlohmann::ordered_json file(const std::vector<int>& labels, const std::vector<std::string>& names,
                              std::uint64_t steps_per_epoch) const {
    auto epochs = nlohmann::ordered_json::array();
    auto features = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const auto& moment = features_[i];
      if (static_cast<std::size_t>(moment.rows()) != labels.size()) {
        throw std::invalid_argument("Snapshots::file: " + std::to_string(labels.size()) +
                                    " labels of " + std::to_string(moment.rows()) + " images");
      }
      epochs.push_back(static_cast<double>(steps_[i]) / static_cast<double>(steps_per_epoch));
      auto points = nlohmann::ordered_json::array();
      for (Eigen::Index k = 0; k < moment.rows(); ++k) {
        points.push_back({detail::rounded(moment(k, 0)), detail::rounded(moment(k, 1))});
      }
      features.push_back(std::move(points));
    }
    return {{"labels", labels},
            {"names", names},
            {"steps", steps_},
            {"epochs", std::move(epochs)},
            {"features", std::move(features)}};
  }

 private:
  using Features = Eigen::Matrix<float, Eigen::Dynamic, 2, Eigen::RowMajor>;

  std::vector<std::uint64_t> steps_;
  std::vector<Features> features_;
};

}  // namespace tiny
