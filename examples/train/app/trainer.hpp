// A training run: everything that changes from step to step, and how to save and restore it.
#pragma once

#include "app/checkpoint.hpp"
#include "app/feature_loss.hpp"
#include "app/options.hpp"
#include "data/augment.hpp"
#include "data/dataset.hpp"
#include "data/sampler.hpp"
#include "loss/class_table.hpp"
#include "net/net.hpp"
#include "rng.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tiny {

/// Of the images of a data set, to tell it from another.
inline std::uint64_t digest(const Dataset& data) {
  const auto* bytes = reinterpret_cast<const char*>(data.pixels.data());
  return detail::checksum({bytes, data.pixels.size()});
}

/// Sums over the steps of an epoch so far.
struct EpochSums {
  std::uint64_t steps = 0;
  double loss = 0;
  double same_distance = 0;
  double different_distance = 0;

  double mean_loss() const { return loss / static_cast<double>(std::max<std::uint64_t>(1, steps)); }
};

class Trainer {
 public:
  /// `options` as by resolved(); `train` must outlive the trainer.
  Trainer(const TrainOptions& options, const Dataset& train)
      : options_(options),
        train_(train),
        normalization_(Normalization::of(train)),
        augmentation_{static_cast<std::size_t>(options.shift), options.flip == "on"},
        rng_(options.seed),
        network_(make_network(options, train.shape, rng_)),
        class_table_(class_table_of(options, train)),
        loss_(make_loss(options, train.num_classes(), class_table_, rng_)),
        sampler_(make_sampler(train.labels, static_cast<std::size_t>(options.batch),
                              static_cast<std::size_t>(options.per_class), rng_.next())),
        optimizer_(make_optimizer(options, parameters())),
        schedule_(make_schedule(options, static_cast<Index>(total_steps()))) {}

  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  std::uint64_t steps_per_epoch() const { return sampler_->batches_per_epoch(); }
  std::uint64_t total_steps() const {
    return steps_per_epoch() * static_cast<std::uint64_t>(options_.epochs);
  }
  std::uint64_t steps_done() const { return steps_; }
  std::uint64_t epochs_done() const { return steps_ / steps_per_epoch(); }
  double rate() const { return schedule_(static_cast<Index>(steps_)); }
  const EpochSums& sums() const { return sums_; }
  const TrainOptions& options() const { return options_; }
  const Normalization& normalization() const { return normalization_; }
  Index parameter_count() const { return network_.parameter_count(); }
  FeatureLoss& loss() { return *loss_; }
  /// Distances between classes; empty where all shall be equally far apart.
  const Eigen::MatrixXd& class_table() const { return class_table_; }
  const Network<float>& network() const { return network_; }

  /// One batch. Throws std::runtime_error where the loss is no longer finite.
  void step() {
    if (steps_ % steps_per_epoch() == 0) sums_ = {};
    sampler_->next(batch_);
    const std::span<const std::uint32_t> indices(batch_);
    gather(train_, indices, normalization_, images_);
    augment(images_, train_.shape, augmentation_, rng_);
    const auto labels = gather_labels(train_, indices);
    const auto result = loss_->evaluate(network_.forward(images_, Mode::train), labels, gradient_);
    if (!std::isfinite(result.value)) {
      throw std::runtime_error("the loss is not finite at step " + std::to_string(steps_ + 1) +
                               "; a smaller --lr may help");
    }
    network_.backward(gradient_);
    optimizer_->step(rate());
    ++steps_;
    ++sums_.steps;
    sums_.loss += result.value;
    sums_.same_distance += result.mean_same_distance;
    sums_.different_distance += result.mean_different_distance;
  }

  /// The features of the images that `indices` name, in the network's evaluation mode.
  RowMatrix<float> features(const Dataset& data, std::span<const std::uint32_t> indices) {
    constexpr std::size_t chunk = 250;
    RowMatrix<float> all(static_cast<Index>(indices.size()), network_.features());
    for (std::size_t begin = 0; begin < indices.size(); begin += chunk) {
      const auto part = indices.subspan(begin, std::min(chunk, indices.size() - begin));
      gather(data, part, normalization_, images_);
      all.middleRows(static_cast<Index>(begin), static_cast<Index>(part.size())) =
          network_.forward(images_, Mode::evaluate);
    }
    return all;
  }

