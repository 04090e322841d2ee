// Times of the loss on a GPU, and what the GPU can do at most. Lines of JSON, for gpu.py.

#include <ldmat/cuda/loss.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
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
  explicit Buffer(const std::vector<T>& from) : Buffer(static_cast<Index>(from.size())) {
    ldmat::detail::cuda::CudaDevice::to_device(data_, from.data(), from.size() * sizeof(T));
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { static_cast<void>(cudaFree(data_)); }
  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

// The same numbers as gpu.py's, from 0 to 1.
std::vector<float> random_numbers(Index count, std::uint32_t state) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (float& number : numbers) {
    state = state * 1664525u + 1013904223u;
    number = static_cast<float>(state >> 8) / static_cast<float>(1 << 24);
  }
  return numbers;
}

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
  const Buffer<float> a(random_numbers(Index{size} * size, 1));
  const Buffer<float> b(random_numbers(Index{size} * size, 2));
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

// Features of 10 classes around centres. With noise 1 hardly two samples are near to each other, as at
// the beginning of a training; with noise 0.1 all those of a class are, as at its end.
void print_shape(Index n, Index d, float noise, const char* folder) {
  std::vector<float> features = random_numbers(n * d, 7);
  std::vector<int> labels(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    labels[static_cast<std::size_t>(i)] = static_cast<int>(i % 10);
    for (Index k = 0; k < d; ++k) {
      float& x = features[static_cast<std::size_t>(i * d + k)];
      x = static_cast<float>((i % 10 * 31 + k * 17) % 10) / 10 + noise * x;
    }
  }
  const Buffer<float> x(features);
  const Buffer<int> y(labels);
  const Buffer<float> g(n * d);
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
  const auto [tf32_ms, tf32_value] = run(true, true);
  const auto [value_ms, alone] = run(false, false);
  const auto [ms, value] = run(false, true);
  if (!(value == alone)) throw std::runtime_error("a value without gradient is another");
  if (folder != nullptr) {
    ldmat::detail::cuda::CudaDevice::copy_to_host(features.data(), g.data(), features.size() * 4);
    const std::string name = std::string(folder) + "/gradient";
    std::FILE* const file = std::fopen(name.c_str(), "wb");
    if (file == nullptr) throw std::runtime_error("cannot write " + name);
    std::fwrite(features.data(), sizeof(float), features.size(), file);
    std::fclose(file);
  }
  const double samples = static_cast<double>(n);
  const double components = static_cast<double>(d);
  std::printf(
      "{\"n\": %td, \"d\": %td, \"noise\": %g, \"ms\": %.5f, \"value_ms\": %.5f, "
      "\"tf32_ms\": %.5f, \"value\": %.9g, \"tf32_value\": %.9g, \"tflops\": %.3f, "
      "\"gb_s\": %.1f}\n",
      n, d, static_cast<double>(noise), ms, value_ms, tf32_ms, value, tf32_value,
      3 * samples * samples * components / ms * 1e-9, 8 * samples * components / ms * 1e-6);
}

}  // namespace

// gpu_bench limits | gpu_bench <n> <d> <noise> [folder for the gradient]
int main(int count, char** arguments) try {
  if (count < 4) {
    print_limits();
  } else {
    print_shape(std::atoll(arguments[1]), std::atoll(arguments[2]),
                static_cast<float>(std::atof(arguments[3])), count > 4 ? arguments[4] : nullptr);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
