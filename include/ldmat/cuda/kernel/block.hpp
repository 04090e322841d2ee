#pragma once

#include <ldmat/shape.hpp>

#include <cstdint>
#if !defined(__CUDACC__)
#include <cstring>
#include <utility>
#include <vector>
#endif

/// Kernels as they are written here: for one block of threads, in phases with a barrier behind each.
///
///   struct MyKernel {
///     static constexpr int threads = 256;               // of a block
///     struct Shared { float sums[threads]; };           // what they share; not set at the beginning
///     template <class Block>
///     LDMAT_KERNEL void operator()(Block& block, Shared& shared) const {
///       typename Block::template PerThread<float> mine(block);   // what a thread keeps between phases
///       block.each([&](int thread) { shared.sums[thread] = mine[thread] = ...; });
///       block.each([&](int thread) { ... shared.sums[0] ... });
///     }
///   };
///
/// On a GPU a phase runs on all threads at once, here one thread after the other, in an order that
/// tests choose: a body whose result depends on it has a race. No phase may read what another thread
/// writes in it.

#if defined(__CUDACC__)
#define LDMAT_KERNEL __device__
/// Before a loop over numbers that must stay in registers.
#define LDMAT_UNROLL _Pragma("unroll")
#else
#define LDMAT_KERNEL
#define LDMAT_UNROLL
#endif

namespace ldmat::detail::cuda {

inline constexpr int block_threads = 256;

/// For kernels whose threads share nothing.
struct NothingShared {};

#if defined(__CUDACC__)

/// One block of a launch on a GPU.
class DeviceBlock {
 public:
  __device__ Index index() const { return static_cast<Index>(blockIdx.x); }

  template <class Phase>
  __device__ void each(const Phase& phase) {
    phase(static_cast<int>(threadIdx.x));
    __syncthreads();
  }
  /// Whether phase(thread) is true of any thread.
  template <class Phase>
  __device__ bool any(const Phase& phase) {
    return __syncthreads_or(phase(static_cast<int>(threadIdx.x)) ? 1 : 0) != 0;
  }

  template <class T>
  class PerThread {
   public:
    __device__ explicit PerThread(const DeviceBlock& /*block*/) {}
    __device__ T& operator[](int /*thread*/) { return value_; }

   private:
    T value_;
  };
};

#else

/// One block of a launch that runs here, thread by thread.
class SerialBlock {
 public:
  SerialBlock(Index index, int threads, bool backwards)
      : index_(index), threads_(threads), backwards_(backwards) {}

  Index index() const { return index_; }

  template <class Phase>
  void each(const Phase& phase) {
    for (int t = 0; t < threads_; ++t) phase(backwards_ ? threads_ - 1 - t : t);
  }
  template <class Phase>
  bool any(const Phase& phase) {
    bool result = false;
    each([&](int thread) {
      if (phase(thread)) result = true;
    });
    return result;
  }

  template <class T>
  class PerThread {
   public:
    explicit PerThread(const SerialBlock& block)
        : values_(static_cast<std::size_t>(block.threads_)) {
      // Nothing is set on a GPU either: whoever reads before writing shall see it.
      std::memset(static_cast<void*>(values_.data()), 0xff, values_.size() * sizeof(T));
    }
    T& operator[](int thread) { return values_[static_cast<std::size_t>(thread)]; }

   private:
    std::vector<T> values_;
  };

 private:
  Index index_;
  int threads_;
  bool backwards_;
};

#endif

/// visit(i) for the elements i < count that are a block's, one each thread, where the launch has
/// `blocks_for(count)` blocks.
template <class Block, class Visit>
LDMAT_KERNEL void for_elements(Block& block, Index count, const Visit& visit) {
  block.each([&](int thread) {
    const Index i = block.index() * block_threads + thread;
    if (i < count) visit(i);
  });
}
LDMAT_HOST_DEVICE constexpr Index blocks_for(Index count, Index each = block_threads) {
  return (count + each - 1) / each;
}

/// totals[q][0] = sum over t of totals[q][t], for `Count` rows of one number per thread, always in the
/// same order.
template <int Count, int Threads, class Block, class T>
LDMAT_KERNEL void sum_over_threads(Block& block, T (&totals)[Count][Threads]) {
  static_assert((Threads & (Threads - 1)) == 0);
  for (int half = Threads / 2; half > 0; half /= 2) {
    block.each([&](int thread) {
      if (thread >= half) return;
      for (int q = 0; q < Count; ++q) totals[q][thread] += totals[q][thread + half];
    });
  }
}

/// *to += value and *to = min(*to, value) for integers that several blocks write to: the only sums
/// whose result does not depend on who comes first.
LDMAT_KERNEL inline void add_atomically(std::int64_t* to, std::int64_t value) {
#if defined(__CUDACC__)
  atomicAdd(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(value));
#else
  *to += value;
#endif
}
LDMAT_KERNEL inline void lower_atomically(std::int64_t* to, std::int64_t value) {
#if defined(__CUDACC__)
  atomicMin(reinterpret_cast<long long*>(to), static_cast<long long>(value));
#else
  if (value < *to) *to = value;
#endif
}

}  // namespace ldmat::detail::cuda
