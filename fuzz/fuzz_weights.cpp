// Files of weights: a whole file, or its content under a header that fits; what is read goes into a
// network, which takes all of it or nothing.
#include "app/weights.hpp"
#include "file.hpp"

#include <algorithm>
#include <memory>
#include <utility>

using fuzz::Bytes;

namespace {

Bytes with_header(std::span<const std::uint8_t> content) {
  const auto kind = tiny::detail::weights_kind();
  tiny::detail::CheckpointHeader header;
  kind.magic.copy(header.magic.data(), header.magic.size());
  header.version = kind.version;
  header.size = content.size();
  header.checksum =
      tiny::detail::checksum({reinterpret_cast<const char*>(content.data()), content.size()});
  Bytes bytes(sizeof header + content.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::copy(content.begin(), content.end(), bytes.begin() + sizeof header);
  return bytes;
}

constexpr tiny::Shape shape{1, 2, 2};

tiny::Network<float> network(std::uint64_t seed) {
  tiny::Rng rng(seed);
  auto layers = std::make_unique<tiny::Sequential<float>>(shape);
  layers->dense({.units = 3}, rng).batch_norm().relu().dense({.units = 2}, rng);
  return tiny::Network<float>(std::move(layers));
}

std::vector<float> numbers(const tiny::Network<float>& network) {
  std::vector<float> all;
  for (const auto& tensor : network.tensors()) {
    all.insert(all.end(), tensor.value.begin(), tensor.value.end());
  }
  return all;
}

/// As save_weights writes it.
nlohmann::json content() {
  const auto trained = network(1);
  auto tensors = nlohmann::json::array();
  for (const auto& tensor : trained.tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"size", tensor.value.size()},
                       {"values", tiny::pack(std::span<const float>(tensor.value))}});
  }
  return {{"network", "small"}, {"input", {1, 2, 2}},  {"dim", 2},
          {"mean", {0.5}},      {"deviation", {0.25}}, {"tensors", tensors}};
}

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  const auto with_mode = [](std::uint8_t mode, Bytes bytes) {
    bytes.insert(bytes.begin(), mode);
    return bytes;
  };
  auto vast = content();
  vast["tensors"][0]["size"] = std::uint64_t{1} << 62;
  auto other = content();
  other["dim"] = std::int64_t{-1};
  return {with_mode(0, with_header(nlohmann::json::to_cbor(content()))),
          with_mode(1, nlohmann::json::to_cbor(content())),
          with_mode(1, nlohmann::json::to_cbor(vast)), with_mode(1, nlohmann::json::to_cbor(other)),
          with_mode(1, Bytes(20000, 0x81))};  // lists of lists
}

void fuzz::run(std::span<const std::uint8_t> input) {
  Input in(input);
  const bool content_only = in.flag();
  const Bytes bytes =
      content_only ? with_header(in.rest()) : Bytes(in.rest().begin(), in.rest().end());
  tiny::Weights weights;
  if (!read_file(bytes, 1 << 16, [&](const auto& path) { weights = tiny::load_weights(path); })) {
    return;
  }
  auto into = network(2);
  const auto before = numbers(into);
  const auto same_bits = [](const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  };
  try {
    tiny::use_weights(weights, into, "small");
  } catch (const std::runtime_error& error) {
    FUZZ_CHECK(std::strlen(error.what()) > 20);
    FUZZ_CHECK(same_bits(numbers(into), before));
    return;
  }
  std::vector<float> read;
  for (const auto& tensor : weights.tensors) {
    read.insert(read.end(), tensor.second.begin(), tensor.second.end());
  }
  FUZZ_CHECK(same_bits(numbers(into), read));
}
