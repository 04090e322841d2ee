#include "data/idx.hpp"
#include "data/load.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>

using namespace test;

namespace {

Bytes images(std::uint32_t count, std::uint32_t height, std::uint32_t width) {
  return big_endian({0x803, count, height, width}) + noise(std::size_t{count} * height * width, 1);
}

Bytes labels(const Bytes& values) {
  return big_endian({0x801, static_cast<std::uint32_t>(values.size())}) + values;
}

std::string image_error(const Bytes& bytes) {
  const TempFolder folder;
  write_file(folder / "images", bytes);
  auto text = message_of([&] { tiny::read_idx_images(folder / "images"); });
  CHECK(has(text, {(folder / "images").string() + ": byte "}));
  return text;
}

std::string label_error(const Bytes& bytes) {
  const TempFolder folder;
  write_file(folder / "labels", bytes);
  auto text = message_of([&] { tiny::read_idx_labels(folder / "labels", 10); });
  CHECK(has(text, {(folder / "labels").string() + ": byte "}));
  return text;
}

}  // namespace

TEST_CASE("IDX files give back what was written, plain and compressed") {
  const TempFolder folder;
  const Bytes pixels = noise(3 * 4 * 5, 1);
  for (const bool packed : {false, true}) {
    const auto write = packed ? write_gz : write_file;
    write(folder / "images", images(3, 4, 5));
    write(folder / "labels", labels({7, 0, 9}));
    const auto data =
        tiny::read_idx(folder / "images", folder / "labels", tiny::numbered_names(10));
    CHECK(data.shape == tiny::ImageShape{1, 4, 5});
    CHECK(data.pixels == pixels);
    CHECK(data.labels == std::vector<int>{7, 0, 9});
    CHECK(data.num_classes() == 10);
    CHECK(data.image(2)[0] == pixels[40]);
  }
}

TEST_CASE("a damaged IDX file of images is refused with the byte of the damage") {
  CHECK(has(image_error({}), {"byte 0: ", "ends here", "magic number"}));
  CHECK(has(image_error({0, 0, 8}), {"byte 3: ", "ends here, 1 bytes"}));
  CHECK(has(image_error(labels({1})), {"byte 0: ", "magic number is 2049", "2051"}));
  CHECK(has(image_error(big_endian({0x803, 1})), {"byte 8: ", "ends here", "header"}));
  CHECK(has(image_error(images(0, 4, 5)), {"byte 4: ", "number of images is 0"}));
  CHECK(has(image_error(images(1, 0, 5)), {"byte 8: ", "height is 0"}));
  CHECK(has(image_error(images(1, 5, 0)), {"byte 12: ", "width is 0"}));

  auto bytes = images(3, 4, 5);
  bytes.pop_back();
  CHECK(has(image_error(bytes), {"byte 75: ", "1 bytes before the end of the images"}));
  bytes.resize(76 + 1);
  CHECK(has(image_error(bytes), {"byte 76: ", "goes on where it should end"}));
}

TEST_CASE("absurd sizes in an IDX header are refused before memory is taken") {
  CHECK(has(image_error(big_endian({0x803, 0xffffffff, 28, 28})), {"byte 4: ", "4294967295"}));
  CHECK(has(image_error(big_endian({0x803, 1, 0x7fffffff, 28})), {"byte 8: ", "2147483647"}));
  CHECK(has(image_error(big_endian({0x803, 1, 28, 1025})), {"byte 12: ", "1025"}));
  // Each number is allowed, their product is not.
  CHECK(has(image_error(big_endian({0x803, 10'000'000, 1024, 1024})),
            {"byte 4: ", "10485760000000 bytes"}));
  // Allowed, but not there: an error of the file's length, not of memory.
  CHECK(has(image_error(big_endian({0x803, 4095, 1024, 1024})), {"byte 16: ", "4293918720 bytes"}));
  CHECK(has(label_error(big_endian({0x801, 0x80000000})), {"byte 4: ", "2147483648"}));
}

TEST_CASE("a damaged IDX file of labels is refused with the byte of the damage") {
  CHECK(has(label_error(images(1, 2, 2)), {"byte 0: ", "magic number is 2051", "2049"}));
  CHECK(has(label_error(labels({1, 2, 10, 3})), {"byte 10: ", "label 10 is not below 10"}));
  CHECK(has(label_error(big_endian({0x801, 5}) + Bytes{1, 2}), {"byte 10: ", "3 bytes"}));
  CHECK(has(label_error(big_endian({0x801, 1}) + Bytes{1, 2}), {"byte 9: ", "goes on"}));
}

TEST_CASE("a compressed IDX file that is cut short is refused") {
  const TempFolder folder;
  const auto path = folder / "images.gz";
  write_gz(path, images(200, 28, 28));
  CHECK(tiny::read_idx_images(path).second.size() == 200 * 28 * 28);
  const auto whole = fs::file_size(path);
  for (const auto size : {whole / 2, whole - 1, std::uintmax_t{40}}) {
    write_gz(path, images(200, 28, 28));
    cut(path, size);
    const auto text = message_of([&] { tiny::read_idx_images(path); });
    CHECK(has(text, {path.string() + ": byte "}));
  }
}

