// The reader of IDX files, plain or gzip: images, or labels.
#include "data/idx.hpp"
#include "file.hpp"
#include "train/test_data_support.hpp"

using fuzz::Bytes;

namespace {

Bytes images(std::uint32_t count, std::uint32_t height, std::uint32_t width) {
  using test::operator+;
  return test::big_endian({0x803, count, height, width}) +
         test::noise(count * height * width, count);
}

Bytes as_labels(Bytes bytes, bool labels) {
  bytes.insert(bytes.begin(), labels ? 1 : 0);
  return bytes;
}

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  using test::operator+;
  const Bytes labels = test::big_endian({0x801, 5}) + Bytes{0, 9, 3, 4, 5};
  const Bytes pictures = images(3, 4, 5);
  const test::TempFolder folder;
  test::write_gz(folder / "labels", labels);
  test::write_gz(folder / "images", images(20, 8, 8));
  return {as_labels(pictures, false),
          as_labels(labels, true),
          as_labels(test::read_file(folder / "images"), false),
          as_labels(test::read_file(folder / "labels"), true),
          as_labels(test::big_endian({0x803, 4095, 1024, 1024}) + Bytes{1, 2, 3}, false),
          as_labels(test::big_endian({0x801, 10'000'000}) + Bytes{1, 2, 3}, true)};
}

void fuzz::run(std::span<const std::uint8_t> input) {
  Input in(input);
  const bool labels = in.flag();
  constexpr std::size_t constant = 1 << 17;
  if (labels) {
    read_file(in.rest(), constant, [&](const auto& path) {
      const auto read = tiny::read_idx_labels(path, 10);
      FUZZ_CHECK(!read.empty() && read.size() <= expansion * in.rest().size());
      for (const int label : read) FUZZ_CHECK(label >= 0 && label < 10);
    });
    return;
  }
  read_file(in.rest(), constant, [&](const auto& path) {
    const auto [shape, pixels] = tiny::read_idx_images(path);
    FUZZ_CHECK(shape.channels == 1 && shape.height > 0 && shape.width > 0);
    FUZZ_CHECK(!pixels.empty() && pixels.size() % shape.size() == 0);
    FUZZ_CHECK(pixels.size() <= expansion * in.rest().size());
  });
}
