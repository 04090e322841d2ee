#include "data/cifar.hpp"
#include "data/load.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace test;

namespace {

constexpr std::size_t image_bytes = 3072;

Bytes record(const Bytes& labels, std::uint32_t seed) {
  return Bytes(labels) + noise(image_bytes, seed);
}

Bytes text(const std::string& lines) {
  return Bytes(lines.begin(), lines.end());
}

std::string names(int count, const std::string& stem) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += stem + std::to_string(i) + "\n";
  return lines;
}

using Members = std::vector<std::pair<std::string, Bytes>>;

Members cifar10() {
  return {{"data_batch_2.bin", record({3}, 12) + record({9}, 13)},
          {"readme.html", text("not data")},
          {"test_batch.bin", record({5}, 14)},
          {"data_batch_1.bin", record({0}, 11)},
          {"batches.meta.txt", text(names(10, "ten ") + "\n")}};
}

Members cifar100() {
  return {{"train.bin", record({19, 99}, 21) + record({0, 4}, 22)},
          {"test.bin", record({7, 50}, 23)},
          {"fine_label_names.txt", text(names(100, "fine "))},
          {"coarse_label_names.txt", text(names(20, "coarse "))}};
}

void write_folder(const fs::path& folder, const Members& members) {
  for (const auto& [name, bytes] : members) write_file(folder / name, bytes);
}

void write_tar(const fs::path& path, Members members, const std::string& prefix) {
  for (auto& member : members) member.first = prefix + member.first;
  write_packed(path, members);
}

void replace(Members& members, const std::string& name, const Bytes& bytes) {
  for (auto& member : members) {
    if (member.first == name) member.second = bytes;
  }
}

void leave_out(Members& members, const std::string& name) {
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
}

/// The message for one file of CIFAR-10 replaced; it must name the file, in a folder and a tar.
std::string error_with(const std::string& file, const Bytes& bytes) {
  const TempFolder folder;
  auto members = cifar10();
  replace(members, file, bytes);
  write_folder(folder / "files", members);
  write_tar(folder / "cifar.tar.gz", members, "cifar-10-batches-bin/");
  auto plain = message_of([&] { tiny::read_cifar(folder / "files", tiny::cifar10_layout()); });
  const auto packed =
      message_of([&] { tiny::read_cifar(folder / "cifar.tar.gz", tiny::cifar10_layout()); });
  CHECK(has(plain, {(folder / "files" / file).string() + ": byte "}));
  CHECK(has(packed, {"cifar.tar.gz (cifar-10-batches-bin/" + file + "): byte "}));
  const auto end_of = [](const std::string& message) {
    return message.substr(message.find(": byte "));
  };
  CHECK(end_of(plain) == end_of(packed));
  return plain;
}

}  // namespace

TEST_CASE("CIFAR-10 is the same from a folder and from an archive") {
  const TempFolder folder;
  write_folder(folder / "cifar-10-batches-bin", cifar10());
  write_tar(folder / "cifar-10-binary-subset.tar.gz", cifar10(), "cifar-10-batches-bin/");
  const Bytes pixels = noise(image_bytes, 11) + noise(image_bytes, 12) + noise(image_bytes, 13);
  for (const auto& place :
       {folder.path(), folder / "cifar-10-batches-bin", folder / "cifar-10-binary-subset.tar.gz"}) {
    const auto data = tiny::load_dataset("cifar10", place);
    CHECK(data.train.shape == tiny::ImageShape{3, 32, 32});
    CHECK(data.train.labels == std::vector<int>{0, 3, 9});
    CHECK(data.train.pixels == pixels);
    CHECK(data.test.labels == std::vector<int>{5});
    CHECK(data.test.pixels == noise(image_bytes, 14));
    CHECK(data.test.class_names.at(9) == "ten 9");
    CHECK(data.train.num_classes() == 10);
    CHECK(data.train.coarse_labels.empty());
  }
  fs::remove_all(folder / "cifar-10-batches-bin");
  CHECK(tiny::load_dataset("cifar10", folder.path()).train.pixels == pixels);
  CHECK(has(tiny::load_dataset("cifar10", folder.path()).origin, {"-subset.tar.gz"}));
}

TEST_CASE("CIFAR-100 has fine and coarse labels and the names of both") {
  const TempFolder folder;
  write_tar(folder / "cifar-100-binary.tar.gz", cifar100(), "cifar-100-binary/");
  const auto fine = tiny::load_dataset("cifar100", folder.path());
  CHECK(fine.train.labels == std::vector<int>{99, 4});
  CHECK(fine.train.coarse_labels == std::vector<int>{19, 0});
  CHECK(fine.train.pixels == noise(image_bytes, 21) + noise(image_bytes, 22));
  CHECK(fine.train.class_names.at(99) == "fine 99");
  CHECK(fine.train.coarse_names.at(19) == "coarse 19");
  CHECK(fine.test.labels == std::vector<int>{50});

  const auto coarse = tiny::load_dataset("cifar100-coarse", folder.path());
  CHECK(coarse.train.labels == std::vector<int>{19, 0});
  CHECK(coarse.test.labels == std::vector<int>{7});
  CHECK(coarse.train.num_classes() == 20);
  CHECK(coarse.train.class_names.at(7) == "coarse 7");
  CHECK(coarse.train.pixels == fine.train.pixels);
}

