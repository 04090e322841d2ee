// One call of ldmat-train: read, train, keep, report.
#pragma once

#include "app/checkpoint.hpp"
#include "app/command_line.hpp"
#include "app/features_file.hpp"
#include "app/figures.hpp"
#include "app/interrupt.hpp"
#include "app/platform.hpp"
#include "app/plot.hpp"
#include "app/program.hpp"
#include "app/progress.hpp"
#include "app/report.hpp"
#include "app/snapshots.hpp"
#include "app/trainer.hpp"
#include "app/weights.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tiny {

namespace detail {

/// At most `count` indices at even distances through a data set; all of them for count 0.
inline std::vector<std::uint32_t> some_indices(const Dataset& data, std::size_t count = 0) {
  if (count == 0 || count > data.size()) count = data.size();
  std::vector<std::uint32_t> indices(count);
  for (std::size_t i = 0; i < count; ++i) {
    indices[i] = static_cast<std::uint32_t>(i * data.size() / count);
  }
  return indices;
}

inline nlohmann::ordered_json describe(const Figures& f) {
  nlohmann::ordered_json json{{"nearest_centroid_accuracy", f.nearest_centroid},
                              {"five_nearest_neighbours_accuracy", f.five_neighbours}};
  if (f.softmax) json["softmax_accuracy"] = *f.softmax;
  json["mean_distance_within_classes"] = f.spread.mean_same_distance;
  json["mean_distance_between_centres"] = f.spread.mean_centre_distance;
  json["smallest_distance_between_centres"] = f.spread.min_centre_distance;
  json["ratio_between_to_within"] = f.spread.mean_ratio;
  json["smallest_ratio_between_to_within"] = f.spread.min_ratio;
  if (f.attained) json["attainable"] = tiny::describe(*f.attained);
  return json;
}

}  // namespace detail

class Run {
 public:
  explicit Run(Command command) : command_(std::move(command)), out_(command_.run.out) {}

