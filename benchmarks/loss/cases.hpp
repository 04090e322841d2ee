#pragma once

#include "limits.hpp"

#include <ldmat/view.hpp>

#include <Eigen/Core>
#include <benchmark/benchmark.h>

#include <set>
#include <string>
#include <vector>

/// What is measured, but for the types of the losses.

namespace ldmat::bench {

/// One call of a loss that is measured.
struct Case {
  Index n;
  Index d;
  int threads;
  bool gradient;  ///< value and gradient, or the value only
  bool table;     ///< a table of class distances, or one distance for all
  bool compact;   ///< compact classes as after training, or features spread out
};

/// Sizes, threads and kinds of data that each combination of types is measured with.
std::vector<Case> all_cases();

/// "loss/float/euclidean/squared/n:1024/d:2/threads:1", where `types` is "float/euclidean/squared";
/// "/value", "/table" and "/compact" follow where the case is not the plain one.
std::string name_of(const std::string& types, const Case& c);

/// Which benchmarks to register: those of the set, or all where it is empty.
using Selection = std::set<std::string>;

/// What is run where the user does not say.
Selection default_selection();

/// n samples of ten classes; the same in every run. Features as rows, one behind the other.
struct Batch {
  using Features = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Features features;
  std::vector<int> labels;
};

/// The mean distance between samples is about 1, the distance that the losses ask of classes.
/// Spread out: all samples are from one normal distribution. Compact: so are the class centres, and
/// the samples lie around them, a tenth of the way to the next centre from each other.
Batch make_batch(const Case& c);

/// Distances of ten classes in two groups: 1 within a group, 2 between groups.
Eigen::MatrixXd make_class_table();

/// Seconds since some moment: processor time where one thread works, so that other programs do not
/// count, and otherwise real time.
double seconds_now(int threads);

/// Adds the counters of a case one call of which took `seconds`:
///   pairs/s, ns/pair   n (n - 1) / 2 pairs
///   op/s               n^2 d operations for the value (a multiply-add is two of them, for each
///                      component of n^2 / 2 pairs) and 2 n^2 d for the gradient (two multiply-adds:
///                      one for each sample of the pair)
///   of_product         op/s as a part of the rate of Eigen's product on one thread
///   of_pair_limit      in two dimensions with gradient: the time per pair that bare arithmetic takes
///                      on one thread, as a part of the time taken
/// 1 is at the limit of one thread.
void report(benchmark::State& state, const Case& c, double seconds, const Limit& limit);

}  // namespace ldmat::bench
