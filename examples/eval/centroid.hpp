// Classification by the nearest class centre.
#pragma once

#include "app/features_file.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

/// The classes that occur, in ascending order.
inline std::vector<int> occurring_classes(const std::vector<int>& labels) {
  std::vector<int> classes(labels);
  std::ranges::sort(classes);
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  return classes;
}

/// The rows of each of `classes`.
inline std::vector<std::vector<Eigen::Index>> rows_by_class(const std::vector<int>& labels,
                                                            const std::vector<int>& classes) {
  std::vector<std::vector<Eigen::Index>> rows(classes.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto number = std::ranges::lower_bound(classes, labels[i]) - classes.begin();
    rows[static_cast<std::size_t>(number)].push_back(static_cast<Eigen::Index>(i));
  }
  return rows;
}

/// The mean of the chosen rows, in double.
inline Eigen::RowVectorXd mean_of_rows(const RowMatrix<float>& x,
                                       const std::vector<Eigen::Index>& rows) {
  Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(x.cols());
  for (const auto i : rows) sum += x.row(i).cast<double>();
  return sum / static_cast<double>(rows.size());
}

/// What every classifier here asks of its gallery and queries: throws std::invalid_argument.
inline void require_gallery(const FeatureSet& gallery, const RowMatrix<float>& queries) {
  if (gallery.labels.empty() ||
      gallery.labels.size() != static_cast<std::size_t>(gallery.features.rows())) {
    throw std::invalid_argument("the gallery has " + std::to_string(gallery.features.rows()) +
                                " rows of features and " + std::to_string(gallery.labels.size()) +
                                " labels; a classifier needs one each, at least one");
  }
  if (queries.cols() != gallery.features.cols()) {
    throw std::invalid_argument("the queries have " + std::to_string(queries.cols()) +
                                " columns, the gallery has " +
                                std::to_string(gallery.features.cols()));
  }
}

/// The class of the nearest centre, by Euclidean distance in double, for each query; of centres at
/// equal distance that of the lowest label. O((m + n K) d) for a gallery of m samples of K classes.
inline std::vector<int> predict_by_centroid(const FeatureSet& gallery,
                                            const RowMatrix<float>& queries) {
  require_gallery(gallery, queries);
  const auto classes = occurring_classes(gallery.labels);
  const auto rows = rows_by_class(gallery.labels, classes);
  RowMatrix<double> centres(static_cast<Eigen::Index>(classes.size()), queries.cols());
  for (std::size_t c = 0; c < classes.size(); ++c) {
    centres.row(static_cast<Eigen::Index>(c)) = mean_of_rows(gallery.features, rows[c]);
  }
  std::vector<int> predicted;
  predicted.reserve(static_cast<std::size_t>(queries.rows()));
  for (Eigen::Index i = 0; i < queries.rows(); ++i) {
    Eigen::Index nearest = 0;
    (centres.rowwise() - queries.row(i).cast<double>()).rowwise().squaredNorm().minCoeff(&nearest);
    predicted.push_back(classes[static_cast<std::size_t>(nearest)]);
  }
  return predicted;
}

/// Share of the samples of a set that are nearest to the centre of their own class, where the
/// sample itself is left out of its class's centre: for classes of which there is no other gallery.
/// The only sample of its class counts as wrong. 0 for an empty set.
inline double leave_one_out_centroid(const FeatureSet& set) {
  if (set.labels.empty()) return 0;
  require_gallery(set, set.features);
  const auto classes = occurring_classes(set.labels);
  const auto rows = rows_by_class(set.labels, classes);
  std::vector<Eigen::RowVectorXd> centres;
  for (const auto& of_class : rows) centres.push_back(mean_of_rows(set.features, of_class));
  std::size_t right = 0;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto n = static_cast<double>(rows[c].size());
    if (rows[c].size() < 2) continue;
    for (const auto i : rows[c]) {
      const Eigen::RowVectorXd x = set.features.row(i).cast<double>();
      // c - x for the centre c of the others is n / (n - 1) times that for the centre of all.
      const double own = (centres[c] - x).squaredNorm() * (n / (n - 1)) * (n / (n - 1));
      bool nearest = true;
      for (std::size_t other = 0; other < classes.size() && nearest; ++other) {
        nearest = other == c || own < (centres[other] - x).squaredNorm();
      }
      if (nearest) ++right;
    }
  }
  return static_cast<double>(right) / static_cast<double>(set.labels.size());
}

}  // namespace tiny
