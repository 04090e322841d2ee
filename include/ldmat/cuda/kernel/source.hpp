#pragma once

#include <ldmat/cuda/kernel/report.hpp>
#include <ldmat/kernel/targets.hpp>

/// Targets whose numbers are only known on the device: what depends on how many pairs of which kind a
/// batch has. A source is handed to kernels by value; `load()` in a kernel gives the target of
/// kernel/targets.hpp that all backends read.

namespace ldmat::detail::cuda {

/// Filled by the kernels of targets.hpp, read through the sources.
template <class T>
struct TargetFacts {
  PairKinds<T> kinds;
  double mean;  ///< of the label distances over all pairs
};

/// One distance between all classes.
template <class T>
struct FixedSource {
  const T* ids;
  const TargetFacts<T>* facts;

  LDMAT_KERNEL FixedDistanceTarget<T> load() const { return {ids, facts->kinds}; }
};

/// A table of distances, of weights, or of both.
template <class T>
struct TableSource {
  const T* ids;
  const Id<T>* index;
  const T* distances;  ///< K x K
  const T* weights;    ///< K x K or null
  Index classes;
  const TargetFacts<T>* facts;

  LDMAT_KERNEL ClassTableTarget<T> load() const {
    return {ids,
            index,
            distances,
            weights,
            facts->kinds.same_weight,
            facts->kinds.different_weight,
            classes,
            ClassPairSums{}};
  }
};

/// Label vectors, and whole targets: a target as the host can say it, and what the device adds.
template <class T, class Target>
struct SurveyedSource {
  Target target;
  const TargetFacts<T>* facts;

  LDMAT_KERNEL Target load() const {
    Target loaded = target;
    loaded.same_weight = facts->kinds.same_weight;
    loaded.different_weight = facts->kinds.different_weight;
    if constexpr (requires { loaded.mean_distance; }) {
      loaded.mean_distance = static_cast<T>(facts->mean);
    }
    return loaded;
  }
};

}  // namespace ldmat::detail::cuda
