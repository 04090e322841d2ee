// ldmat-eval: what classifiers make of the features that a run of ldmat-train left, how the classes
// lie, and how well samples find others of their class.

#include "app/platform.hpp"
#include "eval/evaluate.hpp"
#include "eval/table.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace {

int run(int argc, const char* const* argv) {
  CLI::App app(
      "Measures the features of runs of ldmat-train by several classifiers, their geometry and "
      "retrieval. Writes evaluation.json into each run's folder. All distances are Euclidean.",
      "ldmat-eval");
  tiny::EvalOptions options;
  std::vector<std::string> folders;
  int threads = 0;
  app.add_option("folders", folders, "folders of runs (ldmat-train's --out)")->required();
  app.add_option("--svm-samples", options.svm_samples,
                 "training samples of the support vector machines, of each class its share; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--neighbours", options.neighbours,
                 "voters of the k-nearest-neighbour classifiers beside the 1-nn")
      ->check(CLI::Range(1, 10000))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--skip", options.skip, "parts to leave out")
      ->check(CLI::IsMember(tiny::part_names()))
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--threads", threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  tiny::detail::use_threads(threads);

  std::vector<std::pair<std::string, nlohmann::ordered_json>> results;
  for (const auto& folder : folders) {
    try {
      results.emplace_back(folder, tiny::evaluate_folder(folder, options));
    } catch (const std::exception& error) {  // and on to the others
      std::fprintf(stderr, "ldmat-eval: %s\n", error.what());
    }
  }
  if (!results.empty()) std::fputs(tiny::evaluation_table(results).c_str(), stdout);
  return results.size() == folders.size() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  tiny::wait_without_spinning(argv);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ldmat-eval: %s\n", error.what());
    return 1;
  }
}
