// Checkpoints: a whole file, or its content under a header that fits, and what is restored from it.
#include "app/checkpoint.hpp"
#include "app/feature_loss.hpp"
#include "app/options.hpp"
#include "data/sampler.hpp"
#include "file.hpp"
#include "train/test_data_support.hpp"

#include <cmath>

using fuzz::Bytes;

namespace {

Bytes with_header(std::span<const std::uint8_t> content) {
  tiny::detail::CheckpointHeader header;
  tiny::detail::checkpoint_magic.copy(header.magic.data(), header.magic.size());
  header.version = tiny::detail::checkpoint_version;
  header.size = content.size();
  header.checksum =
      tiny::detail::checksum({reinterpret_cast<const char*>(content.data()), content.size()});
  Bytes bytes(sizeof header + content.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::copy(content.begin(), content.end(), bytes.begin() + sizeof header);
  return bytes;
}

constexpr std::array labels{0, 0, 0, 1, 1, 1, 2, 2, 2};

tiny::LdmatLoss<ldmat::Euclidean> make_loss() {
  return tiny::LdmatLoss<ldmat::Euclidean>(
      {.classes = 3, .regularizer = ldmat::adaptive(0.25), .penalty = {}});
}

/// Calls use() where a std::exception may come of content that is not as it should be.
template <class Use>
void may_refuse(const Use& use) {
  try {
    use();
  } catch (const std::bad_alloc&) {
    fuzz::fail(__FILE__, __LINE__, "restoring runs out of memory");
  } catch (const std::exception& error) {
    FUZZ_CHECK(error.what()[0] != '\0');
  }
}

/// As Trainer::restore does, but for the tensors.
void restore(const nlohmann::json& saved) {
  may_refuse([&] {
    const auto options = tiny::options_from_json(saved.at("options"));
    FUZZ_CHECK(options.dim >= 0 && options.dim <= 4096 && options.lr >= 0);
    FUZZ_CHECK(options.metric.size() < 20 && !std::isnan(options.strength));
  });
  may_refuse([&] {
    static auto loss = make_loss();
    loss.restore(saved.at("loss"));
    const tiny::Matrix<float> features = tiny::Matrix<float>::Identity(9, 2);
    tiny::Matrix<float> gradient(9, 2);
    const auto result = loss.evaluate(features, {labels.begin(), labels.end()}, gradient);
    FUZZ_CHECK(!std::isnan(result.value));
    loss = make_loss();
  });
  may_refuse([&] {
    tiny::ClassSampler sampler(labels, 6, 2, 1);
    sampler.restore({tiny::unpack_rng(saved.at("rng")).state(),
                     tiny::unpack_vector<std::uint32_t>(saved.at("order"), "order"),
                     tiny::unpack_vector<std::uint32_t>(saved.at("positions"), "positions")});
    std::vector<std::uint32_t> batch;
    for (int i = 0; i < 4; ++i) {
      sampler.next(batch);
      FUZZ_CHECK(batch.size() == 6);
      for (const auto sample : batch) FUZZ_CHECK(sample < labels.size());
    }
  });
}

nlohmann::json state() {
  auto loss = make_loss();
  tiny::Matrix<float> gradient(9, 2);
  loss.evaluate(tiny::Matrix<float>::Identity(9, 2), {labels.begin(), labels.end()}, gradient);
  tiny::ClassSampler sampler(labels, 6, 2, 1);
  return {{"options", tiny::to_json(tiny::TrainOptions{})},
          {"loss", loss.state()},
          {"rng", tiny::pack(std::span<const std::uint64_t>(sampler.state().rng))},
          {"order", tiny::pack(std::span(sampler.state().order))},
          {"positions", tiny::pack(std::span(sampler.state().positions))}};
}

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  const auto with_mode = [](std::uint8_t mode, Bytes bytes) {
    bytes.insert(bytes.begin(), mode);
    return bytes;
  };
  nlohmann::json many_classes = state();
  many_classes["loss"]["classes"] = std::int64_t{1} << 20;
  nlohmann::json zero_rng = state();
  zero_rng["rng"] = tiny::pack(std::span<const std::uint64_t>(std::array<std::uint64_t, 4>{}));
  const nlohmann::json small{{"options", {{"dim", 2}}}, {"list", {1, 2.5, "x", nullptr, true}}};
  return {with_mode(0, with_header(nlohmann::json::to_cbor(state()))),
          with_mode(1, nlohmann::json::to_cbor(state())),
          with_mode(1, nlohmann::json::to_cbor(many_classes)),
          with_mode(1, nlohmann::json::to_cbor(zero_rng)),
          with_mode(1, nlohmann::json::to_cbor(small)),
          with_mode(1, Bytes(20000, 0x81)),                           // lists of lists
          with_mode(1, {0x9b, 0, 0, 1, 0, 0, 0, 0, 0, 0}),            // a list of 2^40
          with_mode(1, {0x5b, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3})};  // 2^40 bytes
}

void fuzz::run(std::span<const std::uint8_t> input) {
  Input in(input);
  const bool content_only = in.flag();
  const Bytes bytes =
      content_only ? with_header(in.rest()) : Bytes(in.rest().begin(), in.rest().end());
  nlohmann::json saved;
  const bool good =
      read_file(bytes, 1 << 16, [&](const auto& path) { saved = tiny::load_checkpoint(path); });
  if (!good) return;
  FUZZ_CHECK(nlohmann::json::from_cbor(nlohmann::json::to_cbor(saved)).size() == saved.size());
  reset_largest_allocation();
  restore(saved);
  FUZZ_CHECK(largest_allocation() <= (1 << 16) + expansion * bytes.size());
}
