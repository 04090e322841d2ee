// ldmat-train: trains a small network on images by a distance-matrix loss (or by softmax, to
// compare) and measures the features it learns. Without any option it shows what LDMAT does to
// handwritten digits in two dimensions.

#include "app/command_line.hpp"
#include "app/platform.hpp"
#include "app/run.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

namespace {

int run(int argc, const char* const* argv) {
  CLI::App app(
      "Trains a small network on images by a distance-matrix loss and measures its features.",
      "ldmat-train");
  try {
    return tiny::Run(tiny::parse_command(app, argc, argv))();
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
}

}  // namespace

int main(int argc, char** argv) {
  tiny::wait_without_spinning(argv);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ldmat-train: %s\n", error.what());
    return 1;
  }
}
