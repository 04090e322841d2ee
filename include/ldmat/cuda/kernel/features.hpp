#pragma once

#include <ldmat/cuda/kernel/report.hpp>
#include <ldmat/metric.hpp>

/// Features in the accumulator's type, as kernels read them, and the gradient on its way back: what
/// kernel/pack.hpp does on a CPU.

namespace ldmat::detail::cuda {

/// report.bad_feature = the first feature in row order that is NaN or infinite.
template <class S>
struct CheckFinite {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  MatrixView<const S> features;
  Report* report;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, features.rows * features.columns, [&](Index at) {
      const auto x = static_cast<double>(features(at / features.columns, at % features.columns));
      if (!(x - x == 0)) lower_atomically(&report->bad_feature, at);
    });
  }
};
template <class S>
struct NameBadFeature {
  static constexpr int threads = 1;
  using Shared = NothingShared;
  MatrixView<const S> features;
  Report* report;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    block.each([&](int) {
      const Index at = report->bad_feature;
      if (at >= report->features) return;
      report->bad_feature_value =
          static_cast<double>(features(at / features.columns, at % features.columns));
    });
  }
};

/// packed = features.
template <class S, class T>
struct PackFeatures {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  MatrixView<const S> features;
  MatrixView<T> packed;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, features.rows * features.columns, [&](Index at) {
      const Index i = at / features.columns;
      const Index k = at % features.columns;
      packed(i, k) = static_cast<T>(features(i, k));
    });
  }
};

/// Unit vectors along the rows, and one component more that is 1 for rows of zeros; 1 / |row|, 0 for
/// those. One block per row.
template <class S, class T>
struct PackDirections {
  static constexpr int threads = block_threads;
  struct Shared {
    double sums[1][threads];
    double largest;
  };
  MatrixView<const S> features;
  MatrixView<T> packed;
  T* inverse_norms;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    const Index i = block.index();
    const Index d = features.columns;
    const auto at = [&](Index k) { return static_cast<double>(static_cast<T>(features(i, k))); };
    // Scaled by the largest component, squares can't overflow.
    block.each([&](int thread) {
      double largest = 0;
      for (Index k = thread; k < d; k += threads) largest = larger(largest, math::abs(at(k)));
      shared.sums[0][thread] = largest;
    });
    for (int half = threads / 2; half > 0; half /= 2) {
      block.each([&](int thread) {
        double(&sizes)[threads] = shared.sums[0];
        if (thread < half) sizes[thread] = larger(sizes[thread], sizes[thread + half]);
      });
    }
    block.each([&](int thread) {
      if (thread == 0) shared.largest = shared.sums[0][0];
    });
    const double largest = shared.largest;
    block.each([&](int thread) {
      double sum = 0;
      for (Index k = thread; k < d; k += threads) {
        const double x = at(k) / largest;
        sum += x * x;
      }
      shared.sums[0][thread] = sum;
    });
    sum_over_threads(block, shared.sums);
    const bool zero = largest < static_cast<double>(smallest_normal<T>);
    block.each([&](int thread) {
      const double norm = math::sqrt(shared.sums[0][0]);
      for (Index k = thread; k < d; k += threads) {
        packed(i, k) = zero ? T(0) : static_cast<T>(at(k) / largest / norm);
      }
      if (thread == 0) {
        inverse_norms[i] = zero ? T(0) : static_cast<T>(1 / norm / largest);
        packed(i, d) = zero ? T(1) : T(0);
      }
    });
  }

 private:
  LDMAT_KERNEL static double larger(double a, double b) {
    if (a != a) return a;
    return b <= a ? a : b;
  }
};

/// sums(chunk, k) = sum over the rows of a chunk of component k. One block per chunk and 256
/// components.
template <class T>
struct SumColumns {
  static constexpr int threads = block_threads;
  static constexpr Index chunk = 256;
  using Shared = NothingShared;
  MatrixView<const T> rows;
  T* sums;  ///< chunks x columns

  static constexpr Index blocks(Index n, Index width) {
    return blocks_for(n, chunk) * blocks_for(width);
  }

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    const Index chunks = blocks_for(rows.rows, chunk);
    const Index part = block.index() % chunks;
    block.each([&](int thread) {
      const Index k = block.index() / chunks * threads + thread;
      if (k >= rows.columns) return;
      const Index end = part + 1 < chunks ? (part + 1) * chunk : rows.rows;
      T sum = 0;
      for (Index i = part * chunk; i < end; ++i) sum += rows(i, k);
      sums[part * rows.columns + k] = sum;
    });
  }
};

template <class T>
struct Mean {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  const T* sums;
  Index chunks;
  Index width;
  Index n;
  T* mean;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, width, [&](Index k) {
      T sum = 0;
      for (Index part = 0; part < chunks; ++part) sum += sums[part * width + k];
      mean[k] = sum / static_cast<T>(n);
    });
  }
};

/// centred = rows - mean, and the squared norms of what that leaves. One block per row.
template <class T>
struct Centre {
  static constexpr int threads = block_threads;
  struct Shared {
    T sums[1][threads];
  };
  MatrixView<const T> rows;
  const T* mean;
  MatrixView<T> centred;
  T* norms;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    const Index i = block.index();
    block.each([&](int thread) {
      T sum = 0;
      for (Index k = thread; k < rows.columns; k += threads) {
        const T x = rows(i, k) - mean[k];
        centred(i, k) = x;
        sum += x * x;
      }
      shared.sums[0][thread] = sum;
    });
    sum_over_threads(block, shared.sums);
    block.each([&](int thread) {
      if (thread == 0) norms[i] = shared.sums[0][0];
    });
  }
};

/// gradient = scale * packed_gradient, unless the call was refused.
template <class T, class G>
struct WriteGradient {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  MatrixView<const T> packed_gradient;
  const Report* report;
  MatrixView<G> gradient;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, gradient.rows * gradient.columns, [&](Index at) {
      if (report->refused()) return;
      const Index i = at / gradient.columns;
      const Index k = at % gradient.columns;
      const auto factor = static_cast<T>(report->gradient_scale);
      gradient(i, k) = static_cast<G>(factor * packed_gradient(i, k));
    });
  }
};

/// The same back through the scaling to unit norm: (g - u (u.g)) / |x|. One block per row.
template <class T, class G>
struct WriteDirectionGradient {
  static constexpr int threads = block_threads;
  struct Shared {
    double sums[1][threads];
  };
  MatrixView<const T> packed_gradient;
  MatrixView<const T> packed;
  const T* inverse_norms;
  const Report* report;
  MatrixView<G> gradient;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    const Index i = block.index();
    const Index d = gradient.columns;
    block.each([&](int thread) {
      double sum = 0;
      for (Index k = thread; k < d; k += threads) {
        sum += static_cast<double>(packed(i, k)) * static_cast<double>(packed_gradient(i, k));
      }
      shared.sums[0][thread] = sum;
    });
    sum_over_threads(block, shared.sums);
    block.each([&](int thread) {
      if (report->refused()) return;
      const auto along = static_cast<T>(shared.sums[0][0]);
      const auto factor = static_cast<T>(report->gradient_scale);
      for (Index k = thread; k < d; k += threads) {
        const T across = packed_gradient(i, k) - packed(i, k) * along;
        gradient(i, k) = static_cast<G>(factor * (across * inverse_norms[i]));
      }
    });
  }
};

}  // namespace ldmat::detail::cuda
