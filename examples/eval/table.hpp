// The table that ldmat-eval prints: figures downwards, runs across.
#pragma once

#include "app/report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

namespace detail {

/// How a figure is written; "-" for one that the run does not have, or that is not finite.
inline std::string figure_text(const nlohmann::ordered_json& json,
                               const nlohmann::ordered_json::json_pointer& place,
                               const std::string& group) {
  if (!json.contains(place)) return "-";
  const auto& value = json.at(place);
  if (!value.is_number()) return "-";
  if (value.is_number_float() && !std::isfinite(value.get<double>())) return "-";
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  if (group == "geometry") return fixed(value.get<double>(), 4);
  if (group == "seconds") return fixed(value.get<double>(), 2);
  return percent(value.get<double>());
}

}  // namespace detail

/// A line for each figure that one of the runs has, in groups with a heading; a column for each run
/// (its name and the content of its evaluation.json).
inline std::string evaluation_table(
    const std::vector<std::pair<std::string, nlohmann::ordered_json>>& runs) {
  using Pointer = nlohmann::ordered_json::json_pointer;
  std::vector<std::vector<std::string>> lines{{""}};
  for (const auto& [name, json] : runs) lines.front().push_back(name);
  const auto add_group = [&](const std::string& title, const std::string& group,
                             const std::string& ending) {
    std::vector<std::string> names;
    for (const auto& [name, json] : runs) {
      if (!json.contains(group)) continue;
      for (const auto& [key, value] : json.at(group).items()) {
        if (!ending.empty() && !value.contains(ending)) continue;
        if (std::ranges::count(names, key) == 0) names.push_back(key);
      }
    }
    if (names.empty()) return;
    lines.push_back({title});
    for (const auto& key : names) {
      auto place = Pointer() / group / key;
      if (!ending.empty()) place /= ending;
      auto& line = lines.emplace_back(std::vector<std::string>{"  " + key});
      for (const auto& [name, json] : runs) {
        line.push_back(detail::figure_text(json, place, group));
      }
    }
  };
  add_group("accuracy", "classifiers", "accuracy");
  add_group("predicted outside of the superclass", "classifiers", "outside_superclass");
  add_group("geometry of the test samples", "geometry", "");
  add_group("retrieval among the test samples", "retrieval", "");
  add_group("classes not trained on", "unseen", "");
  add_group("seconds", "seconds", "");

  std::vector<std::size_t> widths(runs.size() + 1);
  for (const auto& line : lines) {
    if (line.size() == 1) continue;  // a heading may reach over the columns
    for (std::size_t k = 0; k < line.size(); ++k) widths[k] = std::max(widths[k], line[k].size());
  }
  std::string text;
  for (const auto& line : lines) {
    std::string row = line[0];
    if (line.size() > 1) row.resize(widths[0], ' ');
    for (std::size_t k = 1; k < line.size(); ++k) {
      row += std::string(widths[k] - line[k].size() + 2, ' ') + line[k];
    }
    text += row + '\n';
  }
  return text;
}

}  // namespace tiny
