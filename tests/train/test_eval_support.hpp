#pragma once

#include "app/features_file.hpp"
#include "rng.hpp"
#include "train/test_data_support.hpp"

#include <vector>

namespace test {

/// Round clouds of `width` around a centre for each class, which is the same for every seed.
inline tiny::FeatureSet clouds(Eigen::Index count, Eigen::Index d, int classes, double width,
                               std::uint64_t seed) {
  tiny::Rng centre_rng(99);
  tiny::RowMatrix<float> centres(classes, d);
  for (Eigen::Index k = 0; k < centres.size(); ++k) {
    centres.data()[k] = static_cast<float>(2 * centre_rng.normal());
  }
  tiny::Rng rng(seed);
  tiny::FeatureSet set{tiny::RowMatrix<float>(count, d), {}};
  for (Eigen::Index i = 0; i < count; ++i) {
    const auto label = static_cast<int>(i) % classes;
    set.labels.push_back(label);
    for (Eigen::Index k = 0; k < d; ++k) {
      set.features(i, k) = centres(label, k) + static_cast<float>(width * rng.normal());
    }
  }
  return set;
}

}  // namespace test
