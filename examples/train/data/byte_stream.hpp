// Bytes of a file, plain or compressed, or of the members of a tar archive; by libarchive.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

/// Thrown for every file that cannot be read as what it should be. The message names the file and
/// the byte, counted after decompression.
class DataError : public std::runtime_error {
 public:
  DataError(const std::string& file, std::uint64_t byte, const std::string& what)
      : std::runtime_error(file + ": byte " + std::to_string(byte) + ": " + what) {}
};

namespace detail {

/// Why libarchive failed; it does not always say.
inline std::string reason(archive* source) {
  const char* const text = archive_error_string(source);
  return text != nullptr ? text : "no reason given";
}

}  // namespace detail

/// Reads forward through the bytes of one file. Create it by open_file or for_each_member.
class ByteStream {
 public:
  ByteStream(archive* source, std::string name) : source_(source), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  std::uint64_t offset() const { return offset_; }

  [[noreturn]] void fail(const std::string& what) const { fail_at(offset_, what); }
  [[noreturn]] void fail_at(std::uint64_t byte, const std::string& what) const {
    throw DataError(name_, byte, what);
  }

  /// Fills as much of `target` as the file still holds, and returns how much that is.
  std::size_t read_some(std::span<std::uint8_t> target) {
    std::size_t done = 0;
    while (done < target.size() && next_block()) {
      const std::size_t some = std::min(target.size() - done, block_.size());
      std::copy_n(block_.begin(), some, target.begin() + static_cast<std::ptrdiff_t>(done));
      block_ = block_.subspan(some);
      done += some;
      offset_ += some;
    }
    return done;
  }

  /// Fills `target`; `what` says in the error message what these bytes were to be.
  void read_exactly(std::span<std::uint8_t> target, const std::string& what) {
    const std::size_t got = read_some(target);
    if (got != target.size()) {
      fail("ends here, " + std::to_string(target.size() - got) + " bytes before the end of " +
           what);
    }
  }

  /// Reads `count` bytes. Memory grows with the bytes that are really there, so a wrong count in a
  /// header costs nothing.
  std::vector<std::uint8_t> read_vector(std::uint64_t count, const std::string& what) {
    constexpr std::uint64_t first = std::uint64_t{1} << 16;
    std::vector<std::uint8_t> bytes;
    while (bytes.size() < count) {
      const std::size_t begin = bytes.size();
      const auto step = std::max<std::uint64_t>(first, begin);
      const auto more = static_cast<std::size_t>(std::min(step, count - begin));
      bytes.resize(begin + more);
      const std::size_t got = read_some(std::span(bytes).subspan(begin));
      if (got != more) {
        fail("ends here, " + std::to_string(count - begin - got) + " bytes before the end of " +
             what);
      }
    }
    return bytes;
  }

  void expect_end() {
    std::uint8_t extra = 0;
    const std::uint64_t end = offset_;
    if (read_some(std::span(&extra, 1)) != 0) {
      fail_at(end, "the file goes on where it should end");
    }
  }

 private:
  /// False where the file has ended; else `block_` is not empty.
  bool next_block() {
    while (block_.empty()) {
      if (source_ == nullptr) return false;
      const void* data = nullptr;
      std::size_t size = 0;
      la_int64_t begin = 0;
      const int status = archive_read_data_block(source_, &data, &size, &begin);
      if (status != ARCHIVE_OK && status != ARCHIVE_EOF) {
        fail(std::string("cannot be decompressed, damaged or cut short (") +
             detail::reason(source_) + ")");
      }
      // At the end too: what the header says is the size may be more than what there is.
      const bool somewhere = size > 0 || status == ARCHIVE_EOF;
      if (somewhere && static_cast<std::uint64_t>(begin) != offset_) {
        fail("has a hole, which may be of any size");
      }
      if (status == ARCHIVE_EOF) {
        source_ = nullptr;
        return false;
      }
      block_ = {static_cast<const std::uint8_t*>(data), size};
    }
    return true;
  }

  archive* source_;  // null: an empty file, or all of it was read
  std::string name_;
  std::span<const std::uint8_t> block_;  // what was read from it and not yet taken
  std::uint64_t offset_ = 0;
};

namespace detail {

struct ArchiveDeleter {
  void operator()(archive* a) const { archive_read_free(a); }
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveDeleter>;

inline ArchiveHandle open_archive(const std::filesystem::path& path, bool tar) {
  ArchiveHandle handle(archive_read_new());
  if (!handle) throw std::bad_alloc();
  archive_read_support_filter_gzip(handle.get());
  if (tar) {
    archive_read_support_format_tar(handle.get());
  } else {
    archive_read_support_format_raw(handle.get());
    archive_read_support_format_empty(handle.get());
  }
  if (archive_read_open_filename(handle.get(), path.string().c_str(), 1 << 16) != ARCHIVE_OK) {
    throw DataError(path.string(), 0,
                    std::string("cannot be opened (") + reason(handle.get()) + ")");
  }
  // Layers of gzip, each of which multiplies by up to a thousand, hold no data set.
  if (archive_filter_count(handle.get()) > 2) {
    throw DataError(path.string(), 0, "is compressed more than once");
  }
  return handle;
}

}  // namespace detail

/// Calls use(ByteStream&) with the bytes of a plain file or of one compressed with gzip.
template <typename Use>
auto open_file(const std::filesystem::path& path, Use use) {
  if (std::filesystem::is_directory(path)) throw DataError(path.string(), 0, "is a folder");
  const auto handle = detail::open_archive(path, false);
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(handle.get(), &entry);
  if (status != ARCHIVE_OK && status != ARCHIVE_EOF) {
    throw DataError(path.string(), 0,
                    std::string("cannot be read (") + detail::reason(handle.get()) + ")");
  }
  ByteStream stream(status == ARCHIVE_OK ? handle.get() : nullptr, path.string());
  return use(stream);
}

/// Calls use(base name, ByteStream&) for each regular file in a .tar or .tar.gz archive.
template <typename Use>
void for_each_member(const std::filesystem::path& path, Use use) {
  const auto handle = detail::open_archive(path, true);
  archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = archive_read_next_header(handle.get(), &entry)) == ARCHIVE_OK) {
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const char* name = archive_entry_pathname(entry);
    const std::string member = name != nullptr ? name : "";
    ByteStream stream(handle.get(), path.string() + " (" + member + ")");
    use(std::filesystem::path(member).filename().string(), stream);
  }
  if (status != ARCHIVE_EOF) {
    throw DataError(path.string(),
                    static_cast<std::uint64_t>(archive_filter_bytes(handle.get(), 0)),
                    std::string("damaged or cut short (") + detail::reason(handle.get()) + ")");
  }
}

}  // namespace tiny
