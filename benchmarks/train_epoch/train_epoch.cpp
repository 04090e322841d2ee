// Seconds per training epoch on random images, with a softmax head: train_epoch [lenet|resnet]
// [epochs] [samples] [batch] prints one line per epoch. The LeNet-like network gets MNIST's shape and
// learns two features, the residual one CIFAR's and 64. Threads: set OMP_NUM_THREADS.

#include "net/net.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tiny::Index;

void measure(bool residual, Index epochs, Index samples, Index batch) {
  tiny::Rng rng(1);
  auto net = residual ? tiny::resnet<float>({3, 32, 32}, 64, rng)
                      : tiny::lenet<float>({1, 28, 28}, 2, rng);
  tiny::SoftmaxHead<float> head(net.features(), 10, rng);
  auto tensors = net.tensors();
  for (auto& tensor : head.tensors()) tensors.push_back(tensor);
  tiny::Sgd<float> sgd(tensors, {.momentum = 0.9});

  std::vector<unsigned char> bytes(static_cast<std::size_t>(samples * net.in().size()));
  std::vector<int> labels(static_cast<std::size_t>(samples));
  for (auto& byte : bytes) byte = static_cast<unsigned char>(rng.below(256));
  for (int& label : labels) label = static_cast<int>(rng.below(10));

  tiny::Matrix<float> x, gradient;
  using Bytes = tiny::Matrix<unsigned char>;
  for (Index epoch = 0; epoch < epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t processor = std::clock();
    double loss = 0;
    for (Index first = 0; first < samples; first += batch) {
      const Index n = std::min(batch, samples - first);
      const Eigen::Map<const Bytes> part(bytes.data() + first * net.in().size(), n,
                                         net.in().size());
      x = part.cast<float>() / 255.0f;
      const auto part_labels =
          std::span(labels).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
      loss += head.loss(net.forward(x, tiny::Mode::train), part_labels, gradient) *
              static_cast<double>(n);
      net.backward(gradient);
      sgd.step(0.01);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%.4f s, loss %.5f, %.4f s of processor time\n", seconds.count(),
                loss / static_cast<double>(samples),
                static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, Index otherwise) {
    return argc > i ? static_cast<Index>(std::atoll(argv[i])) : otherwise;
  };
  try {
    const std::string_view network = argc > 1 ? argv[1] : "lenet";
    if (network != "lenet" && network != "resnet") {
      throw std::invalid_argument("train_epoch: the network is lenet or resnet, not " +
                                  std::string(network));
    }
    measure(network == "resnet", argument(2, 1), argument(3, 60000), argument(4, 128));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
