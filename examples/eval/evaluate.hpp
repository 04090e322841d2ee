// All figures of one run's features, as they go into evaluation.json.
#pragma once

#include "app/features_file.hpp"
#include "app/program.hpp"
#include "eval/centroid.hpp"
#include "eval/gaussian.hpp"
#include "eval/neighbours.hpp"
#include "eval/scores.hpp"
#include "eval/svm.hpp"

#include <ldmat/quality.hpp>
#include <ldmat/retrieval.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

struct EvalOptions {
  std::size_t svm_samples = 4000;  ///< training samples of the SVMs; 0: all
  std::vector<std::size_t> neighbours{5,
                                      30};  ///< votes of k-nearest-neighbour classifiers beside 1
  std::vector<std::string> skip;            ///< of part_names()
};

/// What can be left out.
inline const std::vector<std::string>& part_names() {
  static const std::vector<std::string> names{
      "nearest_centroid", "nn", "linear_svm", "rbf_svm", "gaussian", "geometry", "retrieval"};
  return names;
}

class Evaluation {
 public:
  /// Throws std::runtime_error where a class of the test samples has none to train on.
  Evaluation(const FeatureFiles& files, EvalOptions options)
      : files_(files), options_(std::move(options)) {
    const auto known = occurring_classes(files.train.labels);
    for (const int label : files.test.labels) {
      if (std::ranges::binary_search(known, label)) continue;
      throw std::runtime_error("class " + std::to_string(label) + " ('" +
                               files.classes.names.at(static_cast<std::size_t>(label)) +
                               "') of test_labels.npy does not occur in train_labels.npy: no "
                               "classifier can know it");
    }
  }

  nlohmann::ordered_json operator()() {
    classify();
    geometry();
    retrieval();
    unseen();
    nlohmann::ordered_json json{
        {"program", "ldmat-eval"},
        {"version", detail::version_text()},
        {"data",
         {{"dataset", files_.classes.dataset},
          {"training_samples", files_.train.labels.size()},
          {"test_samples", files_.test.labels.size()},
          {"features", files_.test.features.cols()}}},
        {"settings", {{"svm_samples", options_.svm_samples}, {"neighbours", options_.neighbours}}}};
    json.update(results_);
    json["seconds"] = seconds_;
    return json;
  }

 private:
  /// Calls part() and notes how long it took, unless the user does not want it.
  template <class Part>
  void timed(const std::string& name, const Part& part) {
    if (std::ranges::count(options_.skip, name) > 0) return;
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    part();
    const std::chrono::duration<double> time = Clock::now() - start;
    seconds_[name] = std::round(1000 * time.count()) / 1000;
  }

  void score(const std::string& name, const std::vector<int>& predicted) {
    auto& figures = results_["classifiers"][name];
    figures["accuracy"] = accuracy(predicted, files_.test.labels);
    const auto& coarse = files_.classes.coarse;
    if (coarse.empty()) return;
    figures["outside_superclass"] = outside_superclass(predicted, files_.test.labels, coarse);
  }

  void classify() {
    const auto& train = files_.train;
    const auto& test = files_.test.features;
    results_["classifiers"] = nlohmann::ordered_json::object();
    timed("nearest_centroid", [&] { score("nearest_centroid", predict_by_centroid(train, test)); });
    timed("nn", [&] {
      std::set<std::size_t> counts{1};  // a gallery smaller than k votes as a whole
      for (const std::size_t k : options_.neighbours)
        counts.insert(std::min(k, train.labels.size()));
      const Neighbours neighbours(train, test, *counts.rbegin());
      for (const std::size_t k : counts) score(std::to_string(k) + "-nn", neighbours.vote(k));
    });
    const auto svm = [&](SvmKernel kernel) {
      return Svm(stratified(train, options_.svm_samples), kernel)(test);
    };
    timed("linear_svm", [&] { score("linear_svm", svm(SvmKernel::linear)); });
    timed("rbf_svm", [&] { score("rbf_svm", svm(SvmKernel::rbf)); });
    timed("gaussian", [&] { score("gaussian", GaussianClassifier(train)(test)); });
  }

  void geometry() {
    timed("geometry", [&] {
      const auto& [features, labels] = files_.test;
      const auto spread = ldmat::class_spread(features, labels);
      results_["geometry"] = {{"mean_same_distance", spread.mean_same_distance},
                              {"mean_centre_distance", spread.mean_centre_distance},
                              {"min_centre_distance", spread.min_centre_distance},
                              {"mean_ratio", spread.mean_ratio},
                              {"min_ratio", spread.min_ratio},
                              {"silhouette", ldmat::silhouette(features, labels)},
                              {"d_prime", ldmat::decidability(features, labels)}};
    });
  }

  void retrieval() {
    timed("retrieval", [&] {
      const auto found = ldmat::retrieval(files_.test.features, files_.test.labels);
      results_["retrieval"] = {{"precision_at_1", found.precision_at_1},
                               {"r_precision", found.r_precision},
                               {"map_at_r", found.map_at_r}};
    });
  }

  /// Classes that the network never saw: their images among themselves.
  void unseen() {
    if (!files_.unseen) return;
    timed("unseen", [&] {
      const auto& [features, labels] = *files_.unseen;
      const auto found = ldmat::retrieval(features, labels);
      results_["unseen"] = {{"classes", occurring_classes(labels).size()},
                            {"images", labels.size()},
                            {"precision_at_1", found.precision_at_1},
                            {"map_at_r", found.map_at_r},
                            {"nearest_centroid", leave_one_out_centroid(*files_.unseen)}};
    });
  }

  const FeatureFiles& files_;
  EvalOptions options_;
  nlohmann::ordered_json results_;
  nlohmann::ordered_json seconds_ = nlohmann::ordered_json::object();
};

/// Evaluates the run in `folder` and leaves evaluation.json there, whose content is returned.
/// Throws std::runtime_error with the name of what is missing or damaged.
inline nlohmann::ordered_json evaluate_folder(const std::filesystem::path& folder,
                                              const EvalOptions& options) {
  if (!std::filesystem::is_directory(folder)) {
    throw std::runtime_error("there is no folder " + folder.string());
  }
  std::filesystem::remove(folder / "evaluation.json");  // nothing is left where this fails
  const auto files = read_features(folder / "features");
  nlohmann::ordered_json json;
  try {
    json = Evaluation(files, options)();
  } catch (const std::exception& error) {
    throw std::runtime_error(folder.string() + ": " + error.what());
  }
  write_whole(folder / "evaluation.json", json.dump(2) + "\n");
  return json;
}

}  // namespace tiny
