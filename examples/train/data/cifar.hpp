// CIFAR-10 and CIFAR-100 in their binary layouts, from a folder or a .tar.gz; whole or in part.
#pragma once

#include "data/byte_stream.hpp"
#include "data/dataset.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

/// What tells the two CIFAR layouts apart.
struct CifarLayout {
  std::string name;
  int fine_classes = 10;
  int coarse_classes = 0;  ///< 0: a record has no coarse label
  std::string train_prefix;
  std::string test_file;
  std::string fine_names_file;
  std::string coarse_names_file;

  std::size_t label_bytes() const { return coarse_classes > 0 ? 2 : 1; }
  bool is_train(const std::string& file) const {
    return file.starts_with(train_prefix) && file.ends_with(".bin");
  }
};

inline CifarLayout cifar10_layout() {
  return {"CIFAR-10", 10, 0, "data_batch_", "test_batch.bin", "batches.meta.txt", ""};
}
inline CifarLayout cifar100_layout() {
  return {
      "CIFAR-100", 100, 20, "train", "test.bin", "fine_label_names.txt", "coarse_label_names.txt"};
}

constexpr std::size_t cifar_max_records = 1'000'000;

namespace detail {

inline int cifar_label(const ByteStream& stream, std::uint64_t at, int value, int limit,
                       const char* what) {
  if (value >= limit) {
    stream.fail_at(at, std::string(what) + ' ' + std::to_string(value) + " is not below " +
                           std::to_string(limit));
  }
  return value;
}

/// The records of one .bin file; class names stay empty.
inline Dataset read_cifar_records(ByteStream& stream, const CifarLayout& layout) {
  Dataset data;
  data.shape = {3, 32, 32};
  const std::size_t skip = layout.label_bytes();
  const std::size_t record = skip + data.shape.size();
  std::vector<std::uint8_t> chunk(record * 256);
  while (true) {
    const std::uint64_t begin = stream.offset();
    const std::size_t got = stream.read_some(chunk);
    const std::size_t whole = got / record;
    if (data.size() + whole > cifar_max_records) {
      stream.fail_at(begin, "more than " + std::to_string(cifar_max_records) + " records");
    }
    for (std::size_t i = 0; i < whole; ++i) {
      const std::uint8_t* p = chunk.data() + i * record;
      const std::uint64_t at = begin + i * record;
      if (layout.coarse_classes > 0) {
        data.coarse_labels.push_back(
            cifar_label(stream, at, p[0], layout.coarse_classes, "coarse label"));
      }
      data.labels.push_back(
          cifar_label(stream, at + skip - 1, p[skip - 1], layout.fine_classes, "label"));
      data.pixels.insert(data.pixels.end(), p + skip, p + record);
    }
    if (got % record != 0) {
      stream.fail_at(begin + whole * record, "the last record has " + std::to_string(got % record) +
                                                 " bytes; a record of " + layout.name + " has " +
                                                 std::to_string(record));
    }
    if (got < chunk.size()) break;
  }
  if (data.size() == 0) stream.fail("the file holds no record");
  return data;
}

inline std::vector<std::string> read_class_names(ByteStream& stream, int expected) {
  std::vector<std::uint8_t> bytes(1 << 16);
  bytes.resize(stream.read_some(bytes));
  stream.expect_end();
  std::istringstream text(std::string(bytes.begin(), bytes.end()));
  std::vector<std::string> names;
  for (std::string line; std::getline(text, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.size() != static_cast<std::size_t>(expected)) {
    stream.fail_at(
        0, std::to_string(names.size()) + " class names; expected are " + std::to_string(expected));
  }
  return names;
}

inline void append(Dataset& data, Dataset more) {
  if (data.size() == 0) {
    data = std::move(more);
    return;
  }
  data.pixels.insert(data.pixels.end(), more.pixels.begin(), more.pixels.end());
  data.labels.insert(data.labels.end(), more.labels.begin(), more.labels.end());
  data.coarse_labels.insert(data.coarse_labels.end(), more.coarse_labels.begin(),
                            more.coarse_labels.end());
}

/// Takes the files in any order; the records end up in the order of the files' names.
class CifarParts {
 public:
  explicit CifarParts(CifarLayout layout) : layout_(std::move(layout)) {}

  void take(const std::string& file, ByteStream& stream) {
    if (layout_.is_train(file)) {
      if (!train_.emplace(file, read_cifar_records(stream, layout_)).second) {
        stream.fail_at(0, "there are two files of this name");
      }
    } else if (file == layout_.test_file) {
      test_ = read_cifar_records(stream, layout_);
    } else if (file == layout_.fine_names_file) {
      names_ = read_class_names(stream, layout_.fine_classes);
    } else if (!layout_.coarse_names_file.empty() && file == layout_.coarse_names_file) {
      coarse_names_ = read_class_names(stream, layout_.coarse_classes);
    }
  }

  TrainTest finish(const std::string& origin) {
    const std::string missing = train_.empty()      ? layout_.train_prefix + "*.bin"
                                : test_.size() == 0 ? layout_.test_file
                                                    : "";
    if (!missing.empty()) {
      throw std::runtime_error(origin + ": " + missing + " is missing; is this " + layout_.name +
                               " in its binary version?");
    }
    TrainTest result;
    result.origin = origin;
    for (auto& [file, records] : train_) append(result.train, std::move(records));
    result.test = std::move(test_);
    for (Dataset* data : {&result.train, &result.test}) {
      data->class_names = names_.empty() ? numbered_names(layout_.fine_classes) : names_;
      if (layout_.coarse_classes > 0) {
        data->coarse_names =
            coarse_names_.empty() ? numbered_names(layout_.coarse_classes) : coarse_names_;
      }
    }
    return result;
  }

 private:
  CifarLayout layout_;
  std::map<std::string, Dataset> train_;
  Dataset test_;
  std::vector<std::string> names_;
  std::vector<std::string> coarse_names_;
};

}  // namespace detail

/// Training and test set from a folder or from a .tar or .tar.gz archive with the same files.
inline TrainTest read_cifar(const std::filesystem::path& path, const CifarLayout& layout) {
  detail::CifarParts parts(layout);
  if (!std::filesystem::is_directory(path)) {
    for_each_member(path,
                    [&](const std::string& file, ByteStream& stream) { parts.take(file, stream); });
    return parts.finish(path.string());
  }
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    const std::string file = entry.path().filename().string();
    const bool wanted = layout.is_train(file) || file == layout.test_file ||
                        file == layout.fine_names_file || file == layout.coarse_names_file;
    if (!wanted) continue;
    open_file(entry.path(), [&](ByteStream& stream) { parts.take(file, stream); });
  }
  return parts.finish(path.string());
}

/// Whether a folder holds a training file of this layout.
inline bool has_cifar(const std::filesystem::path& folder, const CifarLayout& layout) {
  if (!std::filesystem::is_directory(folder)) return false;
  return std::ranges::any_of(std::filesystem::directory_iterator(folder), [&](const auto& entry) {
    return layout.is_train(entry.path().filename().string());
  });
}

}  // namespace tiny
