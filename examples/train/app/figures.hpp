// What is measured of the features that a network learned.
#pragma once

#include "app/attainable.hpp"
#include "app/feature_loss.hpp"
#include "app/trainer.hpp"
#include "data/dataset.hpp"

#include <ldmat/quality.hpp>
#include <ldmat/retrieval.hpp>

#include <optional>
#include <span>
#include <vector>

namespace tiny {

/// All by the distance that the network was trained for.
struct Figures {
  double nearest_centroid = 0;       ///< share of test images whose nearest class centre is theirs
  double five_neighbours = 0;        ///< the same by the majority of the 5 nearest training images
  std::optional<double> softmax;     ///< by the loss's own prediction, where it has one
  ldmat::ClassSpread spread;         ///< of the test images
  std::optional<Attained> attained;  ///< for ldmat with Euclidean distances
};

inline Figures figures_of(const RowMatrix<float>& gallery, const std::vector<int>& gallery_labels,
                          const RowMatrix<float>& test, const std::vector<int>& test_labels,
                          FeatureLoss& loss, const TrainOptions& options,
                          const Eigen::MatrixXd& class_table) {
  Figures figures;
  detail::with_metric(options, [&](const auto& metric) {
    figures.nearest_centroid =
        ldmat::nearest_centroid_accuracy(gallery, gallery_labels, test, test_labels, metric);
    figures.five_neighbours =
        ldmat::knn_accuracy(gallery, gallery_labels, test, test_labels, 5, metric);
    figures.spread = ldmat::class_spread(test, test_labels, metric);
  });
  figures.attained = attained_of(test, test_labels, options, class_table);
  const auto predicted = loss.predict(test);
  if (!predicted.empty()) {
    double right = 0;
    for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == test_labels[i];
    figures.softmax = right / static_cast<double>(predicted.size());
  }
  return figures;
}

/// Nearest-centroid accuracy of some test images, with some training images as gallery.
inline double quick_accuracy(Trainer& trainer, const Dataset& train,
                             std::span<const std::uint32_t> gallery, const Dataset& test,
                             std::span<const std::uint32_t> queries) {
  const auto centres_of = trainer.features(train, gallery);
  const auto features = trainer.features(test, queries);
  double accuracy = 0;
  detail::with_metric(trainer.options(), [&](const auto& metric) {
    accuracy = ldmat::nearest_centroid_accuracy(centres_of, gather_labels(train, gallery), features,
                                                gather_labels(test, queries), metric);
  });
  return accuracy;
}

}  // namespace tiny
