// How fast a loss is, in time and as a part of what the machine can do:
//
//   bench_loss                                                 a short list
//   bench_loss --benchmark_filter='float/euclidean/.*/d:2/'    all that match, of some thousands
//   bench_loss --benchmark_filter=. --benchmark_list_tests     their names
//
// cases.hpp says what the columns mean, limits.cpp what the limits are.

#include "cases.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace ldmat::bench {

// Each is in a file of its own.
template <class Scalar>
void register_losses(const std::string& scalar, const Selection& selection);

}  // namespace ldmat::bench

namespace {

/// Puts a figure at the head of the output, and into its JSON.
void print(const char* name, double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  benchmark::AddCustomContext(name, text);
}

void print_limits() {
  const ldmat::bench::Limits& limits = ldmat::bench::limits();
  print("square product, float, Gop/s", limits.single_precision.operations_per_second * 1e-9);
  print("square product, double, Gop/s", limits.double_precision.operations_per_second * 1e-9);
  print("pair in two dimensions, float, ns", limits.single_precision.seconds_per_pair * 1e9);
  print("pair in two dimensions, double, ns", limits.double_precision.seconds_per_pair * 1e9);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace ldmat::bench;
  const bool list_only = std::any_of(argv, argv + argc, [](std::string_view argument) {
    return argument.starts_with("--benchmark_list_tests");
  });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;

  const Selection selection =
      benchmark::GetBenchmarkFilter().empty() ? default_selection() : Selection{};
  register_losses<float>("float", selection);
  register_losses<double>("double", selection);
  register_losses<Eigen::half>("half", selection);
  register_losses<Eigen::bfloat16>("bfloat16", selection);
  if (!list_only) print_limits();  // measured before anything else runs
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
