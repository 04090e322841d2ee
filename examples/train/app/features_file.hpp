// The folder features/ of a run: what the network made of the images, for programs that come after.
#pragma once

#include "app/files.hpp"
#include "app/npy.hpp"
#include "data/dataset.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

/// n x d features and n labels.
struct FeatureSet {
  RowMatrix<float> features;
  std::vector<int> labels;
};

/// What labels mean. `coarse` has the superclass of each class, -1 where it is unknown, and is empty
/// where the data set has no superclasses.
struct ClassList {
  std::string dataset;
  std::vector<std::string> names;
  std::vector<int> coarse;
  std::vector<std::string> coarse_names;
};

/// A run's features. `unseen` has the test images of classes that were not trained on.
struct FeatureFiles {
  ClassList classes;
  FeatureSet train;
  FeatureSet test;
  std::optional<FeatureSet> unseen = std::nullopt;
};

/// The classes of a data set. Throws std::invalid_argument where images of one class have different
/// coarse labels, or some have none, or a class that the training part does not name; the superclass of a class without images is unknown.
inline ClassList class_list(const std::string& dataset, const TrainTest& data) {
  ClassList list{dataset, data.train.class_names, {}, data.train.coarse_names};
  if (list.coarse_names.empty()) return list;
  list.coarse.assign(list.names.size(), -1);
  for (const Dataset* part : {&data.train, &data.test}) {
    if (part->coarse_labels.size() != part->size()) {
      throw std::invalid_argument("of " + std::to_string(part->size()) + " images " +
                                  std::to_string(part->coarse_labels.size()) +
                                  " have coarse labels");
    }
    for (std::size_t i = 0; i < part->size(); ++i) {
      if (part->labels[i] < 0 || static_cast<std::size_t>(part->labels[i]) >= list.names.size()) {
        throw std::invalid_argument("the label " + std::to_string(part->labels[i]) +
                                    " is of no class, there are " +
                                    std::to_string(list.names.size()));
      }
      auto& coarse = list.coarse.at(static_cast<std::size_t>(part->labels[i]));
      const int here = part->coarse_labels.at(i);
      if (coarse >= 0 && coarse != here) {
        throw std::invalid_argument(
            "images of class '" + list.names[static_cast<std::size_t>(part->labels[i])] +
            "' have the coarse labels " + std::to_string(coarse) + " and " + std::to_string(here));
      }
      coarse = here;
    }
  }
  return list;
}

namespace detail {

inline void write_set(const std::filesystem::path& folder, const std::string& name,
                      const FeatureSet& set) {
  write_npy(folder / (name + "_features.npy"), set.features);
  write_npy(folder / (name + "_labels.npy"), set.labels);
}

inline FeatureSet read_set(const std::filesystem::path& folder, const std::string& name,
                           std::size_t classes) {
  const auto path = folder / (name + "_features.npy");
  const auto labels_path = folder / (name + "_labels.npy");
  FeatureSet set{read_npy_matrix(path), read_npy_labels(labels_path)};
  const auto rows = set.features.rows();
  if (rows == 0 || set.features.cols() == 0) {
    throw std::runtime_error(path.string() + ": holds no features (" + std::to_string(rows) +
                             " x " + std::to_string(set.features.cols()) + ")");
  }
  if (set.labels.size() != static_cast<std::size_t>(rows)) {
    throw std::runtime_error(labels_path.string() + ": holds " + std::to_string(set.labels.size()) +
                             " labels, but " + path.filename().string() + " has " +
                             std::to_string(rows) + " rows");
  }
  for (Eigen::Index i = 0; i < rows; ++i) {
    if (!set.features.row(i).allFinite()) {
      throw std::runtime_error(path.string() + ": row " + std::to_string(i) +
                               " is not finite: did the training diverge?");
    }
  }
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    if (set.labels[i] >= 0 && static_cast<std::size_t>(set.labels[i]) < classes) continue;
    throw std::runtime_error(labels_path.string() + ": label " + std::to_string(set.labels[i]) +
                             " of row " + std::to_string(i) + " is not one of the " +
                             std::to_string(classes) + " classes of classes.json");
  }
  return set;
}

inline ClassList read_classes(const std::filesystem::path& path) {
  const auto text = read_whole(path);
  ClassList list;
  try {
    const auto json = nlohmann::json::parse(text);
    json.at("dataset").get_to(list.dataset);
    json.at("names").get_to(list.names);
    if (json.contains("coarse")) {
      json.at("coarse").get_to(list.coarse);
      json.at("coarse_names").get_to(list.coarse_names);
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(path.string() + ": cannot be read (" + error.what() + ")");
  }
  const auto superclasses = static_cast<int>(list.coarse_names.size());
  const auto known = [&](int coarse) { return coarse >= -1 && coarse < superclasses; };
  if (!list.coarse.empty() &&
      (list.coarse.size() != list.names.size() || !std::ranges::all_of(list.coarse, known))) {
    throw std::runtime_error(path.string() + ": coarse must be, for each of the " +
                             std::to_string(list.names.size()) + " classes, the number of one of " +
                             std::to_string(superclasses) + " coarse_names, or -1");
  }
  return list;
}

}  // namespace detail

/// Writes classes.json and the .npy files; those of an earlier run that are not of this one go.
inline void write_features(const std::filesystem::path& folder, const FeatureFiles& files) {
  std::filesystem::create_directories(folder);
  const auto& classes = files.classes;
  nlohmann::ordered_json json{{"dataset", classes.dataset}, {"names", classes.names}};
  if (!classes.coarse.empty()) {
    json["coarse"] = classes.coarse;
    json["coarse_names"] = classes.coarse_names;
  }
  detail::write_set(folder, "train", files.train);
  detail::write_set(folder, "test", files.test);
  if (files.unseen) {
    detail::write_set(folder, "unseen", *files.unseen);
  } else {
    for (const char* name : {"unseen_features.npy", "unseen_labels.npy"}) {
      std::filesystem::remove(folder / name);
    }
  }
  write_whole(folder / "classes.json", json.dump(2) + "\n");
}

/// Reads what write_features writes, and checks that its parts fit each other. Throws
/// std::runtime_error with the file's name and the reason.
inline FeatureFiles read_features(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw std::runtime_error("there is no folder " + folder.string() +
                             "; ldmat-train writes it at the end of a run");
  }
  FeatureFiles files;
  files.classes = detail::read_classes(folder / "classes.json");
  const auto classes = files.classes.names.size();
  files.train = detail::read_set(folder, "train", classes);
  files.test = detail::read_set(folder, "test", classes);
  if (std::filesystem::exists(folder / "unseen_features.npy")) {
    files.unseen = detail::read_set(folder, "unseen", classes);
  }
  const auto columns = files.train.features.cols();
  const auto same_width = [&](const FeatureSet& set, const char* name) {
    if (set.features.cols() == columns) return;
    throw std::runtime_error((folder / name).string() + ": has " +
                             std::to_string(set.features.cols()) +
                             " columns, but train_features.npy has " + std::to_string(columns));
  };
  same_width(files.test, "test_features.npy");
  if (files.unseen) same_width(*files.unseen, "unseen_features.npy");
  return files;
}

}  // namespace tiny
