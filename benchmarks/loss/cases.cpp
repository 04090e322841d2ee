#include "cases.hpp"

#include <chrono>
#include <cmath>
#include <ctime>
#include <random>

namespace ldmat::bench {

namespace {

constexpr int class_count = 10;

}  // namespace

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Index n : {32, 128, 256, 512, 1024, 2048, 4096, 8192}) {
    for (const Index d : {2, 3, 4, 8, 16, 32, 64, 128, 256, 512}) {
      for (const int threads : {1}) {
        for (const bool gradient : {true, false}) {
          for (const bool table : {false, true}) {
            for (const bool compact : {false, true}) {
              cases.push_back({n, d, threads, gradient, table, compact});
            }
          }
        }
      }
    }
  }
  return cases;
}

std::string name_of(const std::string& types, const Case& c) {
  std::string name = "loss/" + types + "/n:" + std::to_string(c.n) + "/d:" + std::to_string(c.d) +
                     "/threads:" + std::to_string(c.threads);
  if (!c.gradient) name += "/value";
  if (c.table) name += "/table";
  if (c.compact) name += "/compact";
  return name;
}

Selection default_selection() {
  return {
      "loss/float/euclidean/squared/n:128/d:2/threads:1",
      "loss/float/euclidean/squared/n:1024/d:2/threads:1",
      "loss/float/euclidean/squared/n:4096/d:2/threads:1",
      "loss/float/euclidean/squared/n:1024/d:8/threads:1",
      "loss/float/euclidean/squared/n:1024/d:32/threads:1",
      "loss/float/euclidean/squared/n:128/d:128/threads:1",
      "loss/float/euclidean/squared/n:512/d:128/threads:1",
      "loss/float/euclidean/squared/n:512/d:128/threads:1/compact",
      "loss/float/euclidean/squared/n:1024/d:2/threads:1/value",
      "loss/float/euclidean/squared/n:1024/d:2/threads:1/table",
      "loss/float/euclidean/absolute/n:1024/d:2/threads:1",
      "loss/float/euclidean/huber/n:1024/d:2/threads:1",
      "loss/float/euclidean/one_sided_huber/n:1024/d:2/threads:1",
      "loss/float/squared_euclidean/squared/n:1024/d:2/threads:1",
      "loss/float/cosine/squared/n:1024/d:2/threads:1",
      "loss/float/manhattan/squared/n:1024/d:2/threads:1",
      "loss/double/euclidean/squared/n:1024/d:2/threads:1",
      "loss/double/euclidean/squared/n:256/d:128/threads:1",
      "loss/half/euclidean/squared/n:1024/d:2/threads:1",
      "loss/bfloat16/euclidean/squared/n:1024/d:2/threads:1",
  };
}

Batch make_batch(const Case& c) {
  std::mt19937 random(1);
  // The distance of two normal samples is about sqrt(2 d) standard deviations.
  const float scale = 1 / std::sqrt(2 * static_cast<float>(c.d));
  std::normal_distribution<float> normal(0, scale);
  std::uniform_int_distribution<int> any_class(0, class_count - 1);
  const auto draw = [&](Index rows) {
    return Batch::Features::NullaryExpr(rows, c.d, [&] { return normal(random); }).eval();
  };

  Batch batch;
  batch.labels.resize(static_cast<std::size_t>(c.n));
  for (int& label : batch.labels) label = any_class(random);
  const Batch::Features centres = draw(class_count);
  batch.features = draw(c.n);
  if (c.compact) {
    for (Index i = 0; i < c.n; ++i) {
      const int label = batch.labels[static_cast<std::size_t>(i)];
      batch.features.row(i) = centres.row(label) + 0.1F * batch.features.row(i);
    }
  }
  return batch;
}

Eigen::MatrixXd make_class_table() {
  Eigen::MatrixXd table(class_count, class_count);
  for (Index a = 0; a < class_count; ++a) {
    for (Index b = 0; b < class_count; ++b) table(a, b) = a == b ? 0 : a % 2 == b % 2 ? 1 : 2;
  }
  return table;
}

double seconds_now(int threads) {
  if (threads == 1) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

void report(benchmark::State& state, const Case& c, double seconds, const Limit& limit) {
  const double n = static_cast<double>(c.n);
  const double d = static_cast<double>(c.d);
  const double pairs = n * (n - 1) / 2;
  const double operations = (c.gradient ? 3 : 1) * n * n * d / seconds;
  state.counters["pairs/s"] = pairs / seconds;
  state.counters["ns/pair"] = seconds / pairs * 1e9;
  state.counters["op/s"] = operations;
  state.counters["of_product"] = operations / limit.operations_per_second;
  if (c.d == 2 && c.gradient) {
    state.counters["of_pair_limit"] = limit.seconds_per_pair * pairs / seconds;
  }
}

}  // namespace ldmat::bench
