#pragma once

#include <ldmat/cuda/kernel/evaluate.hpp>
#include <ldmat/cuda/view.hpp>

#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

/// A GPU as the backend sees it: launches, products and memory on a stream. For .cu files only. Every
/// call of CUDA and cuBLAS is checked; what fails is a std::runtime_error that names the call.

#if !defined(__CUDACC__)
#error "ldmat/cuda/loss.hpp must be compiled by nvcc, in a .cu file; C++ files use ldmat/ldmat.hpp"
#endif

namespace ldmat::detail::cuda {

template <>
struct StorageOf<__half> {
  using type = Eigen::half;
};
template <>
struct StorageOf<__nv_bfloat16> {
  using type = Eigen::bfloat16;
};

[[noreturn]] LDMAT_DETAIL_COLD inline void throw_failed(const char* call, const char* reason) {
  const std::string message = std::string("ldmat: ") + call + " failed: " + reason;
#if defined(__cpp_exceptions)
  throw std::runtime_error(message);
#else
  std::fprintf(stderr, "%s\n", message.c_str());
  std::abort();
#endif
}
inline void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess) throw_failed(call, cudaGetErrorString(status));
}
inline void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) throw_failed(call, cublasGetStatusString(status));
}

template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads, 2) run_kernel(const Kernel kernel) {
  using Shared = typename Kernel::Shared;
  static_assert(sizeof(Shared) <= 48 * 1024, "ldmat: a block has 48 KiB of shared memory");
  __shared__ alignas(16) unsigned char memory[sizeof(Shared)];
  DeviceBlock block;
  kernel(block, *reinterpret_cast<Shared*>(memory));
}

/// The GPU that was current when the object was made, and the stream that calls are launched on.
class CudaDevice {
 public:
  using Stream = cudaStream_t;

  CudaDevice() : index_(current()) {}

  /// Refuses to go on where another GPU is current by now.
  void require_current() const {
    const int now = current();
    if (now != index_) {
      throw_invalid({"the loss or its workspace was made for GPU ", index_, ", but GPU ", now,
                     " is current: see cudaSetDevice"});
    }
  }

  void set_stream(cudaStream_t stream) { stream_ = stream; }

  template <class Kernel>
  void launch(const Kernel& kernel, Index blocks) {
    if (blocks == 0) return;
    if (blocks > INT_MAX) {
      throw_invalid({"the batch is too large for a GPU: ", blocks, " blocks in one launch"});
    }
    void* arguments[] = {const_cast<Kernel*>(&kernel)};
    check(cudaLaunchKernel(run_kernel<Kernel>, dim3(static_cast<unsigned>(blocks)),
                           dim3(static_cast<unsigned>(Kernel::threads)), arguments, 0, stream_),
          "cudaLaunchKernel");
  }

  void zero(void* data, std::size_t bytes) {
    if (bytes > 0) check(cudaMemsetAsync(data, 0, bytes, stream_), "cudaMemsetAsync");
  }

  /// Makes what products need, at the first call: it allocates, so that nothing later does.
  void prepare_products(bool tf32) {
    tf32_ = tf32;
    if (handle_ != nullptr) return;
    cublasHandle_t handle = nullptr;
    check(cublasCreate(&handle), "cublasCreate");
    handle_.reset(handle);
    check(cublasSetAtomicsMode(handle, CUBLAS_ATOMICS_NOT_ALLOWED), "cublasSetAtomicsMode");
    check(cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_HOST), "cublasSetPointerMode");
  }
  /// What cuBLAS works in, so that it allocates nothing and streams do not share it: for Hopper it
  /// recommends this much.
  static std::size_t library_bytes() { return std::size_t{32} << 20; }
  void use_library_memory(void* memory, std::size_t bytes) {
    check(cublasSetStream(handle_.get(), stream_), "cublasSetStream");
    check(cublasSetWorkspace(handle_.get(), memory, bytes), "cublasSetWorkspace");
  }

  /// cuBLAS counts by columns: by rows c = a b is c^T = b^T a^T.
  template <class T>
  void multiply(const Product<T>& p) {
    if (p.m == 0 || p.n == 0) return;
    constexpr bool single = sizeof(T) == sizeof(float);
    constexpr cudaDataType type = single ? CUDA_R_32F : CUDA_R_64F;
    const cublasComputeType_t compute =
        single ? (tf32_ ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F) : CUBLAS_COMPUTE_64F;
    const T one = 1;
    const T before = p.add ? T(1) : T(0);
    const auto operation = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
    const auto size = [](Index of) { return static_cast<int>(of); };  // checked by the loss: < 2^24
    check(cublasGemmEx(handle_.get(), operation(p.b_transposed), operation(p.a_transposed),
                       size(p.n), size(p.m), size(p.k), &one, p.b, type, size(p.b_stride), p.a,
                       type, size(p.a_stride), &before, p.c, type, size(p.c_stride), compute,
                       CUBLAS_GEMM_DEFAULT),
          "cublasGemmEx");
  }

  static void* allocate(std::size_t bytes) {
    void* data = nullptr;
    check(cudaMalloc(&data, bytes), "cudaMalloc");
    return data;
  }
  static void release(void* data) noexcept { static_cast<void>(cudaFree(data)); }
  /// Done when it returns, whatever stream reads `to` next.
  static void to_device(void* to, const void* from, std::size_t bytes) {
    copy_now(to, from, bytes, cudaMemcpyHostToDevice);
  }
  /// Waits for the whole GPU: who has written `from`, and on which stream, is not known.
  static void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes == 0) return;
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    copy_now(to, from, bytes, cudaMemcpyDeviceToDevice);
  }
  /// The same to the host.
  static void copy_to_host(void* to, const void* from, std::size_t bytes) {
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    copy_now(to, from, bytes, cudaMemcpyDeviceToHost);
  }
  static void wait_for_all() { check(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); }
  /// Waits for `stream` only.
  static void to_host(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream), "cudaMemcpyAsync");
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  }
  /// Whether kernels can: not memory that only the host knows of.
  static bool can_read(const void* data) {
    cudaPointerAttributes attributes{};
    check(cudaPointerGetAttributes(&attributes, data), "cudaPointerGetAttributes");
    if (attributes.devicePointer != nullptr) return true;
    int all_of_it = 0;  // whether this GPU reaches all memory of the host
    check(cudaDeviceGetAttribute(&all_of_it, cudaDevAttrPageableMemoryAccess, current()),
          "cudaDeviceGetAttribute");
    return all_of_it != 0;
  }

 private:
  static int current() {
    int device = 0;
    check(cudaGetDevice(&device), "cudaGetDevice");
    return device;
  }
  /// On the calling thread's own stream, and done when it returns.
  static void copy_now(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(to, from, bytes, kind, cudaStreamPerThread), "cudaMemcpyAsync");
    check(cudaStreamSynchronize(cudaStreamPerThread), "cudaStreamSynchronize");
  }

  struct Destroy {
    void operator()(cublasContext* handle) const { static_cast<void>(cublasDestroy(handle)); }
  };

  int index_;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<cublasContext, Destroy> handle_;
  bool tf32_ = false;
};

}  // namespace ldmat::detail::cuda
