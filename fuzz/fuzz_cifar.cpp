// The readers of CIFAR's records and files of names, from one plain or gzip file.
#include "data/cifar.hpp"
#include "file.hpp"
#include "train/test_data_support.hpp"

using fuzz::Bytes;

namespace {

/// Which member the bytes are to be, by the first byte of an input.
const std::array<std::pair<tiny::CifarLayout, std::string>, 6>& members() {
  static const std::array<std::pair<tiny::CifarLayout, std::string>, 6> all{{
      {tiny::cifar10_layout(), "data_batch_1.bin"},
      {tiny::cifar10_layout(), "test_batch.bin"},
      {tiny::cifar10_layout(), "batches.meta.txt"},
      {tiny::cifar100_layout(), "train.bin"},
      {tiny::cifar100_layout(), "fine_label_names.txt"},
      {tiny::cifar100_layout(), "coarse_label_names.txt"},
  }};
  return all;
}

void check(const tiny::Dataset& data, const tiny::CifarLayout& layout) {
  FUZZ_CHECK(data.shape == tiny::ImageShape{3, 32, 32});
  FUZZ_CHECK(data.size() > 0 && data.pixels.size() == data.size() * data.shape.size());
  for (const int label : data.labels) FUZZ_CHECK(label >= 0 && label < layout.fine_classes);
  FUZZ_CHECK(data.coarse_labels.size() == (layout.coarse_classes > 0 ? data.size() : 0));
  for (const int label : data.coarse_labels) FUZZ_CHECK(label < layout.coarse_classes);
}

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  const auto of = [](std::uint8_t member, Bytes bytes) {
    bytes.insert(bytes.begin(), member);
    return bytes;
  };
  using test::operator+;
  const Bytes record = Bytes{7} + Bytes(3072, 9);
  std::string names;
  for (int i = 0; i < 10; ++i) names += {'n', static_cast<char>('0' + i), '\r', '\n'};
  const test::TempFolder folder;
  test::write_gz(folder / "records", record + record);
  test::write_gz(folder / "fine", Bytes{19, 99} + Bytes(3072, 5));
  return {of(0, record),
          of(0, test::read_file(folder / "records")),
          of(1, test::read_file(folder / "records")),
          of(3, test::read_file(folder / "fine")),
          of(2, Bytes(names.begin(), names.end())),
          of(4, Bytes(200, '\n')),
          of(1, {})};
}

void fuzz::run(std::span<const std::uint8_t> input) {
  Input in(input);
  const auto& member = members().at(static_cast<std::size_t>(in.below(6)));
  const tiny::CifarLayout& layout = member.first;
  const std::string& name = member.second;
  read_file(in.rest(), 1 << 20, [&](const auto& path) {
    tiny::open_file(path, [&](tiny::ByteStream& stream) {
      if (name.ends_with(".bin")) {
        check(tiny::detail::read_cifar_records(stream, layout), layout);
        FUZZ_CHECK(stream.offset() <= expansion * in.rest().size());
      } else {
        const int count =
            name == layout.coarse_names_file ? layout.coarse_classes : layout.fine_classes;
        const auto names = tiny::detail::read_class_names(stream, count);
        FUZZ_CHECK(names.size() == static_cast<std::size_t>(count));
        for (const auto& each : names) FUZZ_CHECK(!each.empty());
      }
    });
  });
}