  nlohmann::json state() {
    nlohmann::json state;
    state["steps"] = steps_;
    state["images"] = digest(train_);
    state["sums"] = {sums_.steps, sums_.loss, sums_.same_distance, sums_.different_distance};
    state["rng"] = pack(std::span<const std::uint64_t>(rng_.state()));
    state["network"] = pack_tensors(network_.tensors());
    state["head"] = pack_tensors(loss_->tensors());
    state["loss"] = loss_->state();
    state["optimizer"] = pack_tensors(optimizer_->state());
    const auto& sampler = sampler_->state();
    state["sampler"] = {{"rng", pack(std::span<const std::uint64_t>(sampler.rng))},
                        {"order", pack(std::span(sampler.order))},
                        {"positions", pack(std::span(sampler.positions))}};
    return state;
  }

  /// Throws where the state is not one of a trainer with the same options and data.
  void restore(const nlohmann::json& state) {
    if (state.at("images").get<std::uint64_t>() != digest(train_)) {
      throw std::runtime_error("the run to resume was trained with other images; see --data");
    }
    const auto& sums = state.at("sums");
    sums_ = {sums.at(0).get<std::uint64_t>(), sums.at(1).get<double>(), sums.at(2).get<double>(),
             sums.at(3).get<double>()};
    rng_ = unpack_rng(state.at("rng"));
    unpack_tensors(state.at("network"), network_.tensors());
    unpack_tensors(state.at("head"), loss_->tensors());
    loss_->restore(state.at("loss"));
    unpack_tensors(state.at("optimizer"), optimizer_->state());
    const auto& saved = state.at("sampler");
    sampler_->restore({unpack_rng(saved.at("rng")).state(),
                       unpack_vector<std::uint32_t>(saved.at("order"), "the sampler's order"),
                       unpack_vector<std::uint32_t>(saved.at("positions"), "its positions")});
    steps_ = state.at("steps").get<std::uint64_t>();
  }

 private:
  static Network<float> make_network(const TrainOptions& options, const ImageShape& shape,
                                     Rng& rng) {
    const Shape in{static_cast<Index>(shape.channels), static_cast<Index>(shape.height),
                   static_cast<Index>(shape.width)};
    if (options.normalize == "batch" && options.batch == 1) {
      throw std::invalid_argument("--normalize batch needs a --batch of more than one image");
    }
    const auto last = options.normalize == "on"      ? LastLayer::unit_length
                      : options.normalize == "batch" ? LastLayer::batch_norm
                                                     : LastLayer::dense;
    return options.network == "resnet" ? resnet<float>(in, options.dim, rng, last)
                                       : lenet<float>(in, options.dim, rng, last);
  }

  static Eigen::MatrixXd class_table_of(const TrainOptions& options, const Dataset& train) {
    if (options.within_superclass == 1) return {};
    return superclass_table(train, options.class_distance, options.within_superclass);
  }

  static std::unique_ptr<Optimizer<float>> make_optimizer(const TrainOptions& options,
                                                          Tensors<float> tensors) {
    if (options.optimizer == "sgd") {
      return std::make_unique<Sgd<float>>(std::move(tensors),
                                          SgdOptions{.weight_decay = options.weight_decay});
    }
    return std::make_unique<Adam<float>>(std::move(tensors),
                                         AdamOptions{.weight_decay = options.weight_decay});
  }

  static Schedule make_schedule(const TrainOptions& options, Index steps) {
    if (options.schedule == "cosine") return cosine_rate(options.lr, steps);
    if (options.schedule == "step") return step_rate(options.lr, (steps + 2) / 3);
    return constant_rate(options.lr);
  }

  Tensors<float> parameters() {
    auto all = network_.tensors();
    for (auto& tensor : loss_->tensors()) all.push_back(std::move(tensor));
    return all;
  }

  static nlohmann::json pack_tensors(const Tensors<float>& tensors) {
    auto packed = nlohmann::json::object();
    for (const auto& tensor : tensors) {
      packed[tensor.name] = pack(std::span<const float>(tensor.value));
    }
    return packed;
  }

  static void unpack_tensors(const nlohmann::json& packed, const Tensors<float>& tensors) {
    for (const auto& tensor : tensors) unpack(packed.at(tensor.name), tensor.value, tensor.name);
  }

  TrainOptions options_;
  const Dataset& train_;
  Normalization normalization_;
  Augmentation augmentation_;
  Rng rng_;
  Network<float> network_;
  Eigen::MatrixXd class_table_;
  std::unique_ptr<FeatureLoss> loss_;
  std::unique_ptr<BatchSampler> sampler_;
  std::unique_ptr<Optimizer<float>> optimizer_;
  Schedule schedule_;
  std::uint64_t steps_ = 0;
  EpochSums sums_;
  std::vector<std::uint32_t> batch_;
  Matrix<float> images_;
  Matrix<float> gradient_;
};

}  // namespace tiny
