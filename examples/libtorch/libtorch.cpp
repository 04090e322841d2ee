// A small convolutional network in LibTorch, trained with LDMAT in place of softmax on the digits of
// examples/train/digits: two features per image, classified by the nearest class centre.
#include "data/load.hpp"

#include <ldmat/preset.hpp>
#include <ldmat/retrieval.hpp>
#include <ldmat/torch/loss.hpp>

#include <torch/torch.h>

#include <iostream>

namespace {

struct Images {
  torch::Tensor pixels;  // n x 1 x 28 x 28
  torch::Tensor labels;  // n
};

Images to_tensors(tiny::Dataset& data) {
  const auto n = static_cast<std::int64_t>(data.size());
  const auto bytes = torch::from_blob(data.pixels.data(), {n, 1, 28, 28}, torch::kByte);
  return {(bytes.to(torch::kFloat) / 255 - 0.13) / 0.31,
          torch::from_blob(data.labels.data(), {n}, torch::kInt)};  // borrowed: no copy
}

torch::Tensor features(torch::nn::Sequential& network, const torch::Tensor& pixels) {
  const torch::NoGradGuard no_gradient;
  network->eval();
  return network->forward(pixels);
}

}  // namespace

int main() {
  torch::manual_seed(1);
  auto digits = tiny::load_dataset("digits", "");
  const Images train = to_tensors(digits.train);
  const Images test = to_tensors(digits.test);

  namespace nn = torch::nn;
  nn::Sequential network(nn::Conv2d(nn::Conv2dOptions(1, 16, 5).stride(2)), nn::ReLU(),
                         nn::Conv2d(nn::Conv2dOptions(16, 32, 5).stride(2)), nn::ReLU(),
                         nn::Flatten(), nn::Linear(32 * 4 * 4, 64), nn::ReLU(), nn::Linear(64, 2));
  torch::optim::Adam optimizer(network->parameters(), torch::optim::AdamOptions(3e-3));

  ldmat::TorchLoss loss{ldmat::recommended_options()};
  for (int epoch = 1; epoch <= 8; ++epoch) {
    network->train();
    double sum = 0;
    std::int64_t batches = 0;
    for (const auto& batch : torch::randperm(train.labels.size(0)).split(128)) {
      optimizer.zero_grad();
      const auto value =
          loss(network->forward(train.pixels.index({batch})), train.labels.index({batch}));
      value.backward();
      optimizer.step();
      sum += value.item<double>();
      ++batches;
    }
    std::cout << "epoch " << epoch << ": loss " << sum / static_cast<double>(batches)
              << ", distance " << loss.result().mean_same_distance << " within classes, "
              << loss.result().mean_different_distance << " between\n";
  }

  const auto gallery = features(network, train.pixels);
  const auto queries = features(network, test.pixels);
  const double accuracy = ldmat::nearest_centroid_accuracy(
      ldmat::tensor_view<float>(gallery), digits.train.labels,  // tensors as matrices: no copy
      ldmat::tensor_view<float>(queries), digits.test.labels);
  std::cout << "nearest centroid: " << 100 * accuracy << " % of " << digits.test.size()
            << " test digits\n";
  return accuracy > 0.9 ? 0 : 1;
}
