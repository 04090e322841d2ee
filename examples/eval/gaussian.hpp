// Quadratic discriminant analysis: a normal distribution for each class.
#pragma once

#include "eval/centroid.hpp"

#include <Eigen/Cholesky>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace tiny {

/// Classifies x as the class c that maximizes
///
///   log(n_c / n) - 1/2 log det S_c - 1/2 (x - m_c)^T S_c^-1 (x - m_c),
///
/// with m_c the mean and S_c = C_c + r v I the covariance of the class's n_c samples (C_c divided by
/// n_c) with a ridge: v is the mean variance of a feature within classes, pooled over all samples.
/// The ridge keeps S_c invertible where a class has fewer samples than features, or lies in a line,
/// and a class of one sample gets a round distribution of the common width. Of classes with equal
/// scores the lowest label wins. Source: Friedman, "Regularized discriminant analysis", JASA 1989,
/// whose shrinkage to a multiple of the identity this is, with one width for all classes.
class GaussianClassifier {
 public:
  /// Time O(m d^2 + K d^3) for m samples of K classes. Throws std::invalid_argument for a ridge that
  /// is not positive, or a gallery without samples or with another number of labels.
  explicit GaussianClassifier(const FeatureSet& gallery, double ridge = default_ridge) {
    require_gallery(gallery, gallery.features);
    if (!(ridge > 0)) throw std::invalid_argument("the ridge must be positive");
    classes_ = occurring_classes(gallery.labels);
    const auto rows = rows_by_class(gallery.labels, classes_);
    const auto d = gallery.features.cols();
    const auto all = static_cast<double>(gallery.labels.size());
    std::vector<Eigen::MatrixXd> covariances;
    double variance = 0;
    for (const auto& of_class : rows) {
      const auto n = static_cast<double>(of_class.size());
      means_.push_back(mean_of_rows(gallery.features, of_class));
      RowMatrix<double> centred(static_cast<Eigen::Index>(of_class.size()), d);
      for (std::size_t i = 0; i < of_class.size(); ++i) {
        centred.row(static_cast<Eigen::Index>(i)) =
            gallery.features.row(of_class[i]).cast<double>() - means_.back();
      }
      covariances.emplace_back(centred.transpose() * centred / n);
      variance += covariances.back().trace() / static_cast<double>(d) * n / all;
      log_priors_.push_back(std::log(n / all));
    }
    if (!(variance > 0)) variance = 1;  // all samples are at their centres: only these count
    for (auto& covariance : covariances) {
      covariance.diagonal().array() += ridge * variance;
      factors_.emplace_back(covariance.llt());
    }
  }

  /// O(n K d^2).
  std::vector<int> operator()(const RowMatrix<float>& queries) const {
    if (queries.cols() != means_.front().size()) {
      throw std::invalid_argument("the queries have " + std::to_string(queries.cols()) +
                                  " columns, the classifier was made for " +
                                  std::to_string(means_.front().size()));
    }
    const Eigen::MatrixXd x = queries.cast<double>().transpose();  // a column each
    Eigen::VectorXd best =
        Eigen::VectorXd::Constant(x.cols(), -std::numeric_limits<double>::infinity());
    std::vector<int> predicted(static_cast<std::size_t>(x.cols()), classes_.front());
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      const Eigen::MatrixXd lower = factors_[c].matrixL();
      const double constant = log_priors_[c] - lower.diagonal().array().log().sum();
      Eigen::MatrixXd scaled = x.colwise() - means_[c].transpose();
      factors_[c].matrixL().solveInPlace(scaled);
      const Eigen::VectorXd score =
          (constant - scaled.colwise().squaredNorm().array() / 2).matrix().transpose();
      for (Eigen::Index i = 0; i < x.cols(); ++i) {
        if (score[i] <= best[i]) continue;
        best[i] = score[i];
        predicted[static_cast<std::size_t>(i)] = classes_[c];
      }
    }
    return predicted;
  }

  static constexpr double default_ridge = 0.01;

 private:
  std::vector<int> classes_;
  std::vector<Eigen::RowVectorXd> means_;
  std::vector<double> log_priors_;
  std::vector<Eigen::LLT<Eigen::MatrixXd>> factors_;
};

}  // namespace tiny
