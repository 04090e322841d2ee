// What ldmat-train leaves in features/: .npy files, their refusals, and classes held out.
#include "app/features_file.hpp"
#include "app/report.hpp"
#include "data/load.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

using namespace test;

namespace {

Bytes bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

/// A file as NumPy 1.24 writes it: the header is padded to 128 bytes in all, `numbers` are its data.
Bytes numpy_file(const std::string& dictionary, const Bytes& numbers) {
  Bytes bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0x76, 0};
  std::string header = dictionary;
  header.resize(117, ' ');
  return bytes + bytes_of(header + '\n') + numbers;
}

/// np.save of np.array([[1.5, -2, 0.1], [3e38, 1e-40, -0.0]], dtype='<f4').
Bytes numpy_matrix() {
  return numpy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
                    {0x00, 0x00, 0xc0, 0x3f, 0x00, 0x00, 0x00, 0xc0, 0xcd, 0xcc, 0xcc, 0x3d,
                     0xe6, 0xb1, 0x61, 0x7f, 0xc2, 0x16, 0x01, 0x00, 0x00, 0x00, 0x00, 0x80});
}

tiny::RowMatrix<float> same_matrix() {
  tiny::RowMatrix<float> x(2, 3);
  x << 1.5f, -2.0f, 0.1f, 3e38f, 1e-40f, -0.0f;
  return x;
}

/// np.save of np.array([3, -1, 70000], dtype='<i4').
Bytes numpy_labels() {
  return numpy_file("{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }",
                    {3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x70, 0x11, 0x01, 0});
}

std::string matrix_error(const Bytes& bytes) {
  const TempFolder folder;
  write_file(folder / "x.npy", bytes);
  return message_of([&] { tiny::read_npy_matrix(folder / "x.npy"); });
}

tiny::FeatureFiles small_files() {
  tiny::FeatureFiles files;
  files.classes = {"toys", {"a", "b", "c\"{"}, {1, 0, 1}, {"x", "y"}};
  files.train = {tiny::RowMatrix<float>::Random(5, 3), {0, 1, 2, 1, 0}};
  files.test = {tiny::RowMatrix<float>::Random(2, 3), {1, 0}};
  files.unseen = tiny::FeatureSet{tiny::RowMatrix<float>::Random(3, 3), {2, 2, 2}};
  return files;
}

void check_same(const tiny::FeatureSet& a, const tiny::FeatureSet& b) {
  CHECK(a.features == b.features);
  CHECK(a.labels == b.labels);
}

/// The message for a folder of which one file was changed by `spoil`.
template <class Spoil>
std::string folder_error(const Spoil& spoil) {
  const TempFolder folder;
  tiny::write_features(folder.path(), small_files());
  spoil(folder.path());
  return message_of([&] { tiny::read_features(folder.path()); });
}

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("files are those that NumPy writes, to the byte, and are read back to the bit") {
  const TempFolder folder;
  tiny::write_npy(folder / "x.npy", same_matrix());
  CHECK(read_file(folder / "x.npy") == numpy_matrix());
  const std::vector<int> labels{3, -1, 70000};
  tiny::write_npy(folder / "y.npy", labels);
  CHECK(read_file(folder / "y.npy") == numpy_labels());
  const auto x = tiny::read_npy_matrix(folder / "x.npy");
  CHECK(x == same_matrix());
  CHECK(std::signbit(x(1, 2)));
  CHECK(tiny::read_npy_labels(folder / "y.npy") == labels);

  tiny::write_npy(folder / "none.npy", tiny::RowMatrix<float>(0, 7));
  const auto none = tiny::read_npy_matrix(folder / "none.npy");
  CHECK(none.rows() == 0);
  CHECK(none.cols() == 7);
  // Numbers begin at a multiple of 64, whatever the length of the shape.
  for (const Eigen::Index rows : {1, 1000, 123456}) {
    tiny::write_npy(folder / "long.npy", tiny::RowMatrix<float>::Ones(rows, 1));
    CHECK((fs::file_size(folder / "long.npy") - 4 * static_cast<std::size_t>(rows)) % 64 == 0);
    CHECK(tiny::read_npy_matrix(folder / "long.npy").sum() == static_cast<float>(rows));
  }
}

