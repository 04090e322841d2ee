// The command line of ldmat-train.
#pragma once

#include "app/options.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tiny {

struct Command {
  TrainOptions train;
  RunOptions run;
  std::vector<std::string> given;  ///< the names of the TrainOptions that the user wrote
};

namespace detail {

template <typename Field>
CLI::Option* add_option(CLI::App& app, const std::string& flag, Field& field,
                        const Allowed& allowed, const std::string& help) {
  if constexpr (std::is_same_v<Field, bool>) {
    return app.add_flag(flag + ",!--" + allowed.names.at(0), field, help);
  } else {
    auto* option = app.add_option(flag, field, help)->capture_default_str();
    if constexpr (std::is_same_v<Field, std::string>) {
      if (!allowed.names.empty()) option->check(CLI::IsMember(allowed.names));
    } else if constexpr (std::is_same_v<Field, std::uint64_t>) {
      option->check(CLI::NonNegativeNumber);
    } else {
      option->check(CLI::Range(static_cast<Field>(allowed.low), static_cast<Field>(allowed.high)));
    }
    return option;
  }
}

}  // namespace detail

/// Throws CLI::ParseError (also for --help), to be given to app.exit().
inline Command parse_command(CLI::App& app, int count, const char* const* words) {
  Command command;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::vector<std::pair<std::string, CLI::Option*>> options;
  visit_options(
      command.train, [&](const char* name, auto& field, const Allowed& allowed, const char* help) {
        options.emplace_back(
            name, detail::add_option(app, std::string("--") + name, field, allowed, help));
      });
  auto& run = command.run;
  const std::string group = "This run";
  app.add_option("--data", run.data,
                 "folder that holds the data sets (or the environment variable LDMAT_DATA_DIR)")
      ->group(group);
  app.add_option("--out", run.out, "folder for checkpoint, figures and picture")
      ->capture_default_str()
      ->group(group);
  app.add_option("--threads", run.threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--resume", run.resume, "go on from the checkpoint in the folder of --out")
      ->group(group);
  app.add_option("--stop-after-steps", run.stop_after_steps,
                 "end early, as by Ctrl-C, after so many steps of this run")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.parse(count, words);
  for (const auto& [name, option] : options) {
    if (option->count() > 0) command.given.push_back(name);
  }
  return command;
}

}  // namespace tiny
