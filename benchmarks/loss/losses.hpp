#pragma once

#include "cases.hpp"

#include <ldmat/ldmat.hpp>

#include <string>
#include <type_traits>

/// The losses that are measured. They take long to compile: each scalar type has a file of its own.

namespace ldmat::bench {

/// What a case asks of a loss.
template <class Loss>
typename Loss::Options make_options(const Case& c) {
  typename Loss::Options options;
  if (c.table) options.class_table = make_class_table();
  options.threads = c.threads;
  return options;
}

template <class Scalar, class M, class P>
void run(benchmark::State& state, const Case& c) {
  using Loss = ldmat::Loss<Scalar, M, P>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Batch batch = make_batch(c);
  const Matrix features = batch.features.cast<Scalar>();
  Matrix gradient(c.n, c.d);
  Loss loss(make_options<Loss>(c));
  const auto call = [&] {
    const auto result = c.gradient ? loss(features, batch.labels, gradient)  //
                                   : loss(features, batch.labels);
    benchmark::DoNotOptimize(result.value);
  };

  call();  // the first call allocates
  const double start = seconds_now(c.threads);
  for (auto _ : state) call();
  const double seconds = seconds_now(c.threads) - start;
  report(state, c, seconds / static_cast<double>(state.iterations()),
         limit_of<typename Loss::Accumulator>());
}

template <class Scalar, class M, class P>
void register_loss(const std::string& types, const Selection& selection) {
  for (const Case& c : all_cases()) {
    const std::string name = name_of(types, c);
    if (!selection.empty() && !selection.contains(name)) continue;
    const auto benchmark = benchmark::RegisterBenchmark(
        name.c_str(), [c](benchmark::State& state) { run<Scalar, M, P>(state, c); });
    if (c.threads != 1) benchmark->UseRealTime();
  }
}

/// Registers the losses of one scalar type: every metric with the squared penalty, and every
/// penalty with the Euclidean metric.
template <class Scalar>
void register_losses(const std::string& scalar, const Selection& selection) {
  register_loss<Scalar, Euclidean, Squared>(scalar + "/euclidean/squared", selection);
  register_loss<Scalar, Euclidean, Absolute>(scalar + "/euclidean/absolute", selection);
  register_loss<Scalar, Euclidean, Huber>(scalar + "/euclidean/huber", selection);
  register_loss<Scalar, Euclidean, OneSided<Huber>>(scalar + "/euclidean/one_sided_huber",
                                                    selection);
  register_loss<Scalar, SquaredEuclidean, Squared>(scalar + "/squared_euclidean/squared",
                                                   selection);
  register_loss<Scalar, Cosine, Squared>(scalar + "/cosine/squared", selection);
  register_loss<Scalar, Manhattan, Squared>(scalar + "/manhattan/squared", selection);
}

}  // namespace ldmat::bench
