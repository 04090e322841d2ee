// NumPy's .npy files, as far as features and labels need them: version 1.0, C order, float32 in two
// dimensions or int32 in one. The format is described in NumPy's manual under numpy.lib.format.
#pragma once

#include "app/files.hpp"
#include "data/dataset.hpp"

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tiny {

namespace detail {

constexpr std::string_view npy_magic("\x93NUMPY", 6);
constexpr std::size_t npy_preamble = npy_magic.size() + 4;  ///< with version and header's length

/// A whole file: header, padded so that the numbers begin at a multiple of 64, and the numbers,
/// which are all of four bytes.
template <typename Value>
std::string npy_bytes(std::string_view type, const std::string& shape,
                      std::span<const Value> values) {
  static_assert(sizeof(Value) == 4);
  std::string header =
      "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(63 - (npy_preamble + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes(npy_magic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() % 256),
            static_cast<char>(header.size() / 256)};
  bytes += header;
  bytes.reserve(bytes.size() + values.size_bytes());
  for (const Value value : values) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(word >> shift & 255);
  }
  return bytes;
}

struct NpyHeader {
  std::string type;
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// Reads the header's Python dictionary: these three keys, in any order, and nothing else.
class NpyHeaderParser {
 public:
  explicit NpyHeaderParser(std::string_view text) : text_(text) {}

  NpyHeader operator()() {
    NpyHeader header;
    std::vector<std::string> seen;
    expect('{');
    while (!take('}')) {
      const auto key = string();
      for (const auto& other : seen) {
        if (other == key) fail("'" + key + "' occurs twice");
      }
      seen.push_back(key);
      expect(':');
      if (key == "descr") {
        header.type = string();
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        fail("unknown key '" + key + "'");
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (at_ != text_.size()) fail("text after its end");
    if (seen.size() != 3) fail("one of descr, fortran_order and shape is missing");
    return header;
  }

 private:
  [[noreturn]] static void fail(const std::string& why) {
    throw std::runtime_error("its header cannot be read (" + why + ")");
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char wanted) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) {
      fail(std::string("no '") + wanted + "' at character " + std::to_string(at_));
    }
  }
  std::string string() {
    const char quote = take('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const auto end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("a string without end");
    const auto content = text_.substr(at_, end - at_);
    at_ = end + 1;
    return std::string(content);
  }
  bool boolean() {
    skip_spaces();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    fail("neither True nor False at character " + std::to_string(at_));
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> values;
    expect('(');
    while (!take(')')) {
      skip_spaces();
      std::uint64_t value = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
      if (error != std::errc{}) fail("no size below 2^64 at character " + std::to_string(at_));
      at_ += static_cast<std::size_t>(end - begin);
      values.push_back(value);
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Numbers of all elements and of bytes of a shape; throws where that is no number of this machine.
inline std::size_t npy_data_size(const std::vector<std::uint64_t>& shape) {
  constexpr std::uint64_t most = std::numeric_limits<std::ptrdiff_t>::max() / 4;
  std::uint64_t product = 1;  // of all sizes but those of 0, so that none of them is too large
  bool empty = false;
  for (const auto size : shape) {
    empty = empty || size == 0;
    if (size > 0 && size > most / product) {
      throw std::runtime_error("its shape has more elements than can be addressed");
    }
    if (size > 0) product *= size;
  }
  return empty ? 0 : static_cast<std::size_t>(4 * product);
}

struct NpyContent {
  std::vector<std::size_t> shape;
  std::string_view data;
};

/// The parts of a file's `bytes`; throws std::runtime_error with the reason, without a name.
inline NpyContent npy_content(std::string_view bytes, std::string_view type,
                              std::size_t dimensions) {
  if (!bytes.starts_with(npy_magic)) {
    throw std::runtime_error("not a .npy file: it does not begin as NumPy's files do");
  }
  if (bytes.size() < npy_preamble) throw std::runtime_error("cut short within its header");
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
  if (byte(6) != 1 || byte(7) != 0) {
    throw std::runtime_error("version " + std::to_string(byte(6)) + "." + std::to_string(byte(7)) +
                             " of the format; this program reads version 1.0");
  }
  const std::size_t length = byte(8) + std::size_t{256} * byte(9);
  if (bytes.size() - npy_preamble < length) {
    throw std::runtime_error("cut short within its header");
  }
  const auto header = NpyHeaderParser(bytes.substr(npy_preamble, length))();
  if (header.type != type) {
    throw std::runtime_error("holds numbers of type '" + header.type + "' instead of '" +
                             std::string(type) + "'");
  }
  if (header.fortran_order) {
    throw std::runtime_error("is in Fortran order; this program reads C order");
  }
  if (header.shape.size() != dimensions) {
    throw std::runtime_error("has " + std::to_string(header.shape.size()) +
                             " dimensions instead of " + std::to_string(dimensions));
  }
  const auto wanted = npy_data_size(header.shape);
  NpyContent content{{header.shape.begin(), header.shape.end()},
                     bytes.substr(npy_preamble + length)};
  if (content.data.size() != wanted) {
    throw std::runtime_error("holds " + std::to_string(content.data.size()) +
                             " bytes after its header instead of " + std::to_string(wanted) +
                             "; it was cut short or written over");
  }
  return content;
}

template <typename Value>
void npy_values(std::string_view data, std::span<Value> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t word = 0;
    for (std::size_t k = 4; k-- > 0;) word = word << 8 | static_cast<std::uint8_t>(data[4 * i + k]);
    values[i] = std::bit_cast<Value>(word);
  }
}

/// Calls read(bytes) and puts the file's name before the message of what it throws.
template <typename Read>
auto read_npy(const std::filesystem::path& path, const Read& read) {
  const std::string bytes = read_whole(path);
  try {
    return read(bytes);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path.string() + ": " + error.what());
  }
}

}  // namespace detail

/// Writes an n x d array of float32. Throws std::runtime_error where the file cannot be written.
inline void write_npy(const std::filesystem::path& path, const RowMatrix<float>& values) {
  const auto size = static_cast<std::size_t>(values.size());
  write_whole(path, detail::npy_bytes(
                        "<f4", std::to_string(values.rows()) + ", " + std::to_string(values.cols()),
                        std::span(values.data(), size)));
}

/// Writes an array of n int32.
inline void write_npy(const std::filesystem::path& path, std::span<const int> values) {
  write_whole(path, detail::npy_bytes("<i4", std::to_string(values.size()) + ",", values));
}

/// Reads what write_npy writes of a matrix, by whichever program it was written. Throws
/// std::runtime_error with the file's name and the reason for everything else.
inline RowMatrix<float> read_npy_matrix(const std::filesystem::path& path) {
  return detail::read_npy(path, [](std::string_view bytes) {
    const auto content = detail::npy_content(bytes, "<f4", 2);
    RowMatrix<float> values(static_cast<Eigen::Index>(content.shape[0]),
                            static_cast<Eigen::Index>(content.shape[1]));
    detail::npy_values(content.data,
                       std::span(values.data(), static_cast<std::size_t>(values.size())));
    return values;
  });
}

/// The same of an array of labels.
inline std::vector<int> read_npy_labels(const std::filesystem::path& path) {
  return detail::read_npy(path, [](std::string_view bytes) {
    const auto content = detail::npy_content(bytes, "<i4", 1);
    std::vector<int> values(content.shape[0]);
    detail::npy_values(content.data, std::span(values));
    return values;
  });
}

}  // namespace tiny