TEST_CASE("other spellings of the header's dictionary are understood") {
  const TempFolder folder;
  const auto data = numpy_labels();
  const Bytes numbers(data.end() - 12, data.end());
  for (const char* header :
       {"{\"shape\":(3,),\"fortran_order\":False,\"descr\":\"<i4\"}",
        "{ 'fortran_order' : False , 'shape' : ( 3 , ) , 'descr' : '<i4' , }"}) {
    write_file(folder / "y.npy", numpy_file(header, numbers));
    CHECK(tiny::read_npy_labels(folder / "y.npy") == std::vector<int>{3, -1, 70000});
  }
}

TEST_CASE("anything else than such a file is refused with its name and the reason") {
  auto bytes = numpy_matrix();
  const Bytes numbers(bytes.end() - 24, bytes.end());
  CHECK(has(matrix_error(Bytes(bytes.begin(), bytes.end() - 1)),
            {"x.npy: ", "23 bytes after its header instead of 24"}));
  CHECK(has(matrix_error(bytes + Bytes{0}), {"25 bytes after its header instead of 24"}));
  for (const std::ptrdiff_t size : {6, 9, 10, 60, 127}) {
    CHECK(has(matrix_error(Bytes(bytes.begin(), bytes.begin() + size)),
              {"x.npy: ", "cut short within its header"}));
  }
  CHECK(has(matrix_error({}), {"x.npy: ", "not a .npy file"}));
  CHECK(has(matrix_error(bytes_of("label,f0,f1\n1,2,3\n")), {"not a .npy file"}));
  bytes[6] = 2;
  CHECK(has(matrix_error(bytes), {"version 2.0", "reads version 1.0"}));

  const auto with = [&](const std::string& header) {
    return matrix_error(numpy_file(header, numbers));
  };
  const std::string end = ", 'fortran_order': False, 'shape': (2, 3), }";
  CHECK(has(with("{'descr': '<f8'" + end), {"type '<f8' instead of '<f4'"}));
  CHECK(has(with("{'descr': '>f4'" + end), {"type '>f4' instead of '<f4'"}));
  CHECK(has(with("{'descr': '<i4'" + end), {"type '<i4' instead of '<f4'"}));
  CHECK(has(with("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"), {"Fortran order"}));
  const auto shaped = [&](const std::string& shape) {
    return with("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }");
  };
  CHECK(has(shaped("(6,)"), {"1 dimensions instead of 2"}));
  CHECK(has(shaped("()"), {"0 dimensions instead of 2"}));
  CHECK(has(shaped("(1, 2, 3)"), {"3 dimensions instead of 2"}));
  // 2^32 x 2^32 wraps around to 0, and 2^62 x 4 bytes too.
  CHECK(has(shaped("(4294967296, 4294967296)"), {"more elements than can be addressed"}));
  CHECK(has(shaped("(4611686018427387904, 1)"), {"more elements than can be addressed"}));
  CHECK(has(shaped("(0, 18446744073709551615)"), {"more elements than can be addressed"}));
  CHECK(has(shaped("(18446744073709551616, 1)"), {"no size below 2^64"}));
  CHECK(has(shaped("(1000000000, 1000000000)"), {"24 bytes after its header instead of"}));
  CHECK(has(shaped("(-2, 3)"), {"no size below 2^64"}));
  CHECK(has(shaped("(2 3)"), {"no ')'"}));
  CHECK(has(shaped("2"), {"no '('"}));

  CHECK(has(with(""), {"no '{'"}));
  CHECK(has(with("{}"), {"is missing"}));
  CHECK(has(with("{'descr': '<f4', 'shape': (2, 3)}"), {"is missing"}));
  CHECK(has(with("{'descr': '<f4', 'descr': '<f4', 'shape': (2, 3)}"), {"occurs twice"}));
  CHECK(has(with("{'descr': '<f4', 'more': 1" + end), {"unknown key 'more'"}));
  CHECK(has(with("{'descr': '<f4'" + end + "x"), {"text after its end"}));
  CHECK(has(with("{'descr': '<f4"), {"a string without end"}));
  CHECK(has(with("{'descr': [('a', '<f4')]" + end), {"header cannot be read"}));
  CHECK(has(with("{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}"), {"neither True nor"}));

  const TempFolder folder;
  CHECK(has(message_of([&] { tiny::read_npy_matrix(folder / "none.npy"); }),
            {"none.npy", "cannot be opened"}));
  write_file(folder / "x.npy", numpy_matrix());
  CHECK(has(message_of([&] { tiny::read_npy_labels(folder / "x.npy"); }), {"'<f4' instead of"}));
}

