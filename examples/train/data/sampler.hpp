// Which samples make up the next batch. The same seed gives the same batches, and a sampler whose
// state was saved and restored goes on with exactly the batches it would have given.
#pragma once

#include "rng.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

/// Everything a sampler remembers between two batches.
struct SamplerState {
  Rng::State rng{};
  std::vector<std::uint32_t> order;      ///< the samples, in the order of their use
  std::vector<std::uint32_t> positions;  ///< how much of each deck is used

  bool operator==(const SamplerState&) const = default;
};

class BatchSampler {
 public:
  virtual ~BatchSampler() = default;

  /// Overwrites `batch` with the indices of the next batch; batches all have one size.
  virtual void next(std::vector<std::uint32_t>& batch) = 0;
  virtual std::size_t batch_size() const = 0;

  std::size_t batches_per_epoch() const {
    return std::max<std::size_t>(1, state_.order.size() / batch_size());
  }
  const SamplerState& state() const { return state_; }

  /// Throws std::invalid_argument for the state of a sampler of another data set.
  void restore(SamplerState state) {
    auto mine = state_.order;
    auto given = state.order;
    std::ranges::sort(mine);
    std::ranges::sort(given);
    bool fits = mine == given && state.positions.size() == state_.positions.size();
    for (std::size_t i = 0; fits && i < state.positions.size(); ++i) {
      fits = state.positions[i] <= deck_size(i);
    }
    if (!fits || !decks_match(state)) {
      throw std::invalid_argument("BatchSampler::restore: the state is that of another sampler");
    }
    state_ = std::move(state);
  }

 protected:
  virtual std::size_t deck_size(std::size_t deck) const = 0;
  virtual bool decks_match(const SamplerState& state) const = 0;
  SamplerState& own_state() { return state_; }

 private:
  SamplerState state_;
};

/// Shuffles all samples each epoch and takes `batch` of them at a time; those left over at the end
/// of an epoch wait for the next one.
class UniformSampler final : public BatchSampler {
 public:
  UniformSampler(std::size_t count, std::size_t batch, std::uint64_t seed) : batch_(batch) {
    if (batch == 0 || batch > count) {
      throw std::invalid_argument("UniformSampler: the batch size is " + std::to_string(batch) +
                                  "; allowed is 1 to " + std::to_string(count) +
                                  ", the number of samples");
    }
    auto& s = own_state();
    s.rng = Rng(seed).state();
    s.order.resize(count);
    std::iota(s.order.begin(), s.order.end(), 0u);
    s.positions = {static_cast<std::uint32_t>(count)};  // all used: shuffle first
  }

  std::size_t batch_size() const override { return batch_; }

  void next(std::vector<std::uint32_t>& batch) override {
    auto& s = own_state();
    auto& position = s.positions[0];
    if (position + batch_ > s.order.size()) {
      Rng rng(s.rng);
      rng.shuffle(s.order);
      s.rng = rng.state();
      position = 0;
    }
    const auto begin = s.order.begin() + position;
    batch.assign(begin, begin + static_cast<std::ptrdiff_t>(batch_));
    position += static_cast<std::uint32_t>(batch_);
  }

 private:
  std::size_t deck_size(std::size_t /*deck*/) const override { return state().order.size(); }
  bool decks_match(const SamplerState& /*state*/) const override { return true; }

  std::size_t batch_;
};

