// What the tests of the data readers share: a folder of their own, and writers of small files.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

/// An empty folder that goes away with this object.
class TempFolder {
 public:
  TempFolder() {
    std::random_device random;
    do {
      path_ = fs::temp_directory_path() / ("ldmat-test-" + std::to_string(random()));
    } while (!fs::create_directory(path_));
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline void write_file(const fs::path& path, const Bytes& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

inline Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

/// Leaves only the first `size` bytes.
inline void cut(const fs::path& path, std::size_t size) {
  fs::resize_file(path, size);
}

/// Writes members (name, bytes): a .tar.gz, or with raw = true one member compressed by gzip.
inline void write_packed(const fs::path& path,
                         const std::vector<std::pair<std::string, Bytes>>& members,
                         bool raw = false) {
  archive* out = archive_write_new();
  archive_write_add_filter_gzip(out);
  if (raw) {
    archive_write_set_format_raw(out);
  } else {
    archive_write_set_format_ustar(out);
  }
  bool good = archive_write_open_filename(out, path.string().c_str()) == ARCHIVE_OK;
  for (const auto& [name, bytes] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    good = good && archive_write_header(out, entry) == ARCHIVE_OK;
    good = good && archive_write_data(out, bytes.data(), bytes.size()) ==
                       static_cast<la_ssize_t>(bytes.size());
    archive_entry_free(entry);
  }
  good = archive_write_close(out) == ARCHIVE_OK && good;
  archive_write_free(out);
  if (!good) throw std::runtime_error("cannot write " + path.string());
}

inline void write_gz(const fs::path& path, const Bytes& bytes) {
  write_packed(path, {{"data", bytes}}, true);
}

/// The message of the exception of type E that `call` throws; "" where it throws none.
template <typename E = std::runtime_error, typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

/// Whether `text` holds every one of `parts`.
inline bool has(const std::string& text, const std::vector<std::string>& parts) {
  for (const auto& part : parts) {
    if (text.find(part) == std::string::npos) return false;
  }
  return true;
}

inline Bytes big_endian(const std::vector<std::uint32_t>& words) {
  Bytes bytes;
  for (std::uint32_t word : words) {
    for (int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(word >> shift));
  }
  return bytes;
}

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Bytes that look random and are the same each time.
inline Bytes noise(std::size_t count, std::uint32_t seed) {
  Bytes bytes(count);
  for (auto& byte : bytes) {
    seed = seed * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(seed >> 24);
  }
  return bytes;
}

}  // namespace test
