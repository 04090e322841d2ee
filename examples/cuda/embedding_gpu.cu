#include "embedding.hpp"

#include <ldmat/cuda/loss.hpp>

// The machine of the GPU.

namespace {

namespace cuda = ldmat::cuda;
using ldmat::detail::cuda::check;

template <class T>
struct OnGpu {
  explicit OnGpu(const std::vector<T>& from) {
    check(cudaMalloc(&data, from.size() * sizeof(T)), "cudaMalloc");
    check(cudaMemcpy(data, from.data(), from.size() * sizeof(T), cudaMemcpyHostToDevice),
          "cudaMemcpy");
  }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;
  ~OnGpu() { static_cast<void>(cudaFree(data)); }
  T* data = nullptr;
};

class Gpu {
 public:
  using Backend = ldmat::cuda_gpu;
  using Matrix = cuda::DeviceMatrix<float>;

  Gpu() { check(cublasCreate(&handle_), "cublasCreate"); }
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;
  ~Gpu() { static_cast<void>(cublasDestroy(handle_)); }

  template <class T>
  OnGpu<T> copy(const std::vector<T>& from) {
    return OnGpu<T>(from);
  }
  Matrix rows(const OnGpu<float>& from, Index first, Index count, Index columns) {
    return cuda::device_matrix(from.data + first * columns, count, columns);
  }
  cuda::DeviceLabels<int> labels(const OnGpu<int>& from, Index first, Index count) {
    return cuda::device_labels(static_cast<const int*>(from.data + first), count);
  }

  // cuBLAS counts by columns: c^T = b^T a^T.
  void multiply(const Matrix& a, const Matrix& b, const Matrix& c) {
    product(CUBLAS_OP_N, a, b, c, a.view.columns);
  }
  void multiply_transposed(const Matrix& a, const Matrix& b, const Matrix& c) {
    product(CUBLAS_OP_T, a, b, c, a.view.rows);
  }
  void add(const Matrix& x, float factor, const Matrix& y) {
    check(cublasSaxpy(handle_, static_cast<int>(x.view.rows * x.view.columns), &factor, x.view.data,
                      1, y.view.data, 1),
          "cublasSaxpy");
  }

 private:
  void product(cublasOperation_t a_operation, const Matrix& a, const Matrix& b, const Matrix& c,
               Index terms) {
    const float one = 1;
    const float zero = 0;
    check(
        cublasSgemm(handle_, CUBLAS_OP_N, a_operation, static_cast<int>(c.view.columns),
                    static_cast<int>(c.view.rows), static_cast<int>(terms), &one, b.view.data,
                    static_cast<int>(b.view.columns), a.view.data, static_cast<int>(a.view.columns),
                    &zero, c.view.data, static_cast<int>(c.view.columns)),
        "cublasSgemm");
  }

  cublasHandle_t handle_ = nullptr;
};

}  // namespace

std::vector<double> train_on_gpu(const Digits& digits) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) return {};
  Gpu gpu;
  return train(gpu, digits);
}
