// Whole files, written so that a reader finds the old one or the new one and never a part.
#pragma once

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tiny {

/// Writes to a file beside `path` and renames it.
inline void write_whole(const std::filesystem::path& path, std::string_view bytes) {
  auto part = path;
  part += ".part";
  {
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) {
      const std::string reason = std::strerror(errno);
      std::error_code ignored;
      std::filesystem::remove(part, ignored);
      throw std::runtime_error(path.string() + ": cannot be written (" + reason + ")");
    }
  }
  std::filesystem::rename(part, path);
}

inline std::string read_whole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": cannot be opened");
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) throw std::runtime_error(path.string() + ": cannot be read");
  return bytes;
}

}  // namespace tiny