  /// The exit status. What goes wrong comes as an exception with a message for the user.
  int operator()() {
    const auto& run = command_.run;
    std::optional<nlohmann::json> saved = open_out();
    const TrainOptions& options = command_.train;
    threads_ = detail::use_threads(run.threads);
    auto data = load_dataset(options.dataset, data_folder(run.data));
    classes_ = class_list(options.dataset, data);
    unseen_ = hold_out(data, options.hold_out);
    Trainer trainer(options, data.train);
    if (saved) take_up(trainer, *saved, data.test);
    say_what_is_trained(trainer, data);
    const int signal = train(trainer, data);
    if (trainer.steps_done() < trainer.total_steps()) {
      std::cerr << "Stopped after " << trainer.steps_done() << " of " << trainer.total_steps()
                << " steps. To go on: ldmat-train --resume --out " << run.out << '\n';
      return signal == 0 ? 0 : 128 + signal;
    }
    keep_what_was_learned(trainer, data);
    std::cerr << "Measuring the features ...\n";
    finish(trainer, data);
    return 0;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::filesystem::path checkpoint_path() const { return out_ / "checkpoint"; }

  /// Makes the folder; for --resume reads the checkpoint and takes over its options.
  std::optional<nlohmann::json> open_out() {
    if (!command_.run.resume) {
      command_.train = resolved(command_.train);
      std::filesystem::create_directories(out_);
      return std::nullopt;
    }
    if (!std::filesystem::exists(checkpoint_path())) {
      throw std::runtime_error("--resume: there is no " + checkpoint_path().string() +
                               "; name the folder of the run by --out");
    }
    auto saved = load_checkpoint(checkpoint_path());
    const auto options = options_from_json(saved.at("options"));
    require_same(resolved(command_.train), options, command_.given);
    command_.train = options;
    return saved;
  }

  void take_up(Trainer& trainer, const nlohmann::json& saved, const Dataset& test) {
    trainer.restore(saved.at("trainer"));
    if (saved.at("test_images").get<std::uint64_t>() != digest(test)) {
      throw std::runtime_error("the run to resume was tested with other images; see --data");
    }
    epochs_ = nlohmann::ordered_json::parse(saved.at("epochs").get<std::string>());
    seconds_ = saved.at("seconds").get<double>();
    snapshots_ = Snapshots(saved.at("snapshots"));
    snapshots_.require_images(snapshot_images(test).size());
    std::cerr << "Resuming after " << trainer.steps_done() << " of " << trainer.total_steps()
              << " steps\n";
  }

  void say_what_is_trained(const Trainer& trainer, const TrainTest& data) const {
    const auto& o = trainer.options();
    std::cerr << o.dataset << ": " << data.train.size() << " training and " << data.test.size()
              << " test images of " << data.train.num_classes() << " classes from " << data.origin
              << '\n'
              << o.network << " with " << trainer.parameter_count() << " parameters and " << o.dim
              << " features, loss " << o.loss << ", " << o.epochs << " epochs of "
              << trainer.steps_per_epoch() << " steps, " << threads_
              << (threads_ == 1 ? " thread\n" : " threads\n");
    if (o.hold_out > 0) {
      std::cerr << "held out: the last " << o.hold_out << " classes, with " << unseen_.size()
                << " test images\n";
    }
  }

  /// Trains until the end, a signal (returned) or the number of steps asked for.
  int train(Trainer& trainer, const TrainTest& data) {
    const std::uint64_t limit = command_.run.stop_after_steps;
    const std::uint64_t first = trainer.steps_done();
    const auto epochs = static_cast<std::size_t>(trainer.options().epochs);
    Progress progress(std::cerr, stderr_is_terminal(), first, trainer.total_steps(),
                      static_cast<std::size_t>(trainer.options().batch));
    const InterruptGuard guard;
    auto since = Clock::now();
    const auto test_images = digest(data.test);
    const auto keep = [&] {
      const auto now = Clock::now();
      seconds_ += std::chrono::duration<double>(now - since).count();
      since = now;
      save_checkpoint(checkpoint_path(), state(trainer, test_images));
    };
    if (snapshots_.empty() && trainer.steps_done() == 0) take_snapshot(trainer, data);
    while (trainer.steps_done() < trainer.total_steps()) {
      if (InterruptGuard::received() != 0 || (limit > 0 && trainer.steps_done() - first >= limit)) {
        progress.clear();
        break;
      }
      trainer.step();
      take_snapshot(trainer, data);
      const auto epoch = (trainer.steps_done() - 1) / trainer.steps_per_epoch() + 1;
      progress.update(trainer.steps_done(), epoch, epochs, trainer.sums().mean_loss());
      if (trainer.steps_done() % trainer.steps_per_epoch() == 0) {
        end_epoch(trainer, data, progress);
        keep();
      }
    }
    keep();
    return InterruptGuard::received();
  }

  void end_epoch(Trainer& trainer, const TrainTest& data, Progress& progress) {
    constexpr std::size_t sample = 2000;
    const double accuracy =
        quick_accuracy(trainer, data.train, detail::some_indices(data.train, sample), data.test,
                       detail::some_indices(data.test, sample));
    const auto& sums = trainer.sums();
    const auto steps = static_cast<double>(sums.steps);
    epochs_.push_back({{"epoch", trainer.epochs_done()},
                       {"loss", sums.mean_loss()},
                       {"mean_same_distance", sums.same_distance / steps},
                       {"mean_different_distance", sums.different_distance / steps},
                       {"learning_rate_after", trainer.rate()},
                       {"nearest_centroid_accuracy_of_2000", accuracy},
                       {"images_per_second", std::round(progress.images_per_second())}});
    char text[160];
    std::snprintf(text, sizeof text, "epoch %llu/%d  loss %.4f  test %s  %.0f images/s",
                  static_cast<unsigned long long>(trainer.epochs_done()), trainer.options().epochs,
                  sums.mean_loss(), percent(accuracy).c_str(), progress.images_per_second());
    progress.note(text);
  }

  nlohmann::json state(Trainer& trainer, std::uint64_t test_images) const {
    return {{"options", to_json(trainer.options())},
            {"test_images", test_images},
            {"trainer", trainer.state()},
            {"epochs", epochs_.dump()},
            {"snapshots", snapshots_.state()},
            {"seconds", seconds_}};
  }

  static std::vector<std::uint32_t> snapshot_images(const Dataset& test) {
    return detail::some_indices(test, 1000);
  }

  void take_snapshot(Trainer& trainer, const TrainTest& data) {
    if (trainer.options().dim != 2) return;
    if (!is_snapshot_moment(trainer.steps_done(), trainer.total_steps())) return;
    snapshots_.add(trainer.steps_done(), trainer.features(data.test, snapshot_images(data.test)));
  }

  /// weights.ldmat, and snapshots.json where there are any; none of an earlier run is left, nor what
  /// ldmat-eval found of it.
  void keep_what_was_learned(const Trainer& trainer, const TrainTest& data) const {
    const auto& network = trainer.network();
    save_weights(
        out_ / "weights.ldmat", network,
        {trainer.options().network, network.in(), network.features(), trainer.normalization()});
    const auto path = out_ / "snapshots.json";
    std::filesystem::remove(path);
    std::filesystem::remove(out_ / "evaluation.json");
    if (snapshots_.empty()) return;
    const auto labels = gather_labels<std::uint32_t>(data.test, snapshot_images(data.test));
    write_whole(
        path,
        snapshots_.file(labels, data.test.class_names, trainer.steps_per_epoch()).dump() + "\n");
  }

  void finish(Trainer& trainer, const TrainTest& data) {
    const auto test = trainer.features(data.test, detail::some_indices(data.test));
    const auto gallery = trainer.features(data.train, detail::some_indices(data.train));
    const auto figures = figures_of(gallery, data.train.labels, test, data.test.labels,
                                    trainer.loss(), trainer.options(), trainer.class_table());
    write_whole(out_ / "features.csv", features_csv(test, data.test.labels));
    FeatureFiles files{classes_, {gallery, data.train.labels}, {test, data.test.labels}};
    if (trainer.options().hold_out > 0) {
      files.unseen = {trainer.features(unseen_, detail::some_indices(unseen_)), unseen_.labels};
    }
    write_features(out_ / "features", files);
    write_metrics(trainer, data, figures);
    print_table(figures, draw(trainer, data, test));
  }

  void write_metrics(const Trainer& trainer, const TrainTest& data, const Figures& figures) const {
    const auto& shape = data.train.shape;
    const nlohmann::ordered_json metrics{{"program", "ldmat-train"},
                                         {"version", detail::version_text()},
                                         {"options", to_json(trainer.options())},
                                         {"data",
                                          {{"training_images", data.train.size()},
                                           {"test_images", data.test.size()},
                                           {"classes", data.train.class_names},
                                           {"shape", {shape.channels, shape.height, shape.width}},
                                           {"mean", trainer.normalization().mean},
                                           {"deviation", trainer.normalization().deviation}}},
                                         {"parameters", trainer.parameter_count()},
                                         {"threads", threads_},
                                         {"seconds", seconds_},
                                         {"epochs", epochs_},
                                         {"final", detail::describe(figures)}};
    write_whole(out_ / "metrics.json", metrics.dump(2) + "\n");
  }

  /// The picture's path, or why there is none.
  std::string draw(const Trainer& trainer, const TrainTest& data,
                   const RowMatrix<float>& test) const {
    if (test.cols() != 2) return "none, for 2 features only (--dim 2)";
    const auto& o = trainer.options();
    const Scatter scatter{o.dataset + ": features of the test images, loss " + o.loss,
                          data.test.class_names};
    const auto path = out_ / "features.svg";
    const auto problem = draw_scatter(test, data.test.labels, scatter, path);
    return problem.empty() ? path.string() : "none, " + problem;
  }

  void print_table(const Figures& f, const std::string& picture) const {
    std::vector<std::pair<std::string, std::string>> rows{
        {"accuracy by nearest centroid", percent(f.nearest_centroid)},
        {"accuracy by 5 nearest neighbours", percent(f.five_neighbours)}};
    if (f.softmax) rows.emplace_back("accuracy by softmax", percent(*f.softmax));
    rows.insert(rows.end(),
                {{"mean distance within classes", fixed(f.spread.mean_same_distance, 4)},
                 {"mean distance between centres", fixed(f.spread.mean_centre_distance, 4)},
                 {"smallest distance between centres", fixed(f.spread.min_centre_distance, 4)},
                 {"ratio between / within", fixed(f.spread.mean_ratio, 3)},
                 {"smallest ratio between / within", fixed(f.spread.min_ratio, 3)},
                 {"training time", clock_text(seconds_)}});
    if (f.attained) {
      const auto attained = table_rows(*f.attained);
      rows.insert(rows.end() - 1, attained.begin(), attained.end());
    }
    std::cout << "\nTest images (training images as gallery)\n"
              << aligned(rows) << "\n  figures   " << (out_ / "metrics.json").string()
              << "\n  features  " << (out_ / "features.csv").string() << "\n  picture   " << picture
              << std::endl;
  }

  Command command_;
  std::filesystem::path out_;
  ClassList classes_;  ///< all of the data set, also those held out
  Dataset unseen_;     ///< the test images of the classes held out
  int threads_ = 1;
  double seconds_ = 0;
  nlohmann::ordered_json epochs_ = nlohmann::ordered_json::array();
  Snapshots snapshots_;
};

}  // namespace tiny
