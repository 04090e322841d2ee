// A trained network's tensors in a file of their own (weights.ldmat), to be used without the run.
#pragma once

#include "app/checkpoint.hpp"
#include "data/dataset.hpp"
#include "net/net.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

namespace detail {

inline FileKind weights_kind() {
  return {"LDMATWTS", 1, "file of weights"};
}

/// A length in a file: a whole number of 1 or more.
inline Index length_of(const nlohmann::json& value) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 1) {
    throw std::runtime_error("the length " + value.dump() + " is no whole number of 1 or more");
  }
  return static_cast<Index>(value.get<std::int64_t>());
}

/// Throws unless every channel has a mean and a deviation that images can be divided by.
inline void require_normalization(const Normalization& normalization, Index channels) {
  const auto& [mean, deviation] = normalization;
  const auto count = static_cast<std::size_t>(channels);
  if (mean.size() != count || deviation.size() != count) {
    throw std::runtime_error("of " + std::to_string(count) + " channels there are " +
                             std::to_string(mean.size()) + " means and " +
                             std::to_string(deviation.size()) + " deviations");
  }
  const bool usable =
      std::ranges::all_of(mean, [](double m) { return std::isfinite(m); }) &&
      std::ranges::all_of(deviation, [](double d) { return std::isfinite(d) && d > 0; });
  if (!usable) throw std::runtime_error("a mean or deviation of its images is out of range");
}

}  // namespace detail

/// Which network weights belong to, and what its images have to go through before it.
struct NetworkDescription {
  std::string network;  ///< as --network names it
  Shape input;
  Index dim = 0;
  Normalization normalization;
};

/// The content of a file of weights.
struct Weights {
  NetworkDescription description;
  std::vector<std::pair<std::string, std::vector<float>>> tensors;
};

/// Writes the parameters and buffers of a network (not its gradients). Throws std::invalid_argument
/// where the description's shapes are not the network's or its normalization is not of as many
/// channels, std::runtime_error where nothing can be written.
inline void save_weights(const std::filesystem::path& path, const Network<float>& network,
                         const NetworkDescription& description) {
  if (description.input != network.in() || description.dim != network.features()) {
    bad_argument("save_weights: the description is of " + to_string(description.input) + " to " +
                 std::to_string(description.dim) + " features, the network of " +
                 to_string(network.in()) + " to " + std::to_string(network.features()));
  }
  try {
    detail::require_normalization(description.normalization, description.input.channels);
  } catch (const std::runtime_error& error) {
    bad_argument(std::string("save_weights: ") + error.what());
  }
  auto tensors = nlohmann::json::array();
  for (const auto& tensor : network.tensors()) {
    tensors.push_back({{"name", tensor.name}, {"size", tensor.value.size()}});
    tensors.back()["values"] = pack(std::span<const float>(tensor.value));
  }
  const auto& in = description.input;
  save_packed(path,
              {{"network", description.network},
               {"input", {in.channels, in.height, in.width}},
               {"dim", description.dim},
               {"mean", description.normalization.mean},
               {"deviation", description.normalization.deviation},
               {"tensors", std::move(tensors)}},
              detail::weights_kind());
}

/// Throws std::runtime_error, naming the file, for anything but an undamaged file of weights.
inline Weights load_weights(const std::filesystem::path& path) {
  const auto content = load_packed(path, detail::weights_kind());
  try {
    Weights weights;
    auto& [network, input, dim, normalization] = weights.description;
    content.at("network").get_to(network);
    const auto& shape = content.at("input");
    if (shape.size() != 3) throw std::runtime_error("the shape of its images is not three lengths");
    input = {detail::length_of(shape.at(0)), detail::length_of(shape.at(1)),
             detail::length_of(shape.at(2))};
    dim = detail::length_of(content.at("dim"));
    content.at("mean").get_to(normalization.mean);
    content.at("deviation").get_to(normalization.deviation);
    detail::require_normalization(normalization, input.channels);
    if (!content.at("tensors").is_array()) throw std::runtime_error("its tensors are no list");
    for (const auto& tensor : content.at("tensors")) {
      auto name = tensor.at("name").get<std::string>();
      const auto size = tensor.at("size").get<std::uint64_t>();
      const auto bytes = tensor.at("values").get_binary().size();
      if (bytes % sizeof(float) != 0 || bytes / sizeof(float) != size) {
        throw std::runtime_error("of the " + std::to_string(size) + " numbers of " + name +
                                 " there are " + std::to_string(bytes) + " bytes");
      }
      auto values = unpack_vector<float>(tensor.at("values"), name);
      weights.tensors.emplace_back(std::move(name), std::move(values));
    }
    return weights;
  } catch (const std::exception& error) {
    throw std::runtime_error(path.string() + ": not what ldmat-train writes as weights (" +
                             error.what() + ")");
  }
}

/// Copies weights into a network of the kind `name` (as --network names it), which then gives the same
/// features, bit by bit, if it has the same last layer: LastLayer::unit_length has no weights to be told by.
/// Throws std::runtime_error, with the network as it was, where they are of another kind of network, another
/// shape of image or number of features, or not the same tensors.
inline void use_weights(const Weights& weights, Network<float>& network, const std::string& name) {
  const auto& saved = weights.description;
  const auto refuse = [](const std::string& saved_part, const std::string& part) {
    throw std::runtime_error(
        "the weights are of " + saved_part + ", the network has " + part +
        "; use the file of a run with the same --dataset, --network, --dim and --normalize");
  };
  if (saved.network != name) refuse("the network " + saved.network, "the name " + name);
  if (saved.input != network.in()) {
    refuse("images of " + to_string(saved.input), "images of " + to_string(network.in()));
  }
  if (saved.dim != network.features()) {
    refuse(std::to_string(saved.dim) + " features", std::to_string(network.features()));
  }
  const auto tensors = network.tensors();
  if (weights.tensors.size() != tensors.size()) {
    refuse(std::to_string(weights.tensors.size()) + " tensors", std::to_string(tensors.size()));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& [saved_name, values] = weights.tensors[i];
    const auto& tensor = tensors[i];
    if (saved_name == tensor.name && values.size() == tensor.value.size()) continue;
    refuse("the tensor " + saved_name + " of " + std::to_string(values.size()) + " numbers",
           tensor.name + " of " + std::to_string(tensor.value.size()) + " there");
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::ranges::copy(weights.tensors[i].second, tensors[i].value.begin());
  }
}

}  // namespace tiny
