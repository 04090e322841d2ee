// A JSON value in one file: a header with version and checksum, then the value in CBOR, in which arrays
// of numbers are byte strings. The state of a training run is kept so, and a network's weights.
#pragma once

#include "app/files.hpp"
#include "rng.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tiny {

/// What tells files of one kind from others.
struct FileKind {
  std::string_view magic;  ///< 8 characters
  std::uint32_t version = 1;
  std::string name;  ///< for messages
};

namespace detail {

constexpr std::string_view checkpoint_magic = "LDMATCKP";
constexpr std::uint32_t checkpoint_version = 2;

struct CheckpointHeader {  // in the byte order of the machine that wrote it
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t reserved = 0;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(CheckpointHeader) == 32);

inline FileKind checkpoint_kind() {
  return {checkpoint_magic, checkpoint_version, "checkpoint"};
}

/// FNV-1a, 64 bits.
inline std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3u;
  }
  return hash;
}

/// Whether a CBOR value holds only what save_packed writes: lists within lists to some depth, and
/// nothing of a length that is found at its end. A parser that calls itself for each, as nlohmann's
/// does, can be sent to the end of its stack by either. Where the value is cut short, the parser says so.
inline bool is_plainly_nested(std::string_view bytes) {
  constexpr std::size_t deepest = 32;
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
  std::vector<std::uint64_t> to_come;  // items, in each list around
  std::size_t at = 0;
  do {
    if (at == bytes.size()) return true;
    const int type = byte(at) >> 5;
    const int length = byte(at) & 31;
    ++at;
    auto number = static_cast<std::uint64_t>(length);
    if (length >= 24) {
      if (length > 27) return false;
      const std::size_t width = std::size_t{1} << (length - 24);
      if (width > bytes.size() - at) return true;
      number = 0;
      for (std::size_t i = 0; i < width; ++i) number = number << 8 | byte(at++);
    }
    if (!to_come.empty()) --to_come.back();
    const std::uint64_t rest = bytes.size() - at;
    switch (type) {
      case 2:  // a string of bytes, or of text
      case 3:
        if (number > rest) return true;
        at += static_cast<std::size_t>(number);
        break;
      case 4:  // a list, or pairs
      case 5:
        to_come.push_back(type == 4 ? number : 2 * std::min(number, rest));
        break;
      case 6:  // a tag before a value
        to_come.push_back(1);
        break;
      default:
        break;
    }
    if (to_come.size() > deepest) return false;
    while (!to_come.empty() && to_come.back() == 0) to_come.pop_back();
  } while (!to_come.empty());
  return true;
}

}  // namespace detail

inline void save_packed(const std::filesystem::path& path, const nlohmann::json& content,
                        const FileKind& kind) {
  std::string bytes;
  nlohmann::json::to_cbor(content, bytes);
  detail::CheckpointHeader header;
  kind.magic.copy(header.magic.data(), header.magic.size());
  header.version = kind.version;
  header.size = bytes.size();
  header.checksum = detail::checksum(bytes);
  std::string file(sizeof header, '\0');
  std::memcpy(file.data(), &header, sizeof header);
  write_whole(path, file + bytes);
}

/// Throws std::runtime_error, naming the file, for anything but an undamaged file of that kind.
inline nlohmann::json load_packed(const std::filesystem::path& path, const FileKind& kind) {
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error(path.string() + ": " + why);
  };
  const std::string file = read_whole(path);
  detail::CheckpointHeader header;
  if (file.size() < sizeof header) refuse("too short for a " + kind.name);
  std::memcpy(&header, file.data(), sizeof header);
  if (std::string_view(header.magic.data(), header.magic.size()) != kind.magic) {
    refuse("not a " + kind.name + " of ldmat-train");
  }
  if (header.version != kind.version) {
    refuse("version " + std::to_string(header.version) + " of the format of a " + kind.name +
           "; this program reads version " + std::to_string(kind.version));
  }
  const std::string_view bytes = std::string_view(file).substr(sizeof header);
  if (bytes.size() != header.size) {
    refuse("holds " + std::to_string(bytes.size()) + " bytes after its header instead of " +
           std::to_string(header.size) + "; it was cut short or written over");
  }
  if (detail::checksum(bytes) != header.checksum) refuse("damaged: its checksum is wrong");
  if (!detail::is_plainly_nested(bytes)) {
    refuse("holds lists within lists deeper than any " + kind.name + " has, or without a length");
  }
  try {
    return nlohmann::json::from_cbor(bytes);
  } catch (const nlohmann::json::exception& error) {
    refuse(std::string("its content is no CBOR (") + error.what() + ")");
  }
  return {};
}

inline void save_checkpoint(const std::filesystem::path& path, const nlohmann::json& content) {
  save_packed(path, content, detail::checkpoint_kind());
}

inline nlohmann::json load_checkpoint(const std::filesystem::path& path) {
  return load_packed(path, detail::checkpoint_kind());
}

/// An array of numbers as a byte string.
template <typename T>
nlohmann::json pack(std::span<const T> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<std::uint8_t> bytes(values.size_bytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return nlohmann::json::binary(std::move(bytes));
}

/// The reverse of pack, into an array whose size is known. `name` is for the message.
template <typename T>
void unpack(const nlohmann::json& packed, std::span<T> values, const std::string& name) {
  const auto& bytes = packed.get_binary();
  if (bytes.size() != values.size_bytes()) {
    throw std::runtime_error("the checkpoint holds " + std::to_string(bytes.size()) + " bytes of " +
                             name + " instead of " + std::to_string(values.size_bytes()));
  }
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
}

/// The reverse of pack where the size is whatever was packed.
template <typename T>
std::vector<T> unpack_vector(const nlohmann::json& packed, const std::string& name) {
  std::vector<T> values(packed.get_binary().size() / sizeof(T));
  unpack(packed, std::span<T>(values), name);
  return values;
}

/// Refuses the one state that such a generator never has, and never leaves.
inline Rng unpack_rng(const nlohmann::json& packed) {
  Rng::State state{};
  unpack(packed, std::span<std::uint64_t>(state), "a random number generator");
  if (state == Rng::State{}) {
    throw std::runtime_error("the checkpoint holds a random number generator of zeros");
  }
  return Rng(state);
}

}  // namespace tiny