TEST_CASE("CIFAR without its files of names has numbers for names") {
  const TempFolder folder;
  auto members = cifar10();
  leave_out(members, "batches.meta.txt");
  write_folder(folder.path(), members);
  CHECK(tiny::load_dataset("cifar10", folder.path()).train.class_names == tiny::numbered_names(10));
}

TEST_CASE("damaged CIFAR records are refused with the byte of the damage") {
  auto bytes = record({1}, 1) + record({2}, 2);
  CHECK(has(error_with("data_batch_1.bin", record({1}, 1) + record({10}, 2)),
            {"byte 3073: ", "label 10 is not below 10"}));
  bytes.pop_back();
  CHECK(has(error_with("test_batch.bin", bytes),
            {"byte 3073: ", "last record has 3072 bytes", "CIFAR-10", "3073"}));
  bytes.resize(2 * 3073 + 1);
  CHECK(has(error_with("data_batch_2.bin", bytes), {"byte 6146: ", "last record has 1 bytes"}));
  CHECK(has(error_with("data_batch_2.bin", {}), {"byte 0: ", "holds no record"}));
  CHECK(has(error_with("batches.meta.txt", text("one\ntwo\n")),
            {"byte 0: ", "2 class names; expected are 10"}));
  // More than one chunk of the reader: the byte counts from the beginning of the file.
  Bytes many;
  for (std::uint32_t i = 0; i < 600; ++i) many = std::move(many) + record({1}, i);
  many[3073 * 599] = 200;
  CHECK(has(error_with("data_batch_1.bin", many), {"byte 1840727: ", "label 200"}));
}

TEST_CASE("wrong fine and coarse labels of CIFAR-100 are told apart") {
  const TempFolder folder;
  auto members = cifar100();
  const auto error = [&](const Bytes& train) {
    replace(members, "train.bin", train);
    write_folder(folder.path(), members);
    return message_of([&] { tiny::load_dataset("cifar100", folder.path()); });
  };
  CHECK(has(error(record({20, 0}, 1)), {"train.bin: byte 0: ", "coarse label 20"}));
  CHECK(has(error(record({3, 3}, 1) + record({19, 100}, 2)),
            {"train.bin: byte 3075: ", "label 100 is not below 100"}));
  CHECK(has(error(record({1}, 1)), {"train.bin: byte 0: ", "3073 bytes", "3074"}));
}

TEST_CASE("a CIFAR archive that is cut short is refused") {
  const TempFolder folder;
  const auto path = folder / "cifar-10-binary.tar.gz";
  write_tar(path, cifar10(), "cifar-10-batches-bin/");
  const auto whole = fs::file_size(path);
  for (const auto size : {whole / 4, whole / 2, whole - 20}) {
    write_tar(path, cifar10(), "cifar-10-batches-bin/");
    cut(path, size);
    CHECK(has(message_of([&] { tiny::load_dataset("cifar10", folder.path()); }),
              {path.string(), ": byte "}));
  }
}

TEST_CASE("a member with holes is refused, of whatever size it says it is") {
  // GNU's old format: one piece of 512 bytes in a file of 8 GiB.
  struct Piece {
    std::string begin;
    std::string size;
  };
  for (const Piece& piece : {Piece{"00000000000", "00000001000"},  // at its beginning
                             Piece{"77777776000", "00000001000"},  // at its end
                             Piece{"33333333333", "33333333333"}, Piece{"", ""}}) {
    CAPTURE(piece.begin);
    Bytes tar(512 + 512 + 1024);
    const auto put = [&](std::size_t at, const std::string& what) {
      std::copy(what.begin(), what.end(), tar.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(0, "data_batch_1.bin");
    put(100, "0000644");
    put(124, "00000001000");
    put(156, "S");
    put(257, "ustar  ");
    put(386, piece.begin);
    put(398, piece.size);
    put(483, "77777777777");
    put(148, "        ");
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += tar[i];
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    put(148, std::string(digits, 6) + '\0');
    const TempFolder folder;
    write_file(folder / "holes.tar", tar);
    CHECK(has(message_of([&] { tiny::read_cifar(folder / "holes.tar", tiny::cifar10_layout()); }),
              {"holes.tar (data_batch_1.bin)", "has a hole"}));
  }
}

TEST_CASE("an archive without the expected members is refused by their names") {
  const TempFolder folder;
  const auto path = folder / "cifar-10-binary.tar.gz";
  const auto error = [&](const Members& members) {
    write_tar(path, members, "x/");
    return message_of([&] { tiny::load_dataset("cifar10", folder.path()); });
  };
  CHECK(has(error({{"hello.txt", text("hello")}}),
            {path.string(), "data_batch_*.bin is missing", "CIFAR-10"}));
  auto members = cifar10();
  leave_out(members, "test_batch.bin");
  CHECK(has(error(members), {path.string(), "test_batch.bin is missing"}));
  members = cifar10();
  members.push_back({"copy/data_batch_1.bin", record({1}, 1)});
  CHECK(has(error(members), {"copy/data_batch_1.bin", "two files of this name"}));
  write_file(path, text("this is no archive"));
  CHECK(has(message_of([&] { tiny::load_dataset("cifar10", folder.path()); }),
            {path.string() + ": byte 0"}));
}

TEST_CASE("CIFAR that is not there is told with the places and a way to get it") {
  const TempFolder folder;
  CHECK(has(message_of([&] { tiny::load_dataset("cifar100", folder.path()); }),
            {"CIFAR-100 not found", (folder / "cifar-100-binary.tar.gz").string(), "cs.toronto.edu",
             "--data"}));
}
