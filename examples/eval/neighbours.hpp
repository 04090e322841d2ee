// Classification by the nearest samples of the gallery, found by nanoflann's k-d tree.
#pragma once

#include "eval/centroid.hpp"

#include <nanoflann.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

/// The nearest samples of each query, found once, for votes of as many of them as wanted.
class Neighbours {
 public:
  /// Finds the `most` nearest of the gallery by Euclidean distance, each query on one of OpenMP's
  /// threads. Which of samples at exactly equal distance is found is nanoflann's affair, and the
  /// same each time. Throws std::invalid_argument for `most` below 1 or above the gallery's size, and
  /// for features so large that squared distances are infinite in float.
  Neighbours(const FeatureSet& gallery, const RowMatrix<float>& queries, std::size_t most)
      : most_(most) {
    require_gallery(gallery, queries);
    if (most < 1 || most > gallery.labels.size()) {
      throw std::invalid_argument("the number of neighbours is " + std::to_string(most) +
                                  ", but must be from 1 to the size of the gallery, " +
                                  std::to_string(gallery.labels.size()));
    }
    const Points points{gallery.features};
    const Tree tree(static_cast<std::int32_t>(queries.cols()), points,
                    nanoflann::KDTreeSingleIndexAdaptorParams(leaf_size));
    labels_.resize(static_cast<std::size_t>(queries.rows()) * most);
    std::atomic<bool> all_found{true};  // nothing may be thrown out of the loop
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 64)
#endif
    for (Eigen::Index i = 0; i < queries.rows(); ++i) {
      std::vector<std::uint32_t> indices(most);
      std::vector<float> distances(most);
      if (tree.knnSearch(queries.row(i).data(), most, indices.data(), distances.data()) < most) {
        all_found = false;  // infinite distances are none to nanoflann
      }
      for (std::size_t rank = 0; rank < most; ++rank) {
        labels_[static_cast<std::size_t>(i) * most + rank] = gallery.labels[indices[rank]];
      }
    }
    if (!all_found) {
      throw std::invalid_argument(
          "squared distances between these features are too large for float: divide them by their "
          "largest value");
    }
  }

  /// The class with most votes among the k nearest; of classes with as many votes that of the
  /// nearest voter. Throws std::invalid_argument for k below 1 or above `most`.
  std::vector<int> vote(std::size_t k) const {
    if (k < 1 || k > most_) {
      throw std::invalid_argument("a vote of " + std::to_string(k) + " of " +
                                  std::to_string(most_) + " neighbours");
    }
    std::vector<int> predicted;
    for (std::size_t begin = 0; begin < labels_.size(); begin += most_) {
      std::map<int, int> votes;
      for (std::size_t rank = 0; rank < k; ++rank) ++votes[labels_[begin + rank]];
      int winner = labels_[begin];
      for (std::size_t rank = 1; rank < k; ++rank) {
        if (votes[labels_[begin + rank]] > votes[winner]) winner = labels_[begin + rank];
      }
      predicted.push_back(winner);
    }
    return predicted;
  }

 private:
  /// The gallery as nanoflann asks for it.
  struct Points {
    const RowMatrix<float>& rows;

    std::size_t kdtree_get_point_count() const { return static_cast<std::size_t>(rows.rows()); }
    float kdtree_get_pt(std::size_t row, std::size_t column) const {
      return rows.data()[row * static_cast<std::size_t>(rows.cols()) + column];
    }
    template <class Box>
    bool kdtree_get_bbox(Box& /*box*/) const {
      return false;  // nanoflann finds it itself
    }
  };
  /// Squared Euclidean distance by Eigen's vectors, which at 64 features take a fifth of the time of
  /// nanoflann's own L2_Adaptor.
  struct Metric {
    using ElementType = float;
    using DistanceType = float;

    explicit Metric(const Points& points) : rows(points.rows) {}
    float evalMetric(const float* query, std::uint32_t row, std::size_t size) const {
      const auto d = static_cast<Eigen::Index>(size);
      return (rows.row(row) - Eigen::Map<const Eigen::RowVectorXf>(query, d)).squaredNorm();
    }
    float accum_dist(float a, float b, std::size_t /*column*/) const { return (a - b) * (a - b); }

    const RowMatrix<float>& rows;
  };
  using Tree = nanoflann::KDTreeSingleIndexAdaptor<Metric, Points>;

  static constexpr std::size_t leaf_size = 32;

  std::size_t most_;
  std::vector<int> labels_;  ///< of each query's neighbours, the nearest first
};

}  // namespace tiny
