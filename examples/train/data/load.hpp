// A data set by its name: where to look for it, and what to say when it is not there.
#pragma once

#include "data/cifar.hpp"
#include "data/dataset.hpp"
#include "data/idx.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

inline const std::vector<std::string>& dataset_names() {
  static const std::vector<std::string> names{"digits",  "mnist",    "fashion",
                                              "cifar10", "cifar100", "cifar100-coarse"};
  return names;
}

/// The digits that come with the source (examples/train/digits), set by the build.
inline std::filesystem::path digits_folder() {
#ifdef LDMAT_DIGITS_DIR
  return LDMAT_DIGITS_DIR;
#else
  return "examples/train/digits";
#endif
}

namespace detail {

inline std::vector<std::string> fashion_names() {
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
}

[[noreturn]] inline void not_found(const std::string& what,
                                   const std::vector<std::filesystem::path>& places,
                                   const std::string& advice) {
  std::string message = what + " not found. Looked at:";
  for (const auto& place : places) message += "\n  " + place.string();
  throw std::runtime_error(message + "\n" + advice +
                           "\nThen name its folder by --data or the environment variable "
                           "LDMAT_DATA_DIR.");
}

/// The folders under `root` in which the data set may lie, the root itself last.
inline std::vector<std::filesystem::path> places(const std::filesystem::path& root,
                                                 const std::vector<std::string>& subfolders) {
  std::vector<std::filesystem::path> result;
  if (root.empty()) return result;
  for (const auto& sub : subfolders) result.push_back(root / sub);
  result.push_back(root);
  return result;
}

inline TrainTest load_idx(const std::string& title,
                          const std::vector<std::filesystem::path>& candidates,
                          const std::vector<std::string>& class_names, const std::string& advice) {
  for (const auto& folder : candidates) {
    if (has_idx(folder)) return read_idx_folder(folder, class_names);
  }
  not_found(title, candidates, advice);
}

inline TrainTest load_cifar(const std::filesystem::path& root, const CifarLayout& layout,
                            const std::vector<std::string>& subfolders, const std::string& stem) {
  std::vector<std::filesystem::path> candidates;
  if (std::filesystem::is_regular_file(root)) return read_cifar(root, layout);
  for (const auto& folder : places(root, subfolders)) {
    if (has_cifar(folder, layout)) return read_cifar(folder, layout);
    candidates.push_back(folder);
  }
  for (const char* ending : {".tar.gz", "-subset.tar.gz"}) {
    if (root.empty()) break;
    const auto path = root / (stem + ending);
    if (std::filesystem::is_regular_file(path)) return read_cifar(path, layout);
    candidates.push_back(path);
  }
  not_found(layout.name, candidates,
            "Get " + stem + ".tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html");
}

}  // namespace detail

/// The folder that holds the data sets: `given`, or the environment's LDMAT_DATA_DIR, or none.
inline std::filesystem::path data_folder(const std::string& given) {
  if (!given.empty()) {
    if (!std::filesystem::exists(given)) {
      throw std::runtime_error("--data: " + given + " does not exist");
    }
    return given;
  }
  const char* environment = std::getenv("LDMAT_DATA_DIR");
  return environment != nullptr ? environment : "";
}

/// Reads one of dataset_names() from the folder `root`, or from where the system keeps it.
inline TrainTest load_dataset(const std::string& name, const std::filesystem::path& root) {
  if (name == "digits") {
    return detail::load_idx("The digits of examples/train/digits", {digits_folder()},
                            numbered_names(10), "They come with the source code of ldmat.");
  }
  if (name == "mnist") {
    return detail::load_idx("MNIST", detail::places(root, {"mnist", "MNIST/raw"}),
                            numbered_names(10),
                            "Get the four files from http://yann.lecun.com/exdb/mnist/ or one of "
                            "its mirrors.");
  }
  if (name == "fashion") {
    auto candidates = detail::places(root, {"fashion-mnist", "fashion", "FashionMNIST/raw"});
    candidates.emplace_back("/usr/share/datasets/fashion-mnist");
    return detail::load_idx("Fashion-MNIST", candidates, detail::fashion_names(),
                            "On Debian: apt install dataset-fashion-mnist. Elsewhere get the four "
                            "files from https://github.com/zalandoresearch/fashion-mnist");
  }
  if (name == "cifar10") {
    return detail::load_cifar(root, cifar10_layout(),
                              {"cifar-10-batches-bin", "cifar-10", "cifar10"}, "cifar-10-binary");
  }
  if (name == "cifar100" || name == "cifar100-coarse") {
    auto data = detail::load_cifar(
        root, cifar100_layout(), {"cifar-100-binary", "cifar-100", "cifar100"}, "cifar-100-binary");
    if (name == "cifar100-coarse") {
      data.train = with_coarse_labels(std::move(data.train));
      data.test = with_coarse_labels(std::move(data.test));
    }
    return data;
  }
  std::string known;
  for (const auto& each : dataset_names()) known += (known.empty() ? "" : ", ") + each;
  throw std::invalid_argument("there is no data set '" + name + "'; known are " + known);
}

}  // namespace tiny
