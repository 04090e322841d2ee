#pragma once

#include <ldmat/kernel/simd.hpp>
#include <ldmat/view.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

/// The nearest of a row of distances.

namespace ldmat::detail {

/// Neighbours in order: by distance, those at equal distance by index.
struct Neighbour {
  double distance;
  Index index;

  bool operator<(const Neighbour& other) const {
    return distance < other.distance || (distance == other.distance && index < other.index);
  }
};

/// Picks the nearest of `count` samples without sorting the others: spreads the distances evenly
/// over many buckets, finds those buckets which hold the nearest, and sorts each of them. About
/// O(count + wanted) time, O(count log count) where distances are so uneven that most share one
/// bucket. O(count) memory.
template <class Arch>
class Nearest {
  using V = Pack<double, Arch>;
  static constexpr Index lanes = PackTraits<V>::size;

 public:
  explicit Nearest(Index count)
      : bucket_of_(static_cast<std::size_t>(count)),
        begins_(static_cast<std::size_t>(count / 4 + 2)) {}

  /// The `wanted` nearest in order, valid until the next call; not NaN. With `excluded` >= 0 that
  /// sample is passed over, and its distance overwritten. 1 <= wanted <= count, less one where a
  /// sample is excluded.
  std::span<const Neighbour> operator()(double* row, Index wanted, Index excluded = -1) {
    if (excluded >= 0) row[excluded] = row[excluded == 0 ? 1 : 0];
    const std::int32_t last = fill_buckets(row, wanted, excluded);
    for (std::size_t j = 0; j < bucket_of_.size(); ++j) {
      const auto index = static_cast<Index>(j);
      if (bucket_of_[j] > last || index == excluded) continue;
      nearest_[static_cast<std::size_t>(begins_[static_cast<std::size_t>(bucket_of_[j])]++)] = {
          row[j], index};
    }
    Index begin = 0;
    for (std::int32_t bucket = 0; bucket <= last; ++bucket) {
      const Index end = begins_[static_cast<std::size_t>(bucket)];  // moved there by filling it
      std::sort(nearest_.begin() + begin, nearest_.begin() + end);
      begin = end;
    }
    return {nearest_.data(), static_cast<std::size_t>(wanted)};
  }

 private:
  /// Sets the bucket of every sample, where the buckets begin, and room for all up to the returned
  /// one, the last of those that hold the `wanted` nearest.
  std::int32_t fill_buckets(const double* row, Index wanted, Index excluded) {
    const auto buckets = static_cast<std::int32_t>(begins_.size());
    const auto [low, high] = range_of(row);
    // Equal or infinite distances make the product NaN, which goes to the last bucket, as it must.
    const double scale = static_cast<double>(buckets - 1) / (high - low);
    const auto top = static_cast<double>(buckets - 1);
    for (std::size_t j = 0; j < bucket_of_.size(); ++j) {
      const double at = (row[j] - low) * scale;
      bucket_of_[j] = static_cast<std::int32_t>(at < top ? at : top);
    }
    std::fill(begins_.begin(), begins_.end(), Index{0});
    for (const std::int32_t bucket : bucket_of_) ++begins_[static_cast<std::size_t>(bucket)];
    if (excluded >= 0) {
      --begins_[static_cast<std::size_t>(bucket_of_[static_cast<std::size_t>(excluded)])];
    }
    std::int32_t last = -1;
    Index held = 0;
    while (held < wanted) {
      Index& begin = begins_[static_cast<std::size_t>(++last)];
      held += begin;
      begin = held - begin;
    }
    if (static_cast<Index>(nearest_.size()) < held) {
      nearest_.resize(static_cast<std::size_t>(held));
    }
    return last;
  }

  struct Range {
    double low;
    double high;
  };

  Range range_of(const double* row) const {
    using namespace math;
    const auto count = static_cast<Index>(bucket_of_.size());
    V lows(row[0]);
    V highs(row[0]);
    Index j = 0;
    for (; j + lanes <= count; j += lanes) {
      const V x = read<V>(row + j);
      lows = select(x < lows, x, lows);
      highs = select(highs < x, x, highs);
    }
    alignas(64) double low[lanes];
    alignas(64) double high[lanes];
    write(low, lows);
    write(high, highs);
    Range range{*std::min_element(low, low + lanes), *std::max_element(high, high + lanes)};
    for (; j < count; ++j) {
      range.low = std::min(range.low, row[j]);
      range.high = std::max(range.high, row[j]);
    }
    return range;
  }

  std::vector<std::int32_t> bucket_of_;
  std::vector<Index> begins_;  ///< counts of the buckets, then where each begins
  std::vector<Neighbour> nearest_;
};

}  // namespace ldmat::detail
