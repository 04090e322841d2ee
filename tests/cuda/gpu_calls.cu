// What only a GPU can show of the CUDA backend: streams, graphs, memory, errors. A plain program, since
// doctest is not for nvcc; exits with 77 where there is no GPU.

#include <ldmat/cuda/loss.hpp>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace cuda = ldmat::cuda;
using ldmat::Index;

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok    " : "FAILED", what);
  if (!holds) ++failures;
}

template <class T>
class Buffer {
 public:
  explicit Buffer(const std::vector<T>& from) : count_(from.size()) {
    ldmat::detail::cuda::check(cudaMalloc(&data_, count_ * sizeof(T)), "cudaMalloc");
    ldmat::detail::cuda::CudaDevice::to_device(data_, from.data(), count_ * sizeof(T));
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { static_cast<void>(cudaFree(data_)); }
  T* data() const { return data_; }
  std::vector<T> on_host() const {
    std::vector<T> copy(count_);
    ldmat::detail::cuda::check(
        cudaMemcpy(copy.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return copy;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

std::vector<float> some_features(Index n, Index d) {
  std::vector<float> x(static_cast<std::size_t>(n * d));
  std::uint32_t state = 1;
  for (float& value : x) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / static_cast<float>(1 << 24);
  }
  return x;
}
std::vector<int> some_labels(Index n) {
  std::vector<int> labels(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 7);
  return labels;
}

// A loss that has only reserved memory can be captured: an allocation, or waiting, would be an error.
template <class X, class Y, class G>
void check_graph(const X& x, const Y& y, const G& g, const Buffer<float>& gradient,
                 cudaStream_t stream, double value, const std::vector<float>& expected) {
  using ldmat::detail::cuda::check;
  cuda::Loss<float> loss{};
  loss.set_stream(stream);
  loss.reserve(x.view.rows, x.view.columns);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  check(cudaMemset(gradient.data(), 0, expected.size() * sizeof(float)), "cudaMemset");
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  const auto captured = loss(x, y, g);
  check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  check(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
  check(cudaGraphLaunch(executable, stream), "cudaGraphLaunch");
  check(cudaGraphLaunch(executable, stream), "cudaGraphLaunch");
  expect(captured.on_host().value == value && gradient.on_host() == expected,
         "a captured call gives the same bits");
  check(cudaGraphExecDestroy(executable), "cudaGraphExecDestroy");
  check(cudaGraphDestroy(graph), "cudaGraphDestroy");
}

// Half features by CUDA's own type, one label that does not fit: the gradient stays as it was.
void check_refused(Index n, Index d, cudaStream_t stream) {
  std::vector<__half> x(static_cast<std::size_t>(n * d), __float2half(0.5F));
  std::vector<int> labels = some_labels(n);
  labels[static_cast<std::size_t>(n - 1)] = -1;
  const Buffer<__half> features(x);
  const Buffer<__half> gradient(x);
  const Buffer<int> ids(labels);
  cuda::Loss<Eigen::half> loss{};
  loss.set_stream(stream);
  std::string message;
  try {
    loss(cuda::device_matrix(static_cast<const __half*>(features.data()), n, d),
         cuda::device_labels(static_cast<const int*>(ids.data()), n),
         cuda::device_matrix(gradient.data(), n, d))
        .on_host();
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  expect(message.find("] is -1, but class ids") != std::string::npos, "a label is refused by name");
  const std::vector<__half> after = gradient.on_host();
  expect(std::memcmp(after.data(), x.data(), x.size() * sizeof(__half)) == 0,
         "a refused call writes no gradient");
}

void check_shape(Index n, Index d) {
  std::printf("%td samples of %td components\n", n, d);
  const Buffer<float> features(some_features(n, d));
  const Buffer<int> labels(some_labels(n));
  const Buffer<float> gradient(some_features(n, d));
  const auto x = cuda::device_matrix(static_cast<const float*>(features.data()), n, d);
  const auto y = cuda::device_labels(labels.data(), n);
  const auto g = cuda::device_matrix(gradient.data(), n, d);

  cuda::Loss<float> loss{};
  cudaStream_t stream = nullptr;
  ldmat::detail::cuda::check(cudaStreamCreate(&stream), "cudaStreamCreate");
  loss.set_stream(stream);
  loss.reserve(n, d);
  const double value = loss(x, y, g).on_host().value;
  const std::vector<float> expected = gradient.on_host();

  bool same = true;
  for (int at = 0; at < 3; ++at) {
    same = same && loss(x, y, g).on_host().value == value && gradient.on_host() == expected;
  }
  expect(same, "the same call gives the same bits");
  const double alone = loss(x, y).on_host().value;
  expect(alone == value, "a value without gradient is the same");

  // The result of a call is that of its stream, whatever stream comes next.
  cudaStream_t other = nullptr;
  ldmat::detail::cuda::check(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking),
                             "cudaStreamCreateWithFlags");
  const auto pending = loss(x, y, g);
  loss.set_stream(other);
  expect(pending.on_host().value == value, "a result waits for the stream of its call");
  expect(loss(x, y, g).on_host().value == value, "another stream gives the same bits");
  ldmat::detail::cuda::check(cudaStreamDestroy(other), "cudaStreamDestroy");

  check_refused(n, d, stream);
  check_graph(x, y, g, gradient, stream, value, expected);

  cuda::Loss<float> rounded({}, {.tf32 = true});
  const double tf32 = rounded(x, y, g).on_host().value;
  expect(tf32 / value - 1 < 1e-2 && 1 - tf32 / value < 1e-2, "TF32 is near");

  const std::vector<float> host = some_features(n, d);
  std::string message;
  try {
    loss(cuda::device_matrix(host.data(), n, d), y, g).on_host();
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  // Where the GPU reaches all of the host's memory it is no error.
  expect(message.empty() || message.find("features is memory of the host") != std::string::npos,
         "memory of the host is refused or read");
  ldmat::detail::cuda::check(cudaStreamDestroy(stream), "cudaStreamDestroy");
}

void check_errors() {
  std::string message;
  try {
    ldmat::detail::cuda::check(cudaErrorInvalidValue, "cudaMemcpy");
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  expect(message.find("cudaMemcpy failed: ") != std::string::npos, "an error names its call");
}

}  // namespace

int main() {
  check_errors();
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
    std::printf("NO GPU: nothing else was run\n");
    return failures == 0 ? 77 : 1;
  }
  check_shape(300, 2);
  check_shape(4097, 3);
  check_shape(2500, 128);
  return failures == 0 ? 0 : 1;
}
