#include "app/snapshots.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace test;

namespace {

std::vector<std::uint64_t> moments(std::uint64_t total) {
  std::vector<std::uint64_t> steps;
  for (std::uint64_t step = 0; step <= total; ++step) {
    if (tiny::is_snapshot_moment(step, total)) steps.push_back(step);
  }
  return steps;
}

tiny::RowMatrix<float> points(float first) {
  tiny::RowMatrix<float> m(3, 2);
  m << first, 1.0f / 3.0f, -2.5f, 0, 1e-9f, 123456.7f;
  return m;
}

}  // namespace

TEST_CASE("snapshots are taken at the beginning, more often early, and at the end") {
  CHECK(moments(960) == std::vector<std::uint64_t>{0, 1, 11, 36, 84, 165, 284, 452, 674, 960});
  CHECK(moments(20) == std::vector<std::uint64_t>{0, 1, 2, 3, 6, 9, 14, 20});
  CHECK(moments(1) == std::vector<std::uint64_t>{0, 1});
  CHECK(moments(0) == std::vector<std::uint64_t>{0});
}

TEST_CASE("the file has a list of points for each moment, in few digits") {
  tiny::Snapshots snapshots;
  CHECK(snapshots.empty());
  snapshots.add(0, points(0.1f));
  snapshots.add(5, points(std::numeric_limits<float>::quiet_NaN()));
  CHECK(!snapshots.empty());
  const auto text = snapshots.file({2, 0, 1}, {"a", "b", "c"}, 10).dump();
  CHECK(text == R"({"labels":[2,0,1],"names":["a","b","c"],"steps":[0,5],"epochs":[0.0,0.5],)"
                R"("features":[[[0.1,0.33333],[-2.5,0.0],[1e-09,123460.0]],)"
                R"([[null,0.33333],[-2.5,0.0],[1e-09,123460.0]]]})");
  CHECK_THROWS_WITH_AS(snapshots.file({1, 2}, {"a"}, 10), doctest::Contains("2 labels of 3 images"),
                       std::invalid_argument);
}

TEST_CASE("snapshots go through a checkpoint unharmed") {
  tiny::Snapshots snapshots;
  snapshots.add(0, points(0.1f));
  snapshots.add(7, points(0.2f));
  const TempFolder folder;
  tiny::save_checkpoint(folder / "c", snapshots.state());
  tiny::Snapshots restored(tiny::load_checkpoint(folder / "c"));
  snapshots.add(9, points(0.3f));
  restored.add(9, points(0.3f));
  CHECK(restored.file({0, 1, 2}, {}, 3) == snapshots.file({0, 1, 2}, {}, 3));
  CHECK(restored.state() == snapshots.state());
}

TEST_CASE("snapshots that do not fit those before are refused") {
  tiny::Snapshots snapshots;
  const auto refused = [&](std::uint64_t step, const tiny::RowMatrix<float>& features,
                           const char* why) {
    CHECK_THROWS_WITH_AS(snapshots.add(step, features), doctest::Contains(why),
                         std::invalid_argument);
  };
  refused(0, tiny::RowMatrix<float>::Zero(3, 4), "needed are 2 features, there are 4");
  CHECK(snapshots.empty());
  snapshots.add(3, points(1));
  refused(4, tiny::RowMatrix<float>::Zero(2, 2), "3 images as before, there are 2");
  refused(3, points(1), "step 3 is not after step 3");

  auto state = snapshots.state();
  state["features"].push_back(state["features"][0]);
  CHECK(has(message_of([&] { tiny::Snapshots{state}; }), {"1 steps", "features of 2"}));
  state = snapshots.state();
  const std::vector<float> three(3);
  state["features"][0] = tiny::pack(std::span<const float>(three));
  CHECK(has(message_of([&] { tiny::Snapshots{state}; }), {"3 numbers"}));

  snapshots.add(5, points(2));
  state = snapshots.state();
  const std::vector<std::uint64_t> backwards{5, 3};
  state["steps"] = tiny::pack(std::span(backwards));
  CHECK(has(message_of([&] { tiny::Snapshots{state}; }), {"step 3 is not after step 5"}));
  state = snapshots.state();
  const std::vector<float> two_images(4);
  state["features"][1] = tiny::pack(std::span<const float>(two_images));
  CHECK(has(message_of([&] { tiny::Snapshots{state}; }), {"3 images as before, there are 2"}));

  CHECK(message_of([&] { snapshots.require_images(3); }).empty());
  CHECK(has(message_of([&] { snapshots.require_images(4); }), {"of 3 images instead of 4"}));
  CHECK(message_of([] { tiny::Snapshots().require_images(4); }).empty());
}
