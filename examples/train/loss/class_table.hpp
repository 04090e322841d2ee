// Distances between classes from what a data set knows of them.
#pragma once

#include "data/dataset.hpp"

#include <Eigen/Core>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

/// K x K distances between classes, `class_distance` between any two.
inline Eigen::MatrixXd equal_table(Eigen::Index classes, double class_distance) {
  return class_distance *
         (Eigen::MatrixXd::Ones(classes, classes) - Eigen::MatrixXd::Identity(classes, classes));
}

/// Starting points for ldmat::attainable: for a hundred classes each takes some tenths of a second, and
/// they differ by little.
inline int starts_for(Eigen::Index classes) {
  return classes > 30 ? 4 : 16;
}

/// K x K distances between classes: `class_distance` between two of different superclasses,
/// `share` times that between two of one, 0 on the diagonal. Throws std::invalid_argument where the
/// data set has no superclasses, or images of one class belong to different ones.
inline Eigen::MatrixXd superclass_table(const Dataset& data, double class_distance, double share) {
  if (data.coarse_labels.size() != data.size() || data.coarse_names.empty()) {
    throw std::invalid_argument(
        "--within-superclass needs a data set whose classes have superclasses, such as cifar100");
  }
  constexpr int unknown = -1;
  std::vector<int> superclass(static_cast<std::size_t>(data.num_classes()), unknown);
  for (std::size_t i = 0; i < data.size(); ++i) {
    int& known = superclass.at(static_cast<std::size_t>(data.labels[i]));
    if (known != unknown && known != data.coarse_labels[i]) {
      throw std::invalid_argument("superclass_table: images of class " +
                                  std::to_string(data.labels[i]) + " belong to the superclasses " +
                                  std::to_string(known) + " and " +
                                  std::to_string(data.coarse_labels[i]));
    }
    known = data.coarse_labels[i];
  }
  const Eigen::Index k = data.num_classes();
  Eigen::MatrixXd table = Eigen::MatrixXd::Constant(k, k, class_distance);
  for (Eigen::Index a = 0; a < k; ++a) {
    for (Eigen::Index b = 0; b < k; ++b) {
      const int group = superclass[static_cast<std::size_t>(a)];
      if (a == b) {
        table(a, b) = 0;
      } else if (group != unknown && group == superclass[static_cast<std::size_t>(b)]) {
        table(a, b) = share * class_distance;
      }
    }
  }
  return table;
}

}  // namespace tiny
