#pragma once

#include <ldmat/cuda/kernel/report.hpp>
#include <ldmat/kernel/targets.hpp>
#include <ldmat/labels.hpp>

/// Class ids in the memory of the device: checked, and as numbers that kernels compare and look up.

namespace ldmat::detail::cuda {

/// Class ids as 64-bit integers; what is below 0 or from `classes` (0: 2^62) on is reported, and
/// replaced by 0.
template <ClassId L>
struct ReadLabels {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  const L* labels;
  Index n;
  Index classes;
  std::int64_t* ids;
  Report* report;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    const std::uint64_t limit =
        classes > 0 ? static_cast<std::uint64_t>(classes) : std::uint64_t{1} << 62;
    for_elements(block, n, [&](Index i) {
      const auto value = wide(labels[i]);
      const bool negative = is_signed && static_cast<std::int64_t>(value) < 0;
      const bool bad = negative || value >= limit;
      ids[i] = bad ? 0 : static_cast<std::int64_t>(value);
      if (bad) lower_atomically(&report->bad_label, i);
    });
  }

 private:
  template <class X>
  struct Integer {
    using type = X;
  };
  template <class X>
  requires std::is_enum_v<X>
  struct Integer<X> {
    using type = std::underlying_type_t<X>;
  };

 public:
  static constexpr bool is_signed = std::is_signed_v<typename Integer<L>::type>;
  LDMAT_KERNEL static std::uint64_t wide(L label) {
    const auto id = static_cast<typename Integer<L>::type>(label);
    using Wide = std::conditional_t<is_signed, std::int64_t, std::uint64_t>;
    return static_cast<std::uint64_t>(static_cast<Wide>(id));
  }
};

/// What the first refused label is.
template <ClassId L>
struct NameBadLabel {
  static constexpr int threads = 1;
  using Shared = NothingShared;
  const L* labels;
  Report* report;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    block.each([&](int) {
      if (report->bad_label >= report->samples) return;
      report->bad_label_value =
          static_cast<std::int64_t>(ReadLabels<L>::wide(labels[report->bad_label]));
      report->bad_label_unsigned = ReadLabels<L>::is_signed ? 0 : 1;
    });
  }
};

/// Ids of any size as numbers that a T holds exactly: the index of the first sample of the class. And
/// the pairs of one class. n^2 / 2 comparisons, cheaper than to sort.
template <class T>
struct CompareLabels {
  static constexpr int threads = block_threads;
  struct Shared {
    std::int64_t ids[threads];
  };
  const std::int64_t* labels;
  Index n;
  T* ids;
  Report* report;

  struct Seen {
    Index first;
    std::int64_t pairs;
  };

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
    typename Block::template PerThread<Seen> seen(block);
    const Index begin = block.index() * threads;
    block.each([&](int thread) { seen[thread] = {begin + thread, 0}; });
    for (Index from = 0; from <= begin; from += threads) {
      block.each(
          [&](int thread) { shared.ids[thread] = from + thread < n ? labels[from + thread] : -1; });
      block.each([&](int thread) {
        const Index i = begin + thread;
        if (i >= n) return;
        const std::int64_t own = labels[i];
        const Index left = i - from;
        const int count = left < threads ? static_cast<int>(left) : threads;
        Seen mine = seen[thread];
        for (int j = 0; j < count; ++j) {
          if (shared.ids[j] != own) continue;
          if (from + j < mine.first) mine.first = from + j;
          ++mine.pairs;
        }
        seen[thread] = mine;
      });
    }
    block.each([&](int thread) {
      const Index i = begin + thread;
      if (i >= n) return;
      ids[i] = static_cast<T>(seen[thread].first);
      if (seen[thread].pairs > 0) add_atomically(&report->counts.same, seen[thread].pairs);
    });
  }
};

/// The samples of each class (zero at first), and the ids as tables are looked up by.
template <class T>
struct CountClasses {
  static constexpr int threads = block_threads;
  using Shared = NothingShared;
  const std::int64_t* labels;
  Index n;
  T* ids;
  Id<T>* index;
  std::int64_t* samples;

  template <class Block>
  LDMAT_KERNEL void operator()(Block& block, Shared& /*shared*/) const {
    for_elements(block, n, [&](Index i) {
      ids[i] = static_cast<T>(labels[i]);
      index[i] = static_cast<Id<T>>(labels[i]);
      add_atomically(samples + labels[i], 1);
    });
  }
};

}  // namespace ldmat::detail::cuda
