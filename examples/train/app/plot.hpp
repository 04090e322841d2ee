// A scatter plot of two-dimensional features, drawn by gnuplot.
#pragma once

#include "app/files.hpp"
#include "app/platform.hpp"
#include "app/report.hpp"
#include "data/dataset.hpp"

#include <Eigen/Core>
#include <Eigen/Geometry>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

struct Scatter {
  std::string title;
  std::vector<std::string> class_names;
  std::size_t max_points = 3000;  ///< more are thinned out evenly, so that the file stays small
  std::size_t max_legend = 20;    ///< more classes than that get no legend
};

namespace detail {

/// Ten colours that keep apart, also for the colour-blind as far as ten can; then again.
inline std::string class_colour(std::size_t label) {
  static const std::array<const char*, 10> colours{"#4e79a7", "#f28e2b", "#e15759", "#76b7b2",
                                                   "#59a14f", "#d4a91c", "#b07aa1", "#ff7fa1",
                                                   "#9c755f", "#6b6b6b"};
  return colours[label % colours.size()];
}

/// A string of gnuplot's language in which nothing is special.
inline std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text) {
    if (c == '\n' || c == '\r') continue;
    result += c;
    if (c == '\'') result += c;
  }
  return result + "'";
}

}  // namespace detail

/// The gnuplot program of the picture, data included.
inline std::string scatter_program(const RowMatrix<float>& features, std::span<const int> labels,
                                   const Scatter& scatter, const std::filesystem::path& svg) {
  if (features.cols() != 2 || static_cast<std::size_t>(features.rows()) != labels.size()) {
    throw std::invalid_argument(
        "scatter_program: the features are " + std::to_string(features.rows()) + " x " +
        std::to_string(features.cols()) + "; needed are " + std::to_string(labels.size()) + " x 2");
  }
  const std::size_t classes = scatter.class_names.size();
  const std::size_t step = std::max<std::size_t>(
      1, (labels.size() + scatter.max_points - 1) / std::max<std::size_t>(1, scatter.max_points));
  std::vector<std::string> points(classes);
  Eigen::AlignedBox2f box;
  for (std::size_t i = 0; i < labels.size(); i += step) {
    const Eigen::Vector2f point = features.row(static_cast<Eigen::Index>(i));
    if (!point.allFinite()) continue;
    box.extend(point);
    points.at(static_cast<std::size_t>(labels[i])) +=
        fixed(point.x(), 4) + " " + fixed(point.y(), 4) + "\n";
  }
  if (box.isEmpty()) throw std::runtime_error("there is no finite feature to draw");
  const double half = std::max(1e-3, 0.53 * static_cast<double>(box.sizes().maxCoeff()));
  const auto range = [&](float center) {
    return "[" + fixed(center - half, 6) + ":" + fixed(center + half, 6) + "]\n";
  };
  std::string program =
      "set terminal svg size 660,540 font 'Helvetica,Arial,sans-serif,14' background rgb 'white'\n"
      "set output " +
      detail::quoted(svg.string()) +
      "\n"
      "set title " +
      detail::quoted(scatter.title) +
      " noenhanced\n"
      "set xrange " +
      range(box.center().x()) + "set yrange " + range(box.center().y()) +
      "set lmargin at screen 74.0/660\nset rmargin at screen 514.0/660\n"
      "set bmargin at screen 52.0/540\nset tmargin at screen 492.0/540\n"
      "set border 3 lc rgb '#555555'\n"
      "set tics nomirror out scale 0.6 offset 0,0 tc rgb '#555555'\n"
      "set grid lc rgb '#e4e4e4' lt 1 lw 0.6\n"
      "set xlabel 'feature 1' offset 0,0.7 tc rgb '#333333'\n"
      "set ylabel 'feature 2' offset 1.5,0 tc rgb '#333333'\n";
  program += classes > scatter.max_legend
                 ? "unset key\n"
                 : "set key at graph 1.02, 0.5 left center Left reverse samplen 0.6 spacing 1.25 "
                   "noenhanced\n";
  std::string plots;
  for (std::size_t label = 0; label < classes; ++label) {
    if (points[label].empty()) continue;
    const std::string block = "$class" + std::to_string(label);
    program.append(block).append(" << EOD\n").append(points[label]).append("EOD\n");
    const std::string colour = detail::class_colour(label);
    plots += plots.empty() ? "plot " : ", ";
    plots.append(block).append(" using 1:2 with points pt 7 ps 0.35 lc rgb '");
    plots.append(colour).append("' notitle");
    // The legend's own mark, larger than the points.
    plots.append(", NaN with points pt 7 ps 0.9 lc rgb '").append(colour).append("' title ");
    plots.append(detail::quoted(scatter.class_names[label]));
  }
  return program + plots + "\nset output\n";
}

/// Writes the picture. Returns "", or why there is none.
inline std::string draw_scatter(const RowMatrix<float>& features, std::span<const int> labels,
                                const Scatter& scatter, const std::filesystem::path& svg) {
  const char* quiet = " 2>&1";
#ifdef _WIN32
  const std::string nowhere = " >NUL";
#else
  const std::string nowhere = " >/dev/null";
#endif
  if (std::system(("gnuplot --version" + nowhere + quiet).c_str()) != 0) {
    return "gnuplot is not installed (Debian: apt install gnuplot-nox)";
  }
  auto part = svg;
  part += ".part";
  std::string program;
  try {
    program = scatter_program(features, labels, scatter, part);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  Pipe gnuplot(("gnuplot" + nowhere + quiet).c_str());
  const bool written = gnuplot.write(program.data(), program.size());
  const int status = gnuplot.close();
  std::error_code error;
  if (!written || status != 0 || std::filesystem::file_size(part, error) == 0 || error) {
    std::filesystem::remove(part, error);
    return "gnuplot failed with status " + std::to_string(status);
  }
  std::filesystem::rename(part, svg);
  return "";
}

}  // namespace tiny
