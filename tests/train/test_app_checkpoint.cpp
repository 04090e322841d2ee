#include "app/checkpoint.hpp"
#include "app/feature_loss.hpp"
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

/// Writes a checkpoint of content that has the right size and checksum, whatever it is.
void write_content(const fs::path& path, const Bytes& content) {
  tiny::detail::CheckpointHeader header;
  tiny::detail::checkpoint_magic.copy(header.magic.data(), header.magic.size());
  header.version = tiny::detail::checkpoint_version;
  header.size = content.size();
  header.checksum =
      tiny::detail::checksum({reinterpret_cast<const char*>(content.data()), content.size()});
  Bytes bytes(sizeof header);
  std::memcpy(bytes.data(), &header, sizeof header);
  write_file(path, bytes + content);
}

}  // namespace

TEST_CASE("content that is no CBOR, or nested too deep, is refused with the file's name") {
  const TempFolder folder;
  const auto path = folder / "checkpoint";
  write_content(path, {0x9b, 0, 0, 1, 0, 0, 0, 0, 0, 0});  // a list of 2^40 that is not there
  CHECK(has(load_error(path), {path.string() + ": ", "no CBOR"}));
  write_content(path, Bytes(1'000'000, 0x81));
  CHECK(has(load_error(path), {path.string() + ": ", "lists within lists"}));
  // Text in pieces of text in pieces of text, between them pieces that are whole.
  Bytes pieces;
  for (int i = 0; i < 500'000; ++i) pieces.insert(pieces.end(), {0x7f, 0x60});
  write_content(path, pieces);
  CHECK(has(load_error(path), {path.string() + ": ", "without a length"}));
  Bytes tags(1'000'000, 0xc1);
  write_content(path, tags);
  CHECK(has(load_error(path), {path.string() + ": ", "lists within lists"}));
  Bytes deep(31, 0x81);
  deep.push_back(0x01);
  write_content(path, deep);
  CHECK(load_error(path).empty());
}

TEST_CASE("what is restored is refused where no run can have saved it") {
  const std::vector<std::uint64_t> zeros(4);
  const auto rng = tiny::pack(std::span<const std::uint64_t>(zeros));
  CHECK(has(message_of([&] { tiny::unpack_rng(rng); }), {"of zeros"}));

  tiny::LdmatLoss<ldmat::Euclidean> loss(
      {.classes = 3, .regularizer = ldmat::adaptive(0.25), .penalty = {}});
  for (const std::int64_t classes : {std::int64_t{1} << 40, std::int64_t{-1}}) {
    auto state = loss.state();
    state["classes"] = classes;
    CHECK(has(message_of([&] { loss.restore(state); }),
              {"of " + std::to_string(classes) + " classes instead of 3"}));
  }
  loss.restore(loss.state());

  const auto good = tiny::to_json(tiny::TrainOptions{});
  CHECK(tiny::to_json(tiny::options_from_json(good)) == good);
  const auto refused = [&](const char* name, const nlohmann::json& value) {
    nlohmann::json options = good;
    options[name] = value;
    return has(message_of([&] { tiny::options_from_json(options); }),
               {std::string("--") + name, value.dump()});
  };
  CHECK(refused("dim", -1));
  CHECK(refused("dim", 1e300));
  CHECK(refused("lr", std::nan("")));
  CHECK(refused("metric", "chebyshev"));
  CHECK(refused("seed", -1));
}

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
  CHECK(has(error_after([](Bytes& b) { b[8] = 9; }), {"version 9", "reads version 2"}));
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
