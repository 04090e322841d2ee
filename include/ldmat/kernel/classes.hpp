#pragma once

#include <ldmat/checks.hpp>
#include <ldmat/labels.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

/// Labelled samples as figures of a feature space read them: checked, and grouped by class.

namespace ldmat::detail {

/// One readable error for each argument that does not fit; to be asked before anything else is.
template <class F, class L, class M>
constexpr bool figure_takes() {
  static_assert(FeatureMatrix<F>, LDMAT_DETAIL_NEEDS_FEATURES);
  static_assert(ClassLabels<L>, LDMAT_DETAIL_NEEDS_IDS);
  static_assert(Metric<M>, LDMAT_DETAIL_NEEDS_METRIC);
  return true;
}

/// The features' view. Throws std::invalid_argument, naming `argument`, for negative strides and
/// for NaN or infinite features, which cannot be ranked.
template <FeatureMatrix F>
auto figure_features(const char* argument, const F& features) {
  const auto x = const_view(features);
  require_strides(argument, x);
  require_finite(argument, x, "features must be finite");
  return x;
}

/// The class ids of `rows` samples. Throws std::invalid_argument, naming the arguments, for another
/// number of labels and for ids below 0 or from 2^62 on.
template <ClassLabels L>
std::vector<std::int64_t> figure_labels(const char* argument, const L& labels, const char* features,
                                        Index rows) {
  require_count(argument, label_count(labels), features, rows);
  std::vector<std::int64_t> ids(static_cast<std::size_t>(rows));
  read_labels(argument, labels, 0, ids.data());
  return ids;
}

/// The classes that occur, numbered 0, 1, ... by ascending id.
class Classes {
 public:
  explicit Classes(const std::vector<std::int64_t>& labels) : ids_(labels) {
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    sizes_.resize(ids_.size());
    for (const std::int64_t id : labels) {
      of_sample_.push_back(number_of(id));
      ++sizes_[static_cast<std::size_t>(of_sample_.back())];
    }
  }

  Index count() const { return static_cast<Index>(ids_.size()); }
  Index samples() const { return static_cast<Index>(of_sample_.size()); }
  Index of_sample(Index i) const { return of_sample_[static_cast<std::size_t>(i)]; }
  /// Samples of class c; 0 for c = count().
  Index size(Index c) const { return c < count() ? sizes_[static_cast<std::size_t>(c)] : 0; }
  /// The number of the class of this id; count() where it does not occur.
  Index number_of(std::int64_t id) const {
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    return at == ids_.end() || *at != id ? count() : static_cast<Index>(at - ids_.begin());
  }

  /// The samples class by class, in each class by index.
  std::vector<Index> order() const {
    std::vector<Index> samples_by_class(of_sample_.size());
    std::iota(samples_by_class.begin(), samples_by_class.end(), Index{0});
    std::stable_sort(samples_by_class.begin(), samples_by_class.end(),
                     [&](Index i, Index j) { return of_sample(i) < of_sample(j); });
    return samples_by_class;
  }

 private:
  std::vector<std::int64_t> ids_;
  std::vector<Index> sizes_;
  std::vector<Index> of_sample_;
};

using RowMajorMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Mean feature vector of each class (classes x d), summed in double. O(n d) time.
template <class S>
RowMajorMatrix class_centres(MatrixView<const S> features, const Classes& classes) {
  RowMajorMatrix centres = RowMajorMatrix::Zero(classes.count(), features.columns);
  for (Index i = 0; i < features.rows; ++i) {
    for (Index k = 0; k < features.columns; ++k) {
      centres(classes.of_sample(i), k) += static_cast<double>(features(i, k));
    }
  }
  for (Index c = 0; c < classes.count(); ++c) {
    centres.row(c) /= static_cast<double>(classes.size(c));
  }
  return centres;
}

inline MatrixView<const double> centres_view(const RowMajorMatrix& centres) {
  return {centres.data(), centres.rows(), centres.cols(), centres.cols(), 1};
}

template <Metric M>
void require_metric(const M& metric) {
  if constexpr (requires { metric.validate(); }) metric.validate();
}

}  // namespace ldmat::detail
