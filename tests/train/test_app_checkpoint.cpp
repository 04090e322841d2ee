#include "app/checkpoint.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace test;

namespace {

nlohmann::json content() {
  const std::vector<float> numbers{1.5f, -0.0f, 1e-45f, std::nextafter(1.0f, 2.0f)};
  return {{"steps", 12345678901234ull},
          {"value", 0.1},
          {"text", "ldmat"},
          {"numbers", tiny::pack(std::span<const float>(numbers))}};
}

std::string load_error(const fs::path& path) {
  return message_of([&] { tiny::load_checkpoint(path); });
}

}  // namespace

TEST_CASE("a checkpoint gives back what was saved, bit by bit") {
  const TempFolder folder;
  const auto path = folder / "checkpoint";
  tiny::save_checkpoint(path, content());
  const auto loaded = tiny::load_checkpoint(path);
  CHECK(loaded == content());
  CHECK(loaded.at("value").get<double>() == 0.1);
  const auto numbers = tiny::unpack_vector<float>(loaded.at("numbers"), "numbers");
  CHECK(numbers.size() == 4);
  CHECK(std::signbit(numbers[1]));
  CHECK(numbers[2] == 1e-45f);
  CHECK(numbers[3] == std::nextafter(1.0f, 2.0f));
}

TEST_CASE("saving replaces the old checkpoint and leaves nothing else") {
  const TempFolder folder;
  tiny::save_checkpoint(folder / "checkpoint", {{"step", 1}});
  tiny::save_checkpoint(folder / "checkpoint", {{"step", 2}});
  CHECK(tiny::load_checkpoint(folder / "checkpoint").at("step") == 2);
  const auto files = std::distance(fs::directory_iterator(folder.path()), {});
  CHECK(files == 1);
}

TEST_CASE("a checkpoint that cannot be written leaves the old one") {
  const TempFolder folder;
  const auto path = folder / "checkpoint";
  tiny::save_checkpoint(path, {{"step", 1}});
  fs::create_directory(folder / "checkpoint.part");  // in the way of the new one
  CHECK(has(message_of([&] {
              tiny::save_checkpoint(path, {{"step", 2}});
            }),
            {path.string(), "cannot be written"}));
  CHECK(tiny::load_checkpoint(path).at("step") == 1);
}

TEST_CASE("every single damaged byte of a checkpoint is noticed") {
  const TempFolder folder;
  const auto path = folder / "checkpoint";
  tiny::save_checkpoint(path, content());
  const auto whole = read_file(path);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (i >= 12 && i < 16) continue;  // reserved
    auto damaged = whole;
    damaged[i] ^= 0x10;
    write_file(path, damaged);
    const auto text = load_error(path);
    CAPTURE(i);
    CHECK(has(text, {path.string() + ": "}));
  }
}

TEST_CASE("a checkpoint is refused with the reason") {
  const TempFolder folder;
  const auto path = folder / "checkpoint";
  tiny::save_checkpoint(path, content());
  const auto whole = read_file(path);

  const auto error_after = [&](auto change) {
    auto bytes = whole;
    change(bytes);
    write_file(path, bytes);
    return load_error(path);
  };
  CHECK(has(error_after([](Bytes& b) { b.at(b.size() - 1) ^= 1; }), {"checksum is wrong"}));
  CHECK(has(error_after([](Bytes& b) { b.resize(b.size() - 1); }), {"cut short"}));
  CHECK(has(error_after([](Bytes& b) { b.resize(b.size() + 1); }), {"instead of"}));
  CHECK(has(error_after([](Bytes& b) { b.resize(31); }), {"too short"}));
  CHECK(has(error_after([](Bytes& b) { b[0] = 'X'; }), {"not a checkpoint"}));
  CHECK(has(error_after([](Bytes& b) { b[8] = 9; }), {"version 9", "reads version 1"}));
  fs::remove(path);
  CHECK(has(load_error(path), {path.string(), "cannot be opened"}));
}

TEST_CASE("numbers are only unpacked into as many") {
  const std::vector<double> numbers{1, 2, 3};
  const auto packed = tiny::pack(std::span<const double>(numbers));
  std::vector<double> four(4);
  CHECK(has(message_of([&] { tiny::unpack(packed, std::span<double>(four), "weights"); }),
            {"24 bytes of weights instead of 32"}));
  struct Pair {
    double a, b;
  };
  CHECK(has(message_of([&] { tiny::unpack_vector<Pair>(packed, "pairs"); }), {"24", "pairs"}));
  CHECK(tiny::unpack_vector<double>(tiny::pack(std::span<const double>()), "none").empty());
}
