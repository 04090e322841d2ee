// The state of a training run in one file: a header with version and checksum, then a JSON value in
// CBOR, in which arrays of numbers are byte strings.
#pragma once

#include "app/files.hpp"
#include "rng.hpp"

#include <nlohmann/json.hpp>

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

namespace detail {

constexpr std::string_view checkpoint_magic = "LDMATCKP";
constexpr std::uint32_t checkpoint_version = 1;

struct CheckpointHeader {  // in the byte order of the machine that wrote it
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t reserved = 0;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(CheckpointHeader) == 32);

/// FNV-1a, 64 bits.
inline std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3u;
  }
  return hash;
}

/// Follows a CBOR value without keeping it, to its end or to where lists within lists are too deep
/// for a parser that calls itself for each.
class NestingCheck final : public nlohmann::json_sax<nlohmann::json> {
 public:
  static constexpr int deepest = 32;

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*elements*/) override { return ++depth_ <= deepest; }
  bool key(string_t& /*value*/) override { return true; }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(std::size_t /*elements*/) override { return ++depth_ <= deepest; }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;  // from_cbor will say it
  }

  bool too_deep() const { return depth_ > deepest; }

 private:
  int depth_ = 0;
};

}  // namespace detail

inline void save_checkpoint(const std::filesystem::path& path, const nlohmann::json& content) {
  std::string bytes;
  nlohmann::json::to_cbor(content, bytes);
  detail::CheckpointHeader header;
  detail::checkpoint_magic.copy(header.magic.data(), header.magic.size());
  header.version = detail::checkpoint_version;
  header.size = bytes.size();
  header.checksum = detail::checksum(bytes);
  std::string file(sizeof header, '\0');
  std::memcpy(file.data(), &header, sizeof header);
  write_whole(path, file + bytes);
}

/// Throws std::runtime_error, naming the file, for anything but an undamaged checkpoint.
inline nlohmann::json load_checkpoint(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error(path.string() + ": " + why);
  };
  const std::string file = read_whole(path);
  detail::CheckpointHeader header;
  if (file.size() < sizeof header) refuse("too short for a checkpoint");
  std::memcpy(&header, file.data(), sizeof header);
  if (std::string_view(header.magic.data(), header.magic.size()) != detail::checkpoint_magic) {
    refuse("not a checkpoint of ldmat-train");
  }
  if (header.version != detail::checkpoint_version) {
    refuse("version " + std::to_string(header.version) +
           " of the checkpoint format; this program " + "reads version " +
           std::to_string(detail::checkpoint_version));
  }
  const std::string_view bytes = std::string_view(file).substr(sizeof header);
  if (bytes.size() != header.size) {
    refuse("holds " + std::to_string(bytes.size()) + " bytes after its header instead of " +
           std::to_string(header.size) + "; it was cut short or written over");
  }
  if (detail::checksum(bytes) != header.checksum) refuse("damaged: its checksum is wrong");
  detail::NestingCheck nesting;
  nlohmann::json::sax_parse(bytes, &nesting, nlohmann::json::input_format_t::cbor);
  if (nesting.too_deep()) refuse("holds lists within lists, deeper than any checkpoint has");
  try {
    return nlohmann::json::from_cbor(bytes);
  } catch (const nlohmann::json::exception& error) {
    refuse(std::string("its content is no CBOR (") + error.what() + ")");
  }
  return {};
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
