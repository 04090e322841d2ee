// What a run leaves behind: features.csv, and the table at its end.
#pragma once

#include "app/files.hpp"
#include "data/dataset.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

/// A line per sample: its label, then its features in the shortest form that reads back exactly.
inline std::string features_csv(const RowMatrix<float>& features, std::span<const int> labels) {
  if (static_cast<std::size_t>(features.rows()) != labels.size()) {
    throw std::invalid_argument("features_csv: " + std::to_string(features.rows()) +
                                " rows of features, " + std::to_string(labels.size()) + " labels");
  }
  std::string text = "label";
  for (Eigen::Index k = 0; k < features.cols(); ++k) text += ",f" + std::to_string(k);
  text += '\n';
  char number[32];
  for (Eigen::Index i = 0; i < features.rows(); ++i) {
    text += std::to_string(labels[static_cast<std::size_t>(i)]);
    for (Eigen::Index k = 0; k < features.cols(); ++k) {
      const auto end = std::to_chars(number, number + sizeof number, features(i, k)).ptr;
      text += ',';
      text.append(number, end);
    }
    text += '\n';
  }
  return text;
}

/// Names to the left, values to the right, each column as wide as it must be.
inline std::string aligned(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t left = 0;
  std::size_t right = 0;
  for (const auto& [name, value] : rows) {
    left = std::max(left, name.size());
    right = std::max(right, value.size());
  }
  std::string text;
  for (const auto& [name, value] : rows) {
    text += "  " + name + std::string(left - name.size() + 2, ' ');
    text += std::string(right - value.size(), ' ') + value + '\n';
  }
  return text;
}

/// 0.98712 -> "98.71 %"
inline std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * share);
  return text;
}

inline std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace tiny
