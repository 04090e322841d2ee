// Support vector machines by LIBSVM.
#pragma once

#include "eval/centroid.hpp"

#include <svm.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

/// `count` samples, each class with its share (rounded so that they add up, at least one), evenly
/// spread through the class's samples as they are ordered: the same ones each time. All of them, in
/// their order, for count 0 or of no less than there are. Throws std::invalid_argument for fewer
/// than there are classes.
inline FeatureSet stratified(const FeatureSet& set, std::size_t count) {
  const auto size = set.labels.size();
  if (count == 0 || count >= size) return set;
  const auto classes = occurring_classes(set.labels);
  if (count < classes.size()) {
    throw std::invalid_argument("a sample of " + std::to_string(count) +
                                " (--svm-samples) cannot have each of " +
                                std::to_string(classes.size()) + " classes");
  }
  const auto rows = rows_by_class(set.labels, classes);
  // One each, and of the others so many that the sums over the classes so far are nearest to right.
  std::vector<Eigen::Index> chosen;
  const auto spare = count - classes.size();
  std::size_t before = 0;
  for (const auto& of_class : rows) {
    const auto after = before + of_class.size() - 1;
    const auto scale = static_cast<double>(spare) / static_cast<double>(size - classes.size());
    const auto rounded = [&](std::size_t n) {
      return static_cast<std::size_t>(std::llround(static_cast<double>(n) * scale));
    };
    const auto wanted = std::min(1 + rounded(after) - rounded(before), of_class.size());
    for (std::size_t i = 0; i < wanted; ++i) {
      chosen.push_back(of_class[i * of_class.size() / wanted]);
    }
    before = after;
  }
  std::ranges::sort(chosen);
  FeatureSet part{RowMatrix<float>(static_cast<Eigen::Index>(chosen.size()), set.features.cols()),
                  {}};
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    part.features.row(static_cast<Eigen::Index>(i)) = set.features.row(chosen[i]);
    part.labels.push_back(set.labels[static_cast<std::size_t>(chosen[i])]);
  }
  return part;
}

enum class SvmKernel { linear, rbf };

/// One-against-one C-SVMs on features that are shifted to mean 0 and divided by one number for all,
/// the root of their mean variance. One number for each feature would change the distances that the
/// network was trained for: a feature that hardly differs would count as much as the others. So
/// C = 1 and, for the RBF kernel exp(-gamma |x - y|^2), gamma = 1 / d are LIBSVM's own defaults and
/// 1 / (d var) of the features as they were, as others have it. Nothing is searched for.
/// Source: Chang, Lin, "LIBSVM: a library for support vector machines", ACM TIST 2011.
class Svm {
 public:
  /// Time between O(m^2 d) and O(m^3 d) for m samples. Throws std::invalid_argument as
  /// require_gallery does.
  Svm(const FeatureSet& gallery, SvmKernel kernel, double c = 1) {
    require_gallery(gallery, gallery.features);
    const auto& x = gallery.features;
    const auto d = x.cols();
    mean_ = x.cast<double>().colwise().mean();
    const double variance = (x.cast<double>().rowwise() - mean_).squaredNorm() /
                            static_cast<double>(x.rows()) / static_cast<double>(d);
    scale_ = variance > 0 ? 1 / std::sqrt(variance) : 1;

    std::vector<double> y(gallery.labels.begin(), gallery.labels.end());
    std::vector<svm_node*> rows;
    nodes_.resize(static_cast<std::size_t>(x.rows()) * static_cast<std::size_t>(d + 1));
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      rows.push_back(nodes_.data() + i * (d + 1));
      to_nodes(x.row(i).data(), rows.back());
    }
    const svm_problem problem{static_cast<int>(x.rows()), y.data(), rows.data()};
    svm_parameter parameter{};
    parameter.svm_type = C_SVC;
    parameter.kernel_type = kernel == SvmKernel::linear ? LINEAR : RBF;
    parameter.gamma = 1 / static_cast<double>(d);
    parameter.C = c;
    parameter.cache_size = 200;  // MB
    parameter.eps = 1e-3;
    parameter.shrinking = 1;
    if (const char* error = svm_check_parameter(&problem, &parameter)) {
      throw std::invalid_argument(std::string("LIBSVM: ") + error);
    }
    svm_set_print_string_function([](const char*) {});
    model_.reset(svm_train(&problem, &parameter));
  }

  /// Each query on one of OpenMP's threads.
  std::vector<int> operator()(const RowMatrix<float>& queries) const {
    if (queries.cols() != mean_.size()) {
      throw std::invalid_argument("the queries have " + std::to_string(queries.cols()) +
                                  " columns, the classifier was made for " +
                                  std::to_string(mean_.size()));
    }
    std::vector<int> predicted(static_cast<std::size_t>(queries.rows()));
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 64)
#endif
    for (Eigen::Index i = 0; i < queries.rows(); ++i) {
      std::vector<svm_node> nodes(static_cast<std::size_t>(queries.cols() + 1));
      to_nodes(queries.row(i).data(), nodes.data());
      predicted[static_cast<std::size_t>(i)] =
          static_cast<int>(svm_predict(model_.get(), nodes.data()));
    }
    return predicted;
  }

 private:
  struct Free {
    void operator()(svm_model* model) const { svm_free_and_destroy_model(&model); }
  };

  void to_nodes(const float* row, svm_node* nodes) const {
    for (Eigen::Index k = 0; k < mean_.size(); ++k) {
      nodes[k] = {static_cast<int>(k + 1), (static_cast<double>(row[k]) - mean_[k]) * scale_};
    }
    nodes[mean_.size()] = {-1, 0};
  }

  Eigen::RowVectorXd mean_;
  double scale_ = 1;
  std::vector<svm_node> nodes_;  // which the model goes on pointing to
  std::unique_ptr<svm_model, Free> model_;
};

}  // namespace tiny