/// Draws batch / per_class different classes for each batch and per_class samples of each. A class
/// deals its samples from its own shuffled deck: each is used once before any is used again, and
/// none is twice in a batch.
class ClassSampler final : public BatchSampler {
 public:
  ClassSampler(std::span<const int> labels, std::size_t batch, std::size_t per_class,
               std::uint64_t seed)
      : per_class_(per_class), classes_per_batch_(per_class == 0 ? 0 : batch / per_class) {
    if (per_class == 0 || batch == 0 || batch % per_class != 0) {
      throw std::invalid_argument("ClassSampler: the batch size " + std::to_string(batch) +
                                  " is not a multiple of " + std::to_string(per_class) +
                                  " samples per class");
    }
    auto& s = own_state();
    std::vector<std::vector<std::uint32_t>> members;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < 0) throw std::invalid_argument("ClassSampler: a label is negative");
      const auto label = static_cast<std::size_t>(labels[i]);
      if (label >= members.size()) members.resize(label + 1);
      members[label].push_back(static_cast<std::uint32_t>(i));
    }
    for (std::size_t label = 0; label < members.size(); ++label) {
      if (members[label].empty()) continue;
      if (members[label].size() < per_class) {
        throw std::invalid_argument("ClassSampler: class " + std::to_string(label) + " has " +
                                    std::to_string(members[label].size()) +
                                    " samples, fewer than " + std::to_string(per_class) +
                                    " per class");
      }
      begins_.push_back(s.order.size());
      s.order.insert(s.order.end(), members[label].begin(), members[label].end());
      s.positions.push_back(static_cast<std::uint32_t>(members[label].size()));
    }
    begins_.push_back(s.order.size());
    if (classes_per_batch_ > s.positions.size()) {
      throw std::invalid_argument("ClassSampler: a batch of " + std::to_string(batch) + " with " +
                                  std::to_string(per_class) + " samples per class needs " +
                                  std::to_string(classes_per_batch_) + " classes; there are " +
                                  std::to_string(s.positions.size()));
    }
    s.rng = Rng(seed).state();
  }

  std::size_t batch_size() const override { return per_class_ * classes_per_batch_; }

  void next(std::vector<std::uint32_t>& batch) override {
    auto& s = own_state();
    Rng rng(s.rng);
    batch.clear();
    std::vector<std::size_t> classes(s.positions.size());
    std::iota(classes.begin(), classes.end(), std::size_t{0});
    for (std::size_t k = 0; k < classes_per_batch_; ++k) {
      std::swap(classes[k], classes[k + rng.below(classes.size() - k)]);
      deal(classes[k], rng, batch);
    }
    s.rng = rng.state();
  }

 private:
  void deal(std::size_t which, Rng& rng, std::vector<std::uint32_t>& batch) {
    auto& s = own_state();
    const auto deck =
        std::span(s.order).subspan(begins_[which], begins_[which + 1] - begins_[which]);
    std::size_t position = s.positions[which];
    const std::size_t rest = std::min(per_class_, deck.size() - position);
    const auto take = [&](std::size_t count) {
      const auto cards = deck.subspan(position, count);
      batch.insert(batch.end(), cards.begin(), cards.end());
      position += count;
    };
    take(rest);
    if (rest < per_class_) {  // a new deck; the cards just dealt go below the ones dealt next
      const std::size_t more = per_class_ - rest;
      rng.shuffle(deck.first(deck.size() - rest));
      position = 0;
      take(more);
      rng.shuffle(deck.subspan(more));
    }
    s.positions[which] = static_cast<std::uint32_t>(position);
  }

  std::size_t deck_size(std::size_t deck) const override {
    return begins_[deck + 1] - begins_[deck];
  }

  bool decks_match(const SamplerState& state) const override {
    for (std::size_t k = 0; k + 1 < begins_.size(); ++k) {
      const auto part = [&](const SamplerState& whole) {
        std::vector<std::uint32_t> deck(
            whole.order.begin() + static_cast<std::ptrdiff_t>(begins_[k]),
            whole.order.begin() + static_cast<std::ptrdiff_t>(begins_[k + 1]));
        std::ranges::sort(deck);
        return deck;
      };
      if (part(state) != part(this->state())) return false;
    }
    return true;
  }

  std::size_t per_class_;
  std::size_t classes_per_batch_;
  std::vector<std::size_t> begins_;  // of each class's deck in the order, and the end
};

/// per_class = 0: uniform batches; else per_class samples of each class of a batch.
inline std::unique_ptr<BatchSampler> make_sampler(std::span<const int> labels, std::size_t batch,
                                                  std::size_t per_class, std::uint64_t seed) {
  if (per_class == 0) return std::make_unique<UniformSampler>(labels.size(), batch, seed);
  return std::make_unique<ClassSampler>(labels, batch, per_class, seed);
}

}  // namespace tiny
