#include "app/weights.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>

using namespace test;

namespace {

constexpr tiny::Shape shape{1, 20, 20};

tiny::Network<float> network(std::uint64_t seed, tiny::Index dim = 3, tiny::Shape in = shape) {
  tiny::Rng rng(seed);
  return tiny::lenet<float>(in, dim, rng);
}

tiny::NetworkDescription description() {
  return {"lenet", shape, 3, {{0.25}, {0.5}}};
}

tiny::Matrix<float> images() {
  tiny::Matrix<float> x(7, shape.size());
  for (tiny::Index i = 0; i < x.size(); ++i) {
    x.data()[i] = static_cast<float>(i * 37 % 101) / 50.0f - 1.0f;
  }
  return x;
}

bool same_bits(const tiny::Matrix<float>& a, const tiny::Matrix<float>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

std::string load_error(const fs::path& path) {
  return message_of([&] { tiny::load_weights(path); });
}

}  // namespace

TEST_CASE("weights give the same features, bit by bit, also of buffers and odd numbers") {
  const TempFolder folder;
  auto trained = network(1);
  trained.forward(images(), tiny::Mode::train);  // moves the running statistics
  trained.tensors().at(0).value[0] = -0.0f;
  trained.tensors().at(0).value[1] = std::numeric_limits<float>::denorm_min();
  const tiny::Matrix<float> expected = trained.forward(images(), tiny::Mode::evaluate);

  tiny::save_weights(folder / "weights.ldmat", trained, description());
  const auto weights = tiny::load_weights(folder / "weights.ldmat");
  CHECK(weights.description.network == "lenet");
  CHECK(weights.description.input == shape);
  CHECK(weights.description.dim == 3);
  CHECK(weights.description.normalization.mean == std::vector{0.25});
  CHECK(weights.description.normalization.deviation == std::vector{0.5});
  CHECK(weights.tensors.at(0).first == "0.conv.weight");

  auto other = network(2);
  CHECK(!same_bits(other.forward(images(), tiny::Mode::evaluate), expected));
  tiny::use_weights(weights, other, "lenet");
  CHECK(same_bits(other.forward(images(), tiny::Mode::evaluate), expected));
  CHECK(std::signbit(other.tensors().at(0).value[0]));
}

TEST_CASE("weights of another network are refused, and nothing is copied") {
  const TempFolder folder;
  const auto path = folder / "weights.ldmat";
  tiny::save_weights(path, network(1), description());
  const auto good = tiny::load_weights(path);
  const auto error = [](const tiny::Weights& weights, tiny::Network<float> into,
                        const std::string& name = "lenet") {
    const tiny::Matrix<float> x = tiny::Matrix<float>::Ones(2, into.in().size());
    const tiny::Matrix<float> before = into.forward(x, tiny::Mode::evaluate);
    auto text = message_of([&] { tiny::use_weights(weights, into, name); });
    CHECK(same_bits(into.forward(x, tiny::Mode::evaluate), before));
    return text;
  };
  CHECK(has(error(good, network(2), "resnet"), {"of the network lenet", "resnet", "--network"}));
  CHECK(has(error(good, network(2, 4)), {"of 3 features", "has 4", "--dim"}));
  CHECK(has(error(good, network(2, 3, {1, 24, 20})), {"1x20x20", "1x24x20", "--dataset"}));
  tiny::Rng rng(2);
  auto normalized = tiny::lenet<float>(good.description.input, 3, rng, tiny::LastLayer::batch_norm);
  CHECK(has(error(good, std::move(normalized)), {"tensors", "--normalize"}));
  auto changed = good;
  changed.tensors.pop_back();
  CHECK(has(error(changed, network(2)), {"tensors"}));
  changed = good;
  changed.tensors.back().second.pop_back();
  CHECK(has(error(changed, network(2)), {changed.tensors.back().first, "of 2 numbers", "of 3"}));
  changed = good;
  changed.tensors.back().first = "x.bias";
  CHECK(has(error(changed, network(2)), {"the tensor x.bias", good.tensors.back().first}));
}

TEST_CASE("a file that is no undamaged file of weights is refused by name, with the reason") {
  const TempFolder folder;
  const auto path = folder / "weights.ldmat";
  tiny::save_weights(path, network(1), description());
  const auto whole = read_file(path);
  const auto error_after = [&](auto change) {
    auto bytes = whole;
    change(bytes);
    write_file(path, bytes);
    const auto text = load_error(path);
    CHECK(has(text, {path.string() + ": "}));
    return text;
  };
  CHECK(has(error_after([](Bytes& b) { b.at(b.size() / 2) ^= 1; }), {"checksum is wrong"}));
  CHECK(has(error_after([](Bytes& b) { b.resize(b.size() / 2); }), {"cut short"}));
  CHECK(has(error_after([](Bytes& b) { b.resize(10); }), {"too short for a file of weights"}));
  CHECK(has(error_after([](Bytes& b) { b.clear(); }), {"too short"}));
  CHECK(has(error_after([](Bytes& b) { b[8] = 7; }), {"version 7", "reads version 1"}));
  CHECK(has(error_after([](Bytes& b) { b[0] = 'X'; }), {"not a file of weights"}));
  fs::remove(path);
  CHECK(has(load_error(path), {"cannot be opened"}));

  tiny::save_checkpoint(path, {{"steps", 1}});
  CHECK(has(load_error(path), {path.string(), "not a file of weights"}));
  tiny::save_weights(path, network(1), description());
  CHECK(has(message_of([&] { tiny::load_checkpoint(path); }), {"not a checkpoint"}));
}

TEST_CASE("content under a good header that is no network's is refused") {
  const TempFolder folder;
  const auto path = folder / "weights.ldmat";
  tiny::save_weights(path, network(1), description());
  const auto kind = tiny::detail::weights_kind();
  const auto good = tiny::load_packed(path, kind);
  const auto error_after = [&](auto change) {
    auto content = good;
    change(content);
    tiny::save_packed(path, content, kind);
    return load_error(path);
  };
  CHECK(error_after([](auto&) {}) == "");
  for (const char* key : {"network", "input", "dim", "mean", "deviation", "tensors"}) {
    CHECK(has(error_after([&](auto& c) { c.erase(key); }), {path.string(), key}));
    CHECK(has(error_after([&](auto& c) { c[key] = nullptr; }), {path.string() + ": not what"}));
  }
  CHECK(has(error_after([](auto& c) { c["input"].erase(2); }), {path.string() + ": not what"}));
  CHECK(has(error_after([](auto& c) { c["tensors"][0]["size"] = 1; }),
            {"of the 1 numbers of 0.conv.weight"}));
  CHECK(has(error_after([](auto& c) { c["tensors"][0]["values"] = "text"; }), {"not what"}));
  CHECK(has(error_after([](auto& c) { c = nlohmann::json::array({1}); }), {"not what"}));
  // A header of a few bytes that would be read past its end, or divide by nothing.
  CHECK(has(error_after([](auto& c) { c["deviation"].clear(); }),
            {"of 1 channels there are 1 means and 0 deviations"}));
  CHECK(has(error_after([](auto& c) { c["mean"].push_back(1); }), {"2 means and 1 deviations"}));
  for (const double value : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity()}) {
    CHECK(has(error_after([&](auto& c) { c["deviation"][0] = value; }), {"out of range"}));
  }
  CHECK(has(error_after([](auto& c) { c["mean"][0] = -std::numeric_limits<double>::infinity(); }),
            {"out of range"}));
  CHECK(has(error_after([](auto& c) { c["dim"] = 1e300; }), {"1e+300 is no whole number"}));
  CHECK(has(error_after([](auto& c) { c["input"].push_back(3); }), {"not three lengths"}));
  CHECK(has(error_after([](auto& c) { c["input"][1] = 0; }), {"0 is no whole number of 1"}));
}

TEST_CASE("weights are only saved under their own shapes") {
  const TempFolder folder;
  const auto path = folder / "weights.ldmat";
  auto wrong = description();
  wrong.dim = 4;
  CHECK_THROWS_WITH_AS(tiny::save_weights(path, network(1), wrong),
                       doctest::Contains("of 1x20x20 to 4 features, the network of 1x20x20 to 3"),
                       std::invalid_argument);
  wrong = description();
  wrong.normalization.deviation.clear();
  CHECK_THROWS_WITH_AS(tiny::save_weights(path, network(1), wrong),
                       doctest::Contains("save_weights: of 1 channels there are 1 means and 0"),
                       std::invalid_argument);
  CHECK(!fs::exists(path));
}
