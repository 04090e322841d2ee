#pragma once

#include "allocations.hpp"
#include "target.hpp"

#include <exception>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

/// A file for readers that want a path: in memory on Linux, else in the folder for temporary files.

namespace fuzz {

class File {
 public:
#if defined(__linux__)
  File() : descriptor_(memfd_create("fuzz", 0)) {
    FUZZ_CHECK(descriptor_ >= 0);
    path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  }
  ~File() {
    close(descriptor_);
  }
  void write(std::span<const std::uint8_t> bytes) {
    FUZZ_CHECK(ftruncate(descriptor_, 0) == 0);
    FUZZ_CHECK(pwrite(descriptor_, bytes.data(), bytes.size(), 0) ==
               static_cast<ssize_t>(bytes.size()));
  }
#else
  File() {
    path_ = std::filesystem::temp_directory_path() /
            ("ldmat-fuzz-" + std::to_string(std::random_device{}()));
  }
  ~File() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  void write(std::span<const std::uint8_t> bytes) {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    FUZZ_CHECK(file.flush().good());
  }
#endif
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }

 private:
#if defined(__linux__)
  int descriptor_;
#endif
  std::filesystem::path path_;
};

/// What gzip can make of a byte at most is 1032 of them; vectors grow by doubling.
constexpr std::size_t expansion = 2 * 1032;

/// Calls read(path) on a file of these bytes, which may throw a std::exception with a message that
/// names the file, and may not ask for more memory than the file's size explains: `constant` bytes
/// at once whatever the file. True where nothing was thrown.
template <class Read>
bool read_file(std::span<const std::uint8_t> bytes, std::size_t constant, const Read& read) {
  static File file;
  file.write(bytes);
  reset_largest_allocation();
  bool good = true;
  try {
    read(file.path());
  } catch (const std::bad_alloc&) {
    fail(__FILE__, __LINE__, "a reader runs out of memory");
  } catch (const std::exception& error) {
    good = false;
    const std::string text = error.what();
    FUZZ_CHECK(text.find(file.path().string()) != std::string::npos);
    FUZZ_CHECK(text.size() > file.path().string().size() + 2);
  }
  FUZZ_CHECK(largest_allocation() <= constant + expansion * bytes.size());
  return good;
}

}  // namespace fuzz