TEST_CASE("a file compressed twice, or with a damaged head, is refused with a message") {
  const TempFolder folder;
  write_gz(folder / "once", images(3, 2, 2));
  write_gz(folder / "twice", read_file(folder / "once"));
  CHECK(tiny::read_idx_images(folder / "once").second.size() == 12);
  CHECK(has(message_of([&] { tiny::read_idx_images(folder / "twice"); }),
            {(folder / "twice").string(), "more than once"}));
  // Of a stream of nothing libarchive does not say what is wrong.
  write_file(folder / "nothing", {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 9, 9, 9, 9, 9, 9});
  CHECK(has(message_of([&] { tiny::read_idx_images(folder / "nothing"); }),
            {(folder / "nothing").string() + ": byte 0"}));
}

TEST_CASE("IDX images and labels must be equally many") {
  const TempFolder folder;
  write_file(folder / "images", images(3, 2, 2));
  write_file(folder / "labels", labels({1, 2}));
  const auto text = message_of(
      [&] { tiny::read_idx(folder / "images", folder / "labels", tiny::numbered_names(10)); });
  CHECK(has(text, {(folder / "images").string() + ": byte 4: ", "images is 3", "2 labels",
                   (folder / "labels").string()}));
}

TEST_CASE("an IDX folder is found under each of its names and in subfolders") {
  for (const std::string separator : {"-", "."}) {
    for (const bool packed : {false, true}) {
      for (const std::string sub : {"", "mnist", "MNIST/raw"}) {
        const TempFolder folder;
        const auto write = packed ? write_gz : write_file;
        const std::string gz = packed ? ".gz" : "";
        fs::create_directories(folder / sub);
        const auto name = [&](const std::string& stem, const std::string& kind) {
          std::string file = stem;
          file.append(separator).append(kind).append("-ubyte").append(gz);
          return folder / sub / file;
        };
        write(name("train-images", "idx3"), images(3, 2, 2));
        write(name("train-labels", "idx1"), labels({1, 2, 3}));
        write(name("t10k-images", "idx3"), images(2, 2, 2));
        write(name("t10k-labels", "idx1"), labels({4, 5}));
        const auto data = tiny::load_dataset("mnist", folder.path());
        CHECK(data.train.labels == std::vector<int>{1, 2, 3});
        CHECK(data.test.labels == std::vector<int>{4, 5});
      }
    }
  }
}

TEST_CASE("an incomplete or unequal IDX folder is refused") {
  const TempFolder folder;
  write_file(folder / "train-images-idx3-ubyte", images(1, 2, 2));
  write_file(folder / "train-labels-idx1-ubyte", labels({1}));
  write_file(folder / "t10k-images-idx3-ubyte", images(1, 3, 2));
  const auto read = [&] { tiny::load_dataset("mnist", folder.path()); };
  CHECK(has(message_of(read), {folder.path().string(), "t10k-labels-idx1-ubyte is missing"}));
  write_file(folder / "t10k-labels-idx1-ubyte", labels({1}));
  CHECK(has(message_of(read), {folder.path().string(), "differ in height or width"}));
}

TEST_CASE("a data set that is not there is told with the places and a way to get it") {
  const TempFolder folder;
  CHECK(has(message_of([&] { tiny::load_dataset("mnist", folder.path()); }),
            {"MNIST not found", (folder / "mnist").string(), "--data", "LDMAT_DATA_DIR"}));
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::load_dataset("minst", ""); }),
            {"'minst'", "digits, mnist, fashion, cifar10"}));
  CHECK(has(message_of([] { tiny::data_folder("/no/such/folder"); }), {"/no/such/folder"}));
}

TEST_CASE("the digits of the source are balanced") {
  const auto data = tiny::load_dataset("digits", "");
  CHECK(data.train.shape == tiny::ImageShape{1, 28, 28});
  CHECK(data.test.shape == tiny::ImageShape{1, 28, 28});
  CHECK(data.train.pixels.size() == 5000 * 784);
  CHECK(data.test.pixels.size() == 1000 * 784);
  for (int label = 0; label < 10; ++label) {
    CHECK(std::ranges::count(data.train.labels, label) == 500);
    CHECK(std::ranges::count(data.test.labels, label) == 100);
  }
  // Known of the data: a one has the least ink of all digits, a zero the most.
  std::array<double, 10> ink{};
  for (std::size_t i = 0; i < data.train.size(); ++i) {
    for (int pixel : data.train.image(i)) {
      ink[static_cast<std::size_t>(data.train.labels[i])] += pixel;
    }
  }
  CHECK(std::ranges::min_element(ink) - ink.begin() == 1);
  CHECK(std::ranges::max_element(ink) - ink.begin() == 0);
}