TEST_CASE("a folder of features is read back as it was written") {
  const TempFolder folder;
  auto files = small_files();
  tiny::write_features(folder / "features", files);
  auto read = tiny::read_features(folder / "features");
  CHECK(read.classes.dataset == "toys");
  CHECK(read.classes.names == files.classes.names);
  CHECK(read.classes.coarse == files.classes.coarse);
  CHECK(read.classes.coarse_names == files.classes.coarse_names);
  check_same(read.train, files.train);
  check_same(read.test, files.test);
  REQUIRE(read.unseen);
  check_same(*read.unseen, *files.unseen);

  // A run without classes held out, or superclasses, leaves nothing of the one before.
  files.unseen.reset();
  files.classes.coarse.clear();
  tiny::write_features(folder / "features", files);
  read = tiny::read_features(folder / "features");
  CHECK(!read.unseen);
  CHECK(read.classes.coarse.empty());
  CHECK(!has(text_of(folder / "features" / "classes.json"), {"coarse"}));
}

TEST_CASE("parts that do not fit each other are refused") {
  using Files = const fs::path&;
  const auto labels = [](const fs::path& path, const std::vector<int>& values) {
    tiny::write_npy(path, values);
  };
  CHECK(has(folder_error([](Files f) { fs::remove(f / "test_labels.npy"); }),
            {"test_labels.npy", "cannot be opened"}));
  CHECK(has(folder_error([&](Files f) {
              labels(f / "train_labels.npy", {0, 1});
            }),
            {"train_labels.npy: holds 2 labels", "train_features.npy has 5 rows"}));
  CHECK(has(folder_error([&](Files f) {
              labels(f / "test_labels.npy", {0, 3});
            }),
            {"test_labels.npy: label 3 of row 1", "3 classes"}));
  CHECK(has(folder_error([&](Files f) {
              labels(f / "test_labels.npy", {-1, 0});
            }),
            {"label -1 of row 0"}));
  CHECK(has(folder_error([&](Files f) { fs::remove(f / "unseen_labels.npy"); }),
            {"unseen_labels.npy", "cannot be opened"}));
  const auto matrix = [](const tiny::RowMatrix<float>& x) {
    return [x](Files f) { tiny::write_npy(f / "test_features.npy", x); };
  };
  CHECK(has(folder_error(matrix(tiny::RowMatrix<float>::Zero(2, 4))),
            {"test_features.npy: has 4 columns", "has 3"}));
  CHECK(has(folder_error(matrix(tiny::RowMatrix<float>::Zero(0, 3))), {"no features (0 x 3)"}));
  tiny::RowMatrix<float> infinite = tiny::RowMatrix<float>::Zero(2, 3);
  infinite(1, 2) = std::numeric_limits<float>::infinity();
  CHECK(has(folder_error(matrix(infinite)), {"test_features.npy: row 1 is not finite"}));

  const auto classes = [](const std::string& text) {
    return folder_error([&](Files f) { write_file(f / "classes.json", bytes_of(text)); });
  };
  CHECK(has(classes("{"), {"classes.json: cannot be read"}));
  CHECK(has(classes("{\"dataset\": \"x\"}"), {"classes.json: cannot be read", "names"}));
  CHECK(has(classes("{\"dataset\": \"x\", \"names\": 3}"), {"classes.json: cannot be read"}));
  const std::string start = "{\"dataset\": \"x\", \"names\": [\"a\", \"b\", \"c\"], \"coarse\": ";
  CHECK(has(classes(start + "[0, 1], \"coarse_names\": [\"x\", \"y\"]}"), {"each of the 3"}));
  CHECK(has(classes(start + "[0, 1, 2], \"coarse_names\": [\"x\", \"y\"]}"), {"one of 2"}));
  CHECK(has(classes(start + "[0, 1, -2], \"coarse_names\": [\"x\", \"y\"]}"), {"one of 2"}));
  CHECK(classes(start + "[0, 1, -1], \"coarse_names\": [\"x\", \"y\"]}") == "");
  CHECK(has(folder_error([](Files f) { fs::remove_all(f); }), {"there is no folder"}));
}

