#pragma once

#include <ldmat/cuda/kernel/evaluate.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

/// A device that is this processor: runs the kernels of the CUDA backend one thread after the other, on
/// ordinary memory. For tests, where there is no GPU; nobody would want its speed.

namespace ldmat::detail::cuda {

#if defined(__CUDACC__)
#error "ldmat/cuda/serial.hpp is for C++ compilers; a .cu file includes ldmat/cuda/loss.hpp"
#endif

class SerialDevice {
 public:
  struct Stream {};

  /// In which order blocks and threads run: results that depend on it are a race.
  bool backwards = false;
  /// Products round their factors to TF32, as tensor cores do: to 10 bits of mantissa.
  bool tf32 = false;
  /// To the nearest, or towards zero: sources disagree on what cuBLAS lets tensor cores do.
  bool tf32_to_nearest = false;
  /// Launches so far.
  Index launches = 0;

  void set_stream(Stream /*stream*/) {}

  template <class Kernel>
  void launch(const Kernel& kernel, Index blocks) {
    if (blocks == 0) return;
    ++launches;
    using Shared = typename Kernel::Shared;
    const auto memory = std::make_unique<Room<Shared>>();
    for (Index at = 0; at < blocks; ++at) {
      std::memset(memory->bytes, 0xff, sizeof(Shared));  // what is not set is NaN
      SerialBlock block(backwards ? blocks - 1 - at : at, Kernel::threads, backwards);
      kernel(block, *reinterpret_cast<Shared*>(memory->bytes));
    }
  }

  void zero(void* data, std::size_t bytes) {
    if (bytes > 0) std::memset(data, 0, bytes);
  }

  template <class T>
  void multiply(const Product<T>& p) {
    for (Index i = 0; i < p.m; ++i) {
      for (Index j = 0; j < p.n; ++j) {
        T sum = 0;
        for (Index k = 0; k < p.k; ++k) {
          const T a = p.a_transposed ? p.a[k * p.a_stride + i] : p.a[i * p.a_stride + k];
          const T b = p.b_transposed ? p.b[j * p.b_stride + k] : p.b[k * p.b_stride + j];
          sum += factor(a) * factor(b);
        }
        T& c = p.c[i * p.c_stride + j];
        c = p.add ? c + sum : sum;
      }
    }
  }

  static std::size_t library_bytes() { return 0; }
  void use_library_memory(void* /*memory*/, std::size_t /*bytes*/) {}
  void prepare_products(bool use_tf32) { tf32 = use_tf32; }

  static void* allocate(std::size_t bytes) { return ::operator new(bytes, alignment); }
  static void release(void* data) noexcept { ::operator delete(data, alignment); }
  static void to_device(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  static void to_host(void* to, const void* from, std::size_t bytes, Stream /*stream*/) {
    to_device(to, from, bytes);
  }
  static void copy_to_host(void* to, const void* from, std::size_t bytes) {
    to_device(to, from, bytes);
  }
  static void copy(void* to, const void* from, std::size_t bytes) { to_device(to, from, bytes); }
  static void wait_for_all() {}
  void require_current() const {}
  /// What a call finds in its memory is of no call before: NaN, so that reading it would show.
  static void forget(void* memory, std::size_t bytes) {
    if (bytes > 0) std::memset(memory, 0xff, bytes);
  }
  static bool can_read(const void* /*data*/) { return true; }

 private:
  static constexpr std::align_val_t alignment{256};

  template <class Shared>
  struct Room {
    alignas(64) std::byte bytes[sizeof(Shared)];
  };

  template <class T>
  T factor(T x) const {
    if constexpr (sizeof(T) == sizeof(std::uint32_t)) {
      if (!tf32) return x;
      std::uint32_t bits;
      std::memcpy(&bits, &x, sizeof bits);
      bits = (tf32_to_nearest ? bits + 0x1000u : bits) & ~0x1fffu;
      std::memcpy(&x, &bits, sizeof bits);
    }
    return x;
  }
};

}  // namespace ldmat::detail::cuda
