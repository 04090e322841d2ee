#pragma once

#include <ldmat/kernel/pack.hpp>
#include <ldmat/kernel/simd.hpp>
#include <ldmat/workspace.hpp>

#include <algorithm>
#include <array>

/// Distances of every sample of one set to every sample of another, a few rows of the distance
/// matrix at a time: what figures of a feature space are made of. All of it is in double, so that
/// figures do not depend on the instruction set but for the last digits. A distance is computed by
/// the same operations wherever its samples lie, so that copies of one sample are at exactly equal
/// distances from any other.

namespace ldmat::detail {

/// Samples as `for_each_row` reads them: blocks of `block` samples, within a block one component
/// behind the other, the last block filled up with zeros. n d doubles of memory.
template <class Arch>
class SampleBlocks {
  using V = Pack<double, Arch>;

 public:
  SampleBlocks(const SampleBlocks&) = delete;
  SampleBlocks& operator=(const SampleBlocks&) = delete;

  static constexpr Index lanes = PackTraits<V>::size;
  static constexpr Index block = 2 * lanes;

  /// The rows of `features` as `metric` wants them; with `order`, row order[i] as sample i.
  template <class S, Metric M>
  SampleBlocks(MatrixView<const S> features, const M& /*metric*/, const Index* order = nullptr)
      : size_(features.rows),
        padded_size_((size_ + block - 1) / block * block),
        width_(packed_width<M>(features.columns)),
        data_(buffer_.zeroed(padded_size_ * width_ + block)) {
    for (Index i = 0; i < size_; ++i) {
      const Index from = order == nullptr ? i : order[i];
      const S* const at = features.columns == 0 ? nullptr : &features(from, 0);
      const MatrixView<const S> row{at, 1, features.columns, 0, features.column_stride};
      double inverse_norm = 0;
      pack_features<M, S, double>(row, {data_ + offset(i), 1, width_, 0, block}, &inverse_norm);
    }
  }

  Index size() const { return size_; }
  Index padded_size() const { return padded_size_; }
  Index width() const { return width_; }

  /// Component 0 of sample i; component k lies k * block behind it, that of the next sample of the
  /// same block 1 behind it.
  const double* sample(Index i) const { return data_ + offset(i); }

 private:
  Index offset(Index i) const { return i / block * block * width_ + i % block; }

  Index size_;
  Index padded_size_;
  Index width_;
  Buffer<double> buffer_;
  double* data_;
};

/// Rows of the distance matrix that are computed together, and how many of them in registers.
inline constexpr Index strip_rows = 8;
inline constexpr Index group_rows = 4;

/// rows[r * set.padded_size() + j] = distance of queries[r] to sample j of `set`, for the block of
/// samples that starts at j and the `group_rows` rows.
template <class Arch, Metric M>
void block_distances(const std::array<const double*, group_rows>& queries,
                     const SampleBlocks<Arch>& set, Index j, const M& metric,
                     double* rows) noexcept {
  using V = Pack<double, Arch>;
  using Samples = SampleBlocks<Arch>;
  const double* const samples = set.sample(j);
  V sums[group_rows][2];
  for (auto& sum : sums) sum[0] = sum[1] = math::constant<V>(0);
  for (Index k = 0; k < set.width(); ++k) {
    const V x0 = read<V>(samples + k * Samples::block);
    const V x1 = read<V>(samples + k * Samples::block + Samples::lanes);
    for (std::size_t r = 0; r < group_rows; ++r) {
      const V query(queries[r][k * Samples::block]);
      sums[r][0] = metric.accumulate(sums[r][0], V(query - x0));
      sums[r][1] = metric.accumulate(sums[r][1], V(query - x1));
    }
  }
  for (Index r = 0; r < group_rows; ++r) {
    double* const to = rows + r * set.padded_size() + j;
    write(to, V(metric.distance(sums[r][0])));
    write(to + Samples::lanes, V(metric.distance(sums[r][1])));
  }
}

/// Calls visit(i, row) for every sample i of `queries` in order, with row[j] its distance to sample
/// j of `set`; the row may be written to, and holds one pack of unspecified numbers behind its end.
/// `upper`: only j >= i are computed. O(n m d) time for n samples against m, 8 m doubles of memory.
template <class Arch, Metric M, class Visit>
void for_each_row(const SampleBlocks<Arch>& queries, const SampleBlocks<Arch>& set, const M& metric,
                  bool upper, const Visit& visit) {
  constexpr Index block = SampleBlocks<Arch>::block;
  const Index n = queries.size();
  Buffer<double> buffer;
  double* const rows = buffer.reserve(strip_rows * set.padded_size());
  for (Index first = 0; first < n; first += strip_rows) {
    const Index end = std::min(first + strip_rows, n);
    for (Index j = upper ? first / block * block : 0; j < set.size(); j += block) {
      for (Index i = first; i < end; i += group_rows) {
        std::array<const double*, group_rows> group{};
        for (Index r = 0; r < group_rows; ++r) {
          group[static_cast<std::size_t>(r)] = queries.sample(std::min(i + r, n - 1));
        }
        block_distances(group, set, j, metric, rows + (i - first) * set.padded_size());
      }
    }
    for (Index i = first; i < end; ++i) visit(i, rows + (i - first) * set.padded_size());
  }
}

/// Sum of x[0..count), in packs and in double.
template <class Arch, class Of>
double sum_over(const double* x, Index count, const Of& of) noexcept {
  using V = Pack<double, Arch>;
  constexpr Index lanes = PackTraits<V>::size;
  V even = math::constant<V>(0);
  V odd = math::constant<V>(0);
  Index j = 0;
  for (; j + 2 * lanes <= count; j += 2 * lanes) {
    even = even + of(read<V>(x + j));
    odd = odd + of(read<V>(x + j + lanes));
  }
  double sum = sum_of(V(even + odd));
  for (; j < count; ++j) sum += of(x[j]);
  return sum;
}

}  // namespace ldmat::detail
