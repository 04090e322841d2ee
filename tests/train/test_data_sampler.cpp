#include "data/sampler.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace {

using Batch = std::vector<std::uint32_t>;

std::vector<Batch> take(tiny::BatchSampler& sampler, int count) {
  std::vector<Batch> batches(static_cast<std::size_t>(count));
  for (auto& batch : batches) sampler.next(batch);
  return batches;
}

/// Class sizes 7, 11, 5 and 23, mixed; class 2 is empty.
std::vector<int> labels() {
  std::vector<int> result;
  for (const auto& [label, count] : std::map<int, int>{{0, 7}, {1, 11}, {3, 5}, {4, 23}}) {
    result.insert(result.end(), static_cast<std::size_t>(count), label);
  }
  tiny::Rng(3).shuffle(result);
  return result;
}

}  // namespace

TEST_CASE("a uniform epoch uses each sample at most once, and every one if the batches fit") {
  tiny::UniformSampler sampler(60, 12, 1);
  CHECK(sampler.batches_per_epoch() == 5);
  Batch first;
  for (int epoch = 0; epoch < 3; ++epoch) {
    Batch all;
    for (const auto& batch : take(sampler, 5)) {
      CHECK(batch.size() == 12);
      all.insert(all.end(), batch.begin(), batch.end());
    }
    CHECK(all != first);  // another order each epoch
    first = all;
    CHECK(!std::ranges::is_sorted(all));
    CHECK(std::set(all.begin(), all.end()).size() == 60);
    CHECK(std::ranges::max(all) == 59);
  }
}

TEST_CASE("uniform batches have one size also where they do not fit the epoch") {
  tiny::UniformSampler sampler(10, 4, 1);
  CHECK(sampler.batches_per_epoch() == 2);
  std::set<std::uint32_t> seen;
  for (int epoch = 0; epoch < 20; ++epoch) {
    std::set<std::uint32_t> in_epoch;
    for (const auto& batch : take(sampler, 2)) in_epoch.insert(batch.begin(), batch.end());
    CHECK(in_epoch.size() == 8);
    seen.merge(in_epoch);
  }
  CHECK(seen.size() == 10);  // no sample is left out for good
}

TEST_CASE("a class batch has the asked number of different samples of different classes") {
  const auto all = labels();
  tiny::ClassSampler sampler(all, 12, 4, 5);
  CHECK(sampler.batch_size() == 12);
  CHECK(sampler.batches_per_epoch() == 46 / 12);
  std::map<int, int> drawn;
  for (const auto& batch : take(sampler, 400)) {
    CHECK(std::set(batch.begin(), batch.end()).size() == 12);
    std::map<int, int> counts;
    for (auto i : batch) ++counts[all[i]];
    CHECK(counts.size() == 3);
    for (const auto& [label, count] : counts) {
      CHECK(count == 4);
      ++drawn[label];
    }
  }
  CHECK(drawn.size() == 4);
  // 300 expected each, binomial with deviation 8.7: five of them.
  for (const auto& [label, count] : drawn) CHECK(std::abs(count - 300) < 44);
}

TEST_CASE("a class uses all its samples before any of them again") {
  const auto all = labels();
  tiny::ClassSampler sampler(all, 20, 5, 7);
  std::map<int, std::vector<std::uint32_t>> dealt;
  for (const auto& batch : take(sampler, 230)) {
    for (auto i : batch) dealt[all[i]].push_back(i);
  }
  for (const auto& [label, cards] : dealt) {
    const auto size = static_cast<std::size_t>(std::ranges::count(all, label));
    std::set<Batch> orders;
    for (std::size_t begin = 0; begin + size <= cards.size(); begin += size) {
      const Batch deck(cards.begin() + static_cast<std::ptrdiff_t>(begin),
                       cards.begin() + static_cast<std::ptrdiff_t>(begin + size));
      CHECK(std::set(deck.begin(), deck.end()).size() == size);
      orders.insert(deck);
    }
    // And in another order each time: of N equally likely ones, N (1 - exp(-decks / N)) are seen.
    const double possible = std::tgamma(static_cast<double>(size) + 1);
    const std::size_t whole = cards.size() / size;
    const auto decks = static_cast<double>(whole);
    CHECK(static_cast<double>(orders.size()) > -0.9 * possible * std::expm1(-decks / possible));
  }
}

TEST_CASE("the seed decides the batches") {
  const auto all = labels();
  for (const std::size_t per_class : {std::size_t{0}, std::size_t{4}}) {
    const auto batches = [&](std::uint64_t seed) {
      return take(*tiny::make_sampler(all, 8, per_class, seed), 30);
    };
    CHECK(batches(1) == batches(1));
    CHECK(batches(1) != batches(2));
  }
}

TEST_CASE("a restored sampler goes on exactly, from every point of an epoch") {
  const auto all = labels();
  for (const std::size_t per_class : {std::size_t{0}, std::size_t{4}}) {
    const auto original = tiny::make_sampler(all, 8, per_class, 9);
    for (int step = 0; step < 25; ++step) {
      const auto copy = tiny::make_sampler(all, 8, per_class, 1234);
      copy->restore(original->state());
      CHECK(copy->state() == original->state());
      const auto again = tiny::make_sampler(all, 8, per_class, 0);
      again->restore(original->state());
      CHECK(take(*copy, 20) == take(*again, 20));
      take(*original, 1);
    }
    const auto copy = tiny::make_sampler(all, 8, per_class, 1234);
    copy->restore(original->state());
    CHECK(take(*copy, 40) == take(*original, 40));
  }
}

TEST_CASE("a sampler refuses the state of another one and stays as it was") {
  const auto all = labels();
  const auto refuses = [&](tiny::BatchSampler& sampler, const tiny::SamplerState& state) {
    const auto before = sampler.state();
    const auto text = test::message_of<std::invalid_argument>([&] { sampler.restore(state); });
    return test::has(text, {"another sampler"}) && sampler.state() == before;
  };
  tiny::UniformSampler uniform(46, 8, 1);
  tiny::ClassSampler classes(all, 8, 4, 1);
  CHECK(refuses(uniform, classes.state()));
  CHECK(refuses(classes, uniform.state()));
  CHECK(refuses(uniform, tiny::UniformSampler(45, 8, 1).state()));
  auto state = uniform.state();
  state.order[3] = state.order[4];
  CHECK(refuses(uniform, state));
  state = uniform.state();
  state.positions[0] = 47;
  CHECK(refuses(uniform, state));
  state = classes.state();
  std::swap(state.order.front(), state.order.back());  // into the deck of another class
  CHECK(refuses(classes, state));
}

TEST_CASE("samplers refuse sizes that cannot be") {
  const auto all = labels();
  const auto error = [&](std::size_t batch, std::size_t per_class) {
    return test::message_of<std::invalid_argument>(
        [&] { tiny::make_sampler(all, batch, per_class, 1); });
  };
  CHECK(test::has(error(0, 0), {"batch size is 0", "1 to 46"}));
  CHECK(test::has(error(47, 0), {"batch size is 47", "1 to 46"}));
  CHECK(test::has(error(10, 4), {"10 is not a multiple of 4"}));
  CHECK(test::has(error(12, 6), {"class 3 has 5 samples, fewer than 6"}));
  CHECK(test::has(error(20, 4), {"needs 5 classes; there are 4"}));
  const std::vector<int> negative{0, -1};
  CHECK(test::has(
      test::message_of<std::invalid_argument>([&] { tiny::ClassSampler(negative, 1, 1, 1); }),
      {"negative"}));
}
