#pragma once

#include <ldmat/kernel/layout.hpp>
#include <ldmat/math.hpp>
#include <ldmat/view.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

/// Scratch memory of a loss. It grows to the largest batch seen and is then reused, so that a call
/// allocates nothing after the first of its shape: about (2 or 4) n d + one tile of accumulators.

namespace ldmat {

namespace detail {

/// Aligned scratch that only grows. A copy is empty: scratch is not state.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& /*other*/) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::move(other.data_)), capacity_(std::exchange(other.capacity_, 0)) {}
  // cppcheck-suppress operatorEqVarError  ; both keep the memory that they have
  Buffer& operator=(const Buffer& /*other*/) { return *this; }
  Buffer& operator=(Buffer&& other) noexcept {
    data_ = std::move(other.data_);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }
  ~Buffer() = default;

  /// Room for `count` elements, their values unspecified. Throws std::bad_alloc.
  T* reserve(Index count) {
    const auto size = static_cast<std::size_t>(count);
    if (size > capacity_) {
      data_.reset();
      capacity_ = 0;
      data_.reset(static_cast<T*>(::operator new(size * sizeof(T), alignment)));
      capacity_ = size;
    }
    return data_.get();
  }

  T* zeroed(Index count) {
    T* const data = reserve(count);
    for (Index i = 0; i < count; ++i) data[i] = T(0);
    return data;
  }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Free {
    void operator()(T* data) const { ::operator delete(data, alignment); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t capacity_ = 0;
};

}  // namespace detail

/// Scratch for calls of a Loss whose accumulator is T (float, or double for double features). One
/// per thread makes const calls of one Loss thread-safe. Copying gives an empty one.
template <class T>
struct Workspace {
  detail::Buffer<T> features;                 ///< packed features
  detail::Buffer<T> centred;                  ///< gram kernel: minus the batch mean, in two orders
  detail::Buffer<T> mean;                     ///< gram kernel: of the batch
  detail::Buffer<T> gradient;                 ///< with respect to the packed features
  detail::Buffer<T> norms;                    ///< squared norms of the centred features
  detail::Buffer<T> inverse_norms;            ///< of the features, for a metric of directions
  detail::Buffer<T> scratch;                  ///< a tile or a strip for every thread
  detail::Buffer<detail::BlockState> blocks;  ///< where the pairs of blocks are
  detail::Buffer<T> sums;                     ///< gram kernel: row sums of the coefficients
  detail::Buffer<T> ids;                      ///< class ids as the kernel compares them
  detail::Buffer<detail::Id<T>> index;        ///< class ids as the kernel looks them up
  detail::Buffer<std::int64_t> labels;        ///< class ids as read
  detail::Buffer<std::int64_t> sorted;        ///< the distinct ones
  detail::Buffer<std::int64_t> counts;        ///< samples per class
  detail::Buffer<T> table;                    ///< targets per class pair
  detail::Buffer<T> weights;                  ///< weights per class pair
  detail::Buffer<double> observed;            ///< sums of distances per class pair
  detail::Buffer<std::int64_t> observed_pairs;  ///< their numbers
  detail::Buffer<T> label_vectors;              ///< packed as the kernel reads them
};

}  // namespace ldmat
