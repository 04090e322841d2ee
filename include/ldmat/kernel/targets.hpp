#pragma once

#include <ldmat/kernel/sums.hpp>
#include <ldmat/math.hpp>
#include <ldmat/regularizer.hpp>

/// Targets as kernels see them: `target.row(i).template pair<V>(j)` gives T_ij, w_ij and whether
/// the samples are of one class, for the pairs (i, j), (i, j + 1), ... of one pack V. Kernels know
/// nothing else of labels or regularizers. A pack may reach past the last sample: buffers are
/// padded by one pack, and what is read there is masked off by the kernel.

namespace ldmat::detail {

template <class V>
struct PairTarget {
  V distance;
  V weight;
  Mask<V> same;
};

/// T_ij and w_ij for the two kinds of pairs.
template <class T>
struct PairKinds {
  T same_distance;
  T different_distance;
  T same_weight;
  T different_weight;
};

/// Class ids with one distance for all classes: two values, chosen by comparing ids.
template <class T>
struct FixedDistanceTarget {
  static constexpr bool observes = false;
  const T* ids;
  PairKinds<T> kinds;

  struct Row {
    const T* ids;
    T id;
    PairKinds<T> kinds;

    template <class V>
    LDMAT_HOST_DEVICE PairTarget<V> pair(Index j) const {
      const Mask<V> same = read<V>(ids + j) == V(id);
      return {choose(same, V(kinds.same_distance), V(kinds.different_distance)),
              choose(same, V(kinds.same_weight), V(kinds.different_weight)), same};
    }
  };
  LDMAT_HOST_DEVICE LDMAT_ALWAYS_INLINE Row row(Index i) const { return {ids, ids[i], kinds}; }
};

/// Class ids with a table: T_ij = distances[y_i][y_j], and w_ij the same way or by kind of pair. What
/// is read from a table may reach 64 bytes from the beginning of a row: tables are padded by them.
template <class T>
struct ClassTableTarget {
  static constexpr bool observes = true;
  const T* ids;
  const Id<T>* index;  ///< the same ids as integers
  const T* distances;  ///< K x K
  const T* weights;    ///< K x K, or null: by kind
  T same_weight;
  T different_weight;
  Index classes = 0;
  ClassPairSums observed;  ///< null where nobody asks

  struct Row {
    const ClassTableTarget* table;
    T id;
    Index at;  ///< of the sample's row in the tables

    template <class V>
    LDMAT_HOST_DEVICE LDMAT_ALWAYS_INLINE PairTarget<V> pair(Index j) const {
      const Mask<V> same = read<V>(table->ids + j) == V(id);
      const auto in = [&](const T* of) LDMAT_ALWAYS_INLINE_LAMBDA {
        return LookUp<V>::in(of + at, table->classes, table->index + j);
      };
      const V distance = in(table->distances);
      if (table->weights != nullptr) return {distance, in(table->weights), same};
      return {distance, choose(same, V(table->same_weight), V(table->different_weight)), same};
    }
    LDMAT_HOST_DEVICE bool observing() const { return table->observed.distance != nullptr; }
    LDMAT_HOST_DEVICE LDMAT_ALWAYS_INLINE void observe(Index j, T distance) const {
      const Index to = at + static_cast<Index>(table->index[j]);
      table->observed.distance[to] += static_cast<double>(distance);
      ++table->observed.pairs[to];
    }
  };
  LDMAT_HOST_DEVICE LDMAT_ALWAYS_INLINE Row row(Index i) const {
    return {this, ids[i], static_cast<Index>(index[i]) * classes};
  }
};

/// Label vectors: L_ij = rho_L(l_i, l_j), regularized pair by pair. The vectors are held one
/// component behind the other (component k of sample i at labels[k * stride + i]).
template <class T, class LabelMetric, class R>
struct LabelVectorTarget {
  static constexpr bool observes = false;
  const T* labels;
  Index width;
  Index stride;
  LabelMetric metric;
  R regularizer;
  T mean_distance;
  T same_weight;
  T different_weight;

  struct Row {
    const LabelVectorTarget* target;
    Index i;

    template <class V>
    LDMAT_HOST_DEVICE V label_distance(Index j) const {
      V sum = math::constant<V>(0);
      for (Index k = 0; k < target->width; ++k) {
        const T* component = target->labels + k * target->stride;
        sum = target->metric.accumulate(sum, V(V(component[i]) - read<V>(component + j)));
      }
      return target->metric.distance(sum);
    }
    template <class V>
    LDMAT_HOST_DEVICE PairTarget<V> pair(Index j) const {
      using namespace math;
      const V distance = label_distance<V>(j);
      const Mask<V> same = distance == constant<V>(0);
      const LabelPair<V> label_pair{distance, V(target->mean_distance), distance};
      return {target->regularizer(label_pair),
              select(same, V(target->same_weight), V(target->different_weight)), same};
    }
  };
  LDMAT_HOST_DEVICE LDMAT_ALWAYS_INLINE Row row(Index i) const { return {this, i}; }
};

/// A whole n x n target of the caller's: T_ij, and L_ij (or T_ij itself) to tell same from
/// different.
template <class T, class S>
struct DenseTarget {
  static constexpr bool observes = false;
  MatrixView<const S> target;
  MatrixView<const S> label_distances;
  T same_weight;
  T different_weight;

  struct Row {
    const DenseTarget* dense;
    Index i;

    template <class V>
    LDMAT_HOST_DEVICE V values(const MatrixView<const S>& from, Index j) const {
      if constexpr (std::is_arithmetic_v<V>) {
        return static_cast<V>(from(i, j));
      } else {
        constexpr Index size = PackTraits<V>::size;
        alignas(64) T lane[size] = {};
        const Index count = from.columns - j < size ? from.columns - j : size;
        for (Index l = 0; l < count; ++l) lane[l] = static_cast<T>(from(i, j + l));
        return V::load_aligned(lane);
      }
    }
    template <class V>
    LDMAT_HOST_DEVICE PairTarget<V> pair(Index j) const {
      using namespace math;
      const V distance = values<V>(dense->target, j);
      const Mask<V> same = values<V>(dense->label_distances, j) == constant<V>(0);
      return {distance, select(same, V(dense->same_weight), V(dense->different_weight)), same};
    }
  };
  LDMAT_HOST_DEVICE LDMAT_ALWAYS_INLINE Row row(Index i) const { return {this, i}; }
};

}  // namespace ldmat::detail