TEST_CASE("the superclass of each class is that of its images") {
  tiny::TrainTest data;
  data.train.shape = data.test.shape = {1, 1, 1};
  data.train.labels = {2, 0, 2};
  data.train.coarse_labels = {1, 0, 1};
  data.test.labels = {0, 1};
  data.test.coarse_labels = {0, 1};
  data.train.class_names = data.test.class_names = {"a", "b", "c", "d"};
  data.train.coarse_names = data.test.coarse_names = {"x", "y"};
  const auto list = tiny::class_list("toys", data);
  CHECK(list.coarse == std::vector<int>{0, 1, 1, -1});
  CHECK(list.names.size() == 4);
  data.test.coarse_labels[0] = 1;
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::class_list("toys", data); }),
            {"class 'a'", "0 and 1"}));
  data.train.coarse_names.clear();
  CHECK(tiny::class_list("toys", data).coarse.empty());
}

TEST_CASE("ldmat-train --hold-out leaves the features of classes that it did not train on") {
  const TempFolder folder;
  const auto run = [&](const std::string& options) {
    const std::string command = "'" LDMAT_TRAIN_PROGRAM "' --epochs 1 --dim 3 --threads 1 --out '" +
                                folder.path().string() + "' " + options + " >'" +
                                (folder / "log").string() + "' 2>&1";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  REQUIRE(run("--hold-out 3 --stop-after-steps 20") == 0);
  CHECK(run("--resume --hold-out 2") == 1);
  CHECK(has(text_of(folder / "log"), {"--hold-out is 2", "has 3"}));
  REQUIRE(run("--resume") == 0);
  CHECK(has(text_of(folder / "log"), {"3500 training and 700 test images of 7 classes",
                                      "held out: the last 3 classes, with 300 test images"}));
  auto files = tiny::read_features(folder / "features");
  CHECK(files.classes.names.size() == 10);
  CHECK(files.train.features.rows() == 3500);
  CHECK(files.test.features.rows() == 700);
  CHECK(files.test.features.cols() == 3);
  CHECK(std::ranges::max(files.train.labels) == 6);
  REQUIRE(files.unseen);
  CHECK(files.unseen->labels.size() == 300);
  CHECK(std::ranges::min(files.unseen->labels) == 7);
  CHECK(std::ranges::max(files.unseen->labels) == 9);
  // The test features are those of features.csv, which has the shortest exact form of each.
  const auto csv = text_of(folder / "features.csv");
  CHECK(csv == tiny::features_csv(files.test.features, files.test.labels));

  CHECK(run("--hold-out 9") == 1);
  CHECK(has(text_of(folder / "log"), {"--hold-out is 9", "of 10 classes two"}));
}
