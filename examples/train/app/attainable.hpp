// How much of what its class distances allow a run has reached.
#pragma once

#include "app/options.hpp"
#include "app/report.hpp"
#include "data/dataset.hpp"
#include "loss/class_table.hpp"

#include <ldmat/attainable.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

/// Of the class distances as they were asked for, before a regularizer, by the squared penalty,
/// one-sided where the run's is.
struct Attained {
  bool one_sided = false;
  bool realisable = false;             ///< whether as many dimensions as there are features suffice
  ldmat::Index dimensions_needed = 0;  ///< those that do
  double lowest_loss = 0;              ///< class-pair loss, see ldmat::attainable
  /// By the centres of the test images' classes, ldmat::reached; -infinity where there is nothing to
  /// reach, and it is missed.
  double reached_fraction = 0;
};

/// None for other losses and metrics than ldmat with Euclidean distances. `table`: the distances between
/// all classes that the loss was given, or empty for the same between any two. Classes are those that
/// occur.
inline std::optional<Attained> attained_of(const RowMatrix<float>& test,
                                           const std::vector<int>& test_labels,
                                           const TrainOptions& options,
                                           const Eigen::MatrixXd& table) {
  if (options.loss != "ldmat" || options.metric != "euclidean" || test_labels.empty()) return {};
  std::vector<int> classes = test_labels;
  std::ranges::sort(classes);
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  std::vector<int> labels;
  for (const int label : test_labels) {
    labels.push_back(static_cast<int>(std::ranges::lower_bound(classes, label) - classes.begin()));
  }
  const auto k = static_cast<Eigen::Index>(classes.size());
  const Eigen::MatrixXd asked = table.size() > 0 ? Eigen::MatrixXd(table(classes, classes))
                                                 : equal_table(k, options.class_distance);
  const auto lowest = ldmat::attainable(asked, test.cols(),
                                        {.one_sided = options.one_sided, .starts = starts_for(k)});
  return Attained{options.one_sided, lowest.realisable, lowest.dimensions_needed,
                  lowest.lowest_loss, ldmat::reached(lowest, test, labels)};
}

inline nlohmann::ordered_json describe(const Attained& a) {
  nlohmann::ordered_json json{{"one_sided", a.one_sided},
                              {"realisable", a.realisable},
                              {"dimensions_needed", a.dimensions_needed},
                              {"lowest_loss", a.lowest_loss}};
  if (std::isfinite(a.reached_fraction)) json["reached_fraction"] = a.reached_fraction;
  return json;
}

/// The same for a table to read.
inline std::vector<std::pair<std::string, std::string>> table_rows(const Attained& a) {
  const auto dimensions = a.dimensions_needed >= 0 ? std::to_string(a.dimensions_needed)
                                                   : "none is enough: they are not Euclidean";
  const std::string side = a.one_sided ? "lowest one-sided" : "lowest";
  std::vector<std::pair<std::string, std::string>> rows{
      {"dimensions that the class distances need", dimensions},
      {side + " class-pair loss attainable", fixed(a.lowest_loss, 4)}};
  if (std::isfinite(a.reached_fraction)) {
    rows.emplace_back("reached of what is attainable", percent(a.reached_fraction));
  }
  return rows;
}

}  // namespace tiny
