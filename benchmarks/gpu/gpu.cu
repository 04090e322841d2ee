// Times of the loss on a GPU, beside what the GPU can do at most, in one run:
//
//   gpu_bench [n d]...    one line of JSON for the limits, and one for each shape

#include <ldmat/cuda/loss.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace cuda = ldmat::cuda;
using ldmat::Index;
using ldmat::detail::cuda::check;

namespace {

template <class T>
class Buffer {
 public:
  explicit Buffer(Index count) {
    check(cudaMalloc(&data_, static_cast<std::size_t>(count) * sizeof(T)), "cudaMalloc");
    check(cudaMemset(data_, 0, static_cast<std::size_t>(count) * sizeof(T)), "cudaMemset");
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { static_cast<void>(cudaFree(data_)); }
  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

// Median milliseconds of a call, of 15 after 3 that do not count; each repeated so often that the clock
// of the GPU is fine enough for it.
template <class Call>
double median_ms(const Call& call) {
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  check(cudaEventCreate(&begin), "cudaEventCreate");
  check(cudaEventCreate(&end), "cudaEventCreate");
  const auto timed = [&](int repeats) {
    float ms = 0;
    check(cudaEventRecord(begin), "cudaEventRecord");
    for (int at = 0; at < repeats; ++at) call();
    check(cudaEventRecord(end), "cudaEventRecord");
    check(cudaEventSynchronize(end), "cudaEventSynchronize");
    check(cudaEventElapsedTime(&ms, begin, end), "cudaEventElapsedTime");
    return static_cast<double>(ms) / repeats;
  };
  double one = 0;
  for (int at = 0; at < 3; ++at) one = timed(1);
  const int repeats = std::clamp(static_cast<int>(5 / std::max(one, 1e-3)), 1, 200);
  std::vector<double> times;
  for (int at = 0; at < 15; ++at) times.push_back(timed(repeats));
  std::nth_element(times.begin(), times.begin() + 7, times.end());
  check(cudaEventDestroy(begin), "cudaEventDestroy");
  check(cudaEventDestroy(end), "cudaEventDestroy");
  return times[7];
}

void print_limits() {
  constexpr Index bytes = Index{1} << 30;
  const Buffer<char> from(bytes);
  const Buffer<char> to(bytes);
  const double copy = median_ms([&] {
    check(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice),
          "cudaMemcpyAsync");
  });
  constexpr int size = 8192;
  const Buffer<float> a(Index{size} * size);
  const Buffer<float> b(Index{size} * size);
  const Buffer<float> c(Index{size} * size);
  cublasHandle_t handle = nullptr;
  check(cublasCreate(&handle), "cublasCreate");
  const float one = 1;
  const float zero = 0;
  const double product = median_ms([&] {
    check(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, size, size, size, &one, a.data(), size,
                      b.data(), size, &zero, c.data(), size),
          "cublasSgemm");
  });
  check(cublasDestroy(handle), "cublasDestroy");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  std::printf("{\"gpu\": \"%s\", \"copy_gb_s\": %.1f, \"product_tflops\": %.2f}\n", properties.name,
              2.0 * bytes / copy * 1e-6, 2.0 * size * size * size / product * 1e-9);
}

// Random features of 10 classes around centres, as a training of some epochs leaves them.
void print_shape(Index n, Index d) {
  std::vector<float> features(static_cast<std::size_t>(n * d));
  std::vector<int> labels(static_cast<std::size_t>(n));
  std::uint32_t state = 7;
  for (Index i = 0; i < n; ++i) {
    labels[static_cast<std::size_t>(i)] = static_cast<int>(i % 10);
    for (Index k = 0; k < d; ++k) {
      state = state * 1664525u + 1013904223u;
      const float noise = static_cast<float>(state >> 8) / static_cast<float>(1 << 24);
      features[static_cast<std::size_t>(i * d + k)] =
          static_cast<float>((i % 10 * 31 + k * 17) % 10) / 10 + noise;
    }
  }
  const Buffer<float> x(n * d);
  const Buffer<int> y(n);
  const Buffer<float> g(n * d);
  ldmat::detail::cuda::CudaDevice::to_device(x.data(), features.data(), features.size() * 4);
  ldmat::detail::cuda::CudaDevice::to_device(y.data(), labels.data(), labels.size() * 4);
  const auto run = [&](bool tf32, bool gradient) {
    cuda::Loss<float> loss({}, {.tf32 = tf32});
    const auto f = cuda::device_matrix(static_cast<const float*>(x.data()), n, d);
    const auto ids = cuda::device_labels(static_cast<const int*>(y.data()), n);
    const double ms = median_ms([&] {
      if (gradient) {
        loss(f, ids, cuda::device_matrix(g.data(), n, d));
      } else {
        loss(f, ids);
      }
    });
    return std::pair<double, double>(ms, loss(f, ids).on_host().value);
  };
  const auto [ms, value] = run(false, true);
  const auto [value_ms, same] = run(false, false);
  const auto [tf32_ms, rounded] = run(true, true);
  std::printf(
      "{\"n\": %td, \"d\": %td, \"ms\": %.5f, \"value_ms\": %.5f, \"tf32_ms\": %.5f, "
      "\"value\": %.9g, \"tflops\": %.3f}\n",
      n, d, ms, value_ms, tf32_ms, value,
      3.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(d) / ms * 1e-9);
  static_cast<void>(same);
  static_cast<void>(rounded);
}

}  // namespace

int main(int count, char** arguments) try {
  print_limits();
  for (int at = 1; at + 1 < count; at += 2) {
    print_shape(std::atoll(arguments[at]), std::atoll(arguments[at + 1]));
    std::fflush(stdout);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
