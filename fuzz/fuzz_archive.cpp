// Archives: members of a tar, plain or gzip, and CIFAR read from one.
#include "data/cifar.hpp"
#include "file.hpp"
#include "train/test_data_support.hpp"

using fuzz::Bytes;

namespace {

/// Makes the checksums of all headers right, which no mutation would.
Bytes with_checksums(std::span<const std::uint8_t> tar) {
  Bytes bytes(tar.begin(), tar.end());
  for (std::size_t begin = 0; begin + 512 <= bytes.size(); begin += 512) {
    std::uint8_t* const header = bytes.data() + begin;
    if (std::memcmp(header + 257, "ustar", 5) != 0) continue;
    std::memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; ++i) sum += header[i];
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    std::memcpy(header + 148, digits, 7);
  }
  return bytes;
}

Bytes with_mode(std::uint8_t mode, Bytes bytes) {
  bytes.insert(bytes.begin(), mode);
  return bytes;
}

Bytes gunzipped(const std::filesystem::path& path) {
  return tiny::open_file(path, [](tiny::ByteStream& stream) {
    Bytes bytes(1 << 20);
    bytes.resize(stream.read_some(bytes));
    return bytes;
  });
}

/// A member of GNU's old format for files with holes: 512 bytes of data at the end of 2^40.
Bytes sparse_tar() {
  Bytes header(512);
  const auto put = [&](std::size_t at, const std::string& text) {
    std::memcpy(header.data() + at, text.data(), text.size());
  };
  put(0, "data_batch_1.bin");
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, "00000001000");  // what is in the archive
  put(136, "00000000000");
  put(156, "S");
  put(257, "ustar  ");
  put(386, "00000000000");  // the only piece: 512 bytes from 0 on
  put(398, "00000001000");
  put(483, "77777777777");  // the size with its hole
  using test::operator+;
  return with_checksums(header + Bytes(512, 1) + Bytes(1024, 0));
}

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  using test::operator+;
  const Bytes record = Bytes{7} + Bytes(3072, 9);
  std::string names;
  for (int i = 0; i < 10; ++i) names += {'n', static_cast<char>('0' + i), '\n'};
  const test::TempFolder folder;
  test::write_packed(folder / "cifar", {{"x/data_batch_1.bin", record},
                                        {"x/test_batch.bin", record},
                                        {"x/batches.meta.txt", Bytes(names.begin(), names.end())}});
  test::write_packed(folder / "small", {{"data_batch_1.bin", {1, 2, 3}}, {"b", {}}});
  test::write_gz(folder / "again", test::read_file(folder / "small"));
  return {with_mode(0, test::read_file(folder / "cifar")),
          with_mode(0, test::read_file(folder / "small")),
          with_mode(0, test::read_file(folder / "again")),
          with_mode(1, gunzipped(folder / "small")),
          with_mode(1, gunzipped(folder / "cifar")),
          with_mode(2, gunzipped(folder / "small")),
          with_mode(1, sparse_tar()),
          with_mode(2, sparse_tar())};
}

void fuzz::run(std::span<const std::uint8_t> input) {
  Input in(input);
  const int mode = in.below(4);
  const Bytes bytes =
      mode % 2 == 1 ? with_checksums(in.rest()) : Bytes(in.rest().begin(), in.rest().end());
  if (mode >= 2) {
    read_file(bytes, 1 << 20, [&](const auto& path) {
      std::uint64_t all = 0;
      tiny::for_each_member(path, [&](const std::string& name, tiny::ByteStream& stream) {
        FUZZ_CHECK(name.find('/') == std::string::npos);
        std::array<std::uint8_t, 4096> part{};
        while (stream.read_some(part) == part.size()) {
        }
        all += stream.offset();
      });
      FUZZ_CHECK(all <= expansion * bytes.size());
    });
    return;
  }
  read_file(bytes, 1 << 20, [&](const auto& path) {
    const auto data = tiny::read_cifar(path, tiny::cifar10_layout());
    for (const auto* part : {&data.train, &data.test}) {
      FUZZ_CHECK(part->size() > 0 && part->pixels.size() == part->size() * part->shape.size());
      FUZZ_CHECK(part->class_names.size() == 10);
      for (const int label : part->labels) FUZZ_CHECK(label >= 0 && label < 10);
    }
  });
}
