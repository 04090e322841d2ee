// The program ldmat-train itself, as its users call it.
#include "app/report.hpp"
#include "app/trainer.hpp"
#include "app/weights.hpp"
#include "data/load.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <numeric>

#ifdef _OPENMP
#include <omp.h>
#endif

using namespace test;

namespace {

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

nlohmann::json metrics_of(const fs::path& out) {
  return nlohmann::json::parse(text_of(out / "metrics.json"));
}

struct Result {
  int status;
  std::string text;  ///< stdout and stderr
};

/// A folder with data sets, and the program.
class Program {
 public:
  Program() {
    write_idx("train", 300);
    write_idx("t10k", 100);
    for (const auto& [name, records] :
         {std::pair("data_batch_1.bin", 40), {"test_batch.bin", 20}}) {
      Bytes bytes;
      for (int i = 0; i < records; ++i) {
        bytes.push_back(static_cast<std::uint8_t>(i % 10));
        const auto image = noise(3072, static_cast<std::uint32_t>(i));
        bytes.insert(bytes.end(), image.begin(), image.end());
      }
      write_file(folder_ / "cifar10" / name, bytes);
    }
  }

  void change_an_image(const std::string& part) const {
    const auto path = folder_ / "mnist" / (part + "-images-idx3-ubyte");
    auto bytes = read_file(path);
    bytes.at(5000) ^= 1;
    write_file(path, bytes);
  }

  fs::path out(const std::string& name) const { return folder_ / name; }

  Result operator()(const std::string& out_name, const std::string& options,
                    const std::string& before = "") const {
    const auto log = folder_ / "log";
    const std::string command = before + " '" LDMAT_TRAIN_PROGRAM "' --dataset mnist --data '" +
                                folder_.path().string() + "' --out '" + out(out_name).string() +
                                "' --threads 1 --batch 30 " + options + " >'" + log.string() +
                                "' 2>&1";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(log)};
  }

 private:
  /// A balanced part of the digits, so that there is something to learn.
  void write_idx(const std::string& stem, std::uint32_t count) {
    static const auto digits = tiny::load_dataset("digits", "");
    const auto& data = stem == "train" ? digits.train : digits.test;
    Bytes images = big_endian({0x803, count, 28, 28});
    Bytes labels = big_endian({0x801, count});
    for (std::size_t i = 0; i < count; ++i) {
      const auto image = data.image(i);
      images.insert(images.end(), image.begin(), image.end());
      labels.push_back(static_cast<std::uint8_t>(data.labels[i]));
    }
    write_file(folder_ / "mnist" / (stem + "-images-idx3-ubyte"), images);
    write_file(folder_ / "mnist" / (stem + "-labels-idx1-ubyte"), labels);
  }

  TempFolder folder_;
};

/// What must be the same of two runs: all but times.
nlohmann::json without_times(nlohmann::json metrics) {
  metrics.erase("seconds");
  for (auto& epoch : metrics.at("epochs")) epoch.erase("images_per_second");
  return metrics;
}

}  // namespace

TEST_CASE("the program learns digits and leaves its figures") {
  const Program program;
  const auto result = program("run", "--epochs 8");
  CAPTURE(result.text);
  REQUIRE(result.status == 0);
  CHECK(has(result.text, {"300 training and 100 test images of 10 classes", "epoch 8/8",
                          "accuracy by nearest centroid", "accuracy by 5 nearest neighbours",
                          "ratio between / within", "metrics.json", "features.csv"}));
  const auto metrics = metrics_of(program.out("run"));
  CHECK(metrics.at("final").at("nearest_centroid_accuracy") > 0.4);  // by chance: 0.1
  CHECK(metrics.at("final").at("five_nearest_neighbours_accuracy") > 0.4);
  CHECK(metrics.at("epochs").size() == 8);
  CHECK(metrics.at("epochs").at(7).at("loss") < metrics.at("epochs").at(0).at("loss"));
  CHECK(metrics.at("options").at("dim") == 2);
  const auto csv = text_of(program.out("run") / "features.csv");
  CHECK(csv.starts_with("label,f0,f1\n"));
  CHECK(std::ranges::count(csv, '\n') == 101);
  CHECK(fs::exists(program.out("run") / "features.svg") ==
        (std::system("gnuplot --version >/dev/null 2>&1") == 0));
}

TEST_CASE("the program says what its class distances allow, and how much of that it reached") {
  const Program program;
  const auto figures = [&](const std::string& name, const std::string& options) {
    const auto result = program(name, options);
    CAPTURE(result.text);
    REQUIRE(result.status == 0);
    const bool euclidean_ldmat = options.find("--loss") == std::string::npos &&
                                 options.find("--metric") == std::string::npos;
    CHECK(has(result.text, {"dimensions that the class distances need"}) == euclidean_ldmat);
    return metrics_of(program.out(name)).at("final").value("attainable", nlohmann::json());
  };
  const auto plane = figures("plane", "--epochs 8 --two-sided --class-distance 2");
  CHECK(plane.at("one_sided") == false);
  CHECK(plane.at("realisable") == false);
  CHECK(plane.at("dimensions_needed") == 9);
  CHECK(plane.at("lowest_loss").get<double>() == doctest::Approx(4 * 0.10987997766));
  CHECK(plane.at("reached_fraction").get<double>() > 0.3);  // 0 where all classes coincide
  CHECK(plane.at("reached_fraction").get<double>() <= 1);
  const auto space = figures("space", "--epochs 2 --two-sided --dim 9");
  CHECK(space.at("realisable") == true);
  CHECK(space.at("lowest_loss").get<double>() < 1e-20);
  CHECK(space.at("reached_fraction").get<double>() < 1);
  const auto preset = figures("preset", "--epochs 1");
  CHECK(preset.at("one_sided") == true);
  CHECK(preset.at("realisable") == false);
  CHECK(preset.at("lowest_loss") == 0);
  CHECK(preset.at("reached_fraction").get<double>() <= 1);
  CHECK(figures("softmax", "--epochs 1 --loss softmax").is_null());
  CHECK(figures("cosine", "--epochs 1 --metric cosine").is_null());
}

TEST_CASE("a run that was stopped and resumed ends with the same bits") {
  for (const std::string options :
       {"--epochs 2 --regularizer adaptive --strength 0.3 --optimizer sgd --schedule step",
        "--epochs 2 --loss softmax --dim 5", "--epochs 2 --loss center --center-weight 0.1",
        "--epochs 2 --loss triplet --margin 0.3", "--epochs 2 --loss supcon --per-class 3",
        "--epochs 2 --loss contrastive --normalize on",
        "--epochs 2 --per-class 6 --one-sided --dim 3", "--epochs 2 --shift 2 --flip on",
        "--epochs 2 --proxies --dim 3", "--epochs 2 --anchors --penalty squared --dim 4",
        "--epochs 2 --anchors --beyond-own --normalize batch --dim 4"}) {
    CAPTURE(options);
    const Program program;
    REQUIRE(program("whole", options).status == 0);
    // In the middle of an epoch, at its end, and after a single step.
    auto result = program("parts", options + " --stop-after-steps 7");
    REQUIRE(result.status == 0);
    CHECK(has(result.text, {"Stopped after 7 of 20 steps", "--resume --out"}));
    CHECK(!fs::exists(program.out("parts") / "metrics.json"));
    REQUIRE(program("parts", "--resume --stop-after-steps 3").status == 0);
    REQUIRE(program("parts", "--resume --stop-after-steps 1").status == 0);
    result = program("parts", "--resume");
    REQUIRE(result.status == 0);
    CHECK(has(result.text, {"Resuming after 11 of 20 steps"}));

    CHECK(text_of(program.out("parts") / "features.csv") ==
          text_of(program.out("whole") / "features.csv"));
    // Snapshots are of two features only.
    CHECK(fs::exists(program.out("whole") / "snapshots.json") == !has(options, {"--dim"}));
    for (const char* name : {"weights.ldmat", "snapshots.json"}) {
      if (!fs::exists(program.out("whole") / name)) continue;
      CHECK(text_of(program.out("parts") / name) == text_of(program.out("whole") / name));
    }
    CHECK(without_times(metrics_of(program.out("parts"))) ==
          without_times(metrics_of(program.out("whole"))));
  }
}

TEST_CASE("a run that was stopped before its first step ends with the same, too") {
  const Program program;
  REQUIRE(program("whole", "--epochs 1").status == 0);
  REQUIRE(program("parts", "--epochs 1 --stop-after-steps 1").status == 0);
  // What it would have saved: Ctrl-C does not come so early when a test wants it.
  auto saved = tiny::load_checkpoint(program.out("parts") / "checkpoint");
  const auto options = tiny::options_from_json(saved.at("options"));
  const auto data = tiny::load_dataset("mnist", program.out("").string());
  tiny::Trainer trainer(options, data.train);
  saved["trainer"] = trainer.state();
  auto& snapshots = saved["snapshots"];
  const std::vector<std::uint64_t> steps{0};
  snapshots["steps"] = tiny::pack(std::span(steps));
  snapshots["features"].erase(1);
  tiny::save_checkpoint(program.out("parts") / "checkpoint", saved);

  const auto result = program("parts", "--resume");
  CHECK(has(result.text, {"Resuming after 0 of 10 steps"}));
  REQUIRE(result.status == 0);
  for (const char* name : {"features.csv", "weights.ldmat", "snapshots.json"}) {
    CHECK(text_of(program.out("parts") / name) == text_of(program.out("whole") / name));
  }
}

TEST_CASE("a run leaves weights that give its features, and how they came to be") {
  const Program program;
  REQUIRE(program("run", "--epochs 2").status == 0);
  const auto snapshots = nlohmann::json::parse(text_of(program.out("run") / "snapshots.json"));
  CHECK(snapshots.at("steps") == nlohmann::json{0, 1, 2, 3, 6, 9, 14, 20});
  CHECK(snapshots.at("epochs").back() == 2.0);
  CHECK(snapshots.at("labels").size() == 100);
  CHECK(snapshots.at("names").size() == 10);
  for (const auto& moment : snapshots.at("features")) CHECK(moment.size() == 100);

#ifdef _OPENMP
  omp_set_num_threads(1);  // as the program's: the last bits depend on it
#endif
  const auto weights = tiny::load_weights(program.out("run") / "weights.ldmat");
  const auto data = tiny::load_dataset("mnist", program.out("").string());
  tiny::Rng rng(99);
  auto network = tiny::lenet<float>({1, 28, 28}, 2, rng);
  tiny::use_weights(weights, network, "lenet");
  std::vector<std::uint32_t> all(data.test.size());
  std::iota(all.begin(), all.end(), 0u);
  tiny::RowMatrix<float> images;
  tiny::gather(data.test, std::span<const std::uint32_t>(all), weights.description.normalization,
               images);
  CHECK(tiny::features_csv(network.forward(images, tiny::Mode::evaluate), data.test.labels) ==
        text_of(program.out("run") / "features.csv"));
  // The last moment is the end.
  const auto features = network.forward(images, tiny::Mode::evaluate);
  CHECK(snapshots.at("features").back().at(42).at(0).get<double>() ==
        doctest::Approx(static_cast<double>(features(42, 0))).epsilon(1e-4));

  // A run of other features in the same folder leaves none of them.
  REQUIRE(program("run", "--epochs 1 --dim 3").status == 0);
  CHECK(!fs::exists(program.out("run") / "snapshots.json"));
}

TEST_CASE("another seed gives another result") {
  const Program program;
  REQUIRE(program("one", "--epochs 1 --seed 1").status == 0);
  REQUIRE(program("two", "--epochs 1 --seed 2").status == 0);
  CHECK(text_of(program.out("one") / "features.csv") !=
        text_of(program.out("two") / "features.csv"));
}

TEST_CASE("resuming is refused with other options, without a checkpoint, or from a damaged one") {
  const Program program;
  const auto nothing = program("run", "--resume");
  CHECK(nothing.status == 1);
  CHECK(has(nothing.text, {"--resume: there is no", "run/checkpoint", "--out"}));

  REQUIRE(program("run", "--epochs 3 --stop-after-steps 2").status == 0);
  const auto other = program("run", "--resume --epochs 4");
  CHECK(other.status == 1);
  CHECK(has(other.text, {"--epochs is 4", "has 3"}));

  program.change_an_image("t10k");
  const auto test_images = program("run", "--resume");
  CHECK(test_images.status == 1);
  CHECK(has(test_images.text, {"tested with other images", "--data"}));
  program.change_an_image("train");
  const auto images = program("run", "--resume");
  CHECK(images.status == 1);
  CHECK(has(images.text, {"trained with other images", "--data"}));

  auto bytes = read_file(program.out("run") / "checkpoint");
  bytes[bytes.size() / 2] ^= 1;
  write_file(program.out("run") / "checkpoint", bytes);
  const auto damaged = program("run", "--resume");
  CHECK(damaged.status == 1);
  CHECK(has(damaged.text, {"run/checkpoint: damaged: its checksum is wrong"}));
}

TEST_CASE("colour images are learnt by the other network") {
  const Program program;
  const auto result = program("run", "--dataset cifar10 --epochs 1 --batch 20");
  CAPTURE(result.text);
  REQUIRE(result.status == 0);
  CHECK(has(result.text, {"resnet with", "16 features", "2 features only (--dim 2)"}));
  CHECK(!fs::exists(program.out("run") / "features.svg"));
}

TEST_CASE("mistakes end in one line that says what to do") {
  const Program program;
  const auto error = [&](const std::string& options) {
    const auto result = program("run", options);
    CHECK(result.status != 0);
    return result.text;
  };
  CHECK(has(error("--normalize batch --batch 1"), {"--normalize batch", "--batch"}));
  CHECK(has(error("--dataset cifar100"), {"ldmat-train: CIFAR-100 not found", "--data"}));
  CHECK(has(error("--penalty cubic"), {"--penalty", "cubic"}));
  CHECK(has(error("--per-class 7"), {"30 is not a multiple of 7"}));
  CHECK(has(error("--batch 400"), {"batch size is 400", "1 to 300"}));
  CHECK(has(error("--regularizer shrink --strength 2"), {"strength of shrink"}));
  CHECK(has(error("--optimizer sgd --lr 1e6 --schedule constant --epochs 5"),
            {"not finite at step", "--lr"}));
}

#ifndef _WIN32
TEST_CASE("Ctrl-C ends after a step with a checkpoint that can be resumed") {
  const Program program;
  const std::string options = "--epochs 100000 --schedule constant";
  // Long enough for some steps even of a slow build. In the foreground, or timeout sends a second signal,
  // to its whole group, which ends the program at once.
  const auto result = program("run", options, "timeout --foreground -s INT 4");
  CAPTURE(result.text);
  CHECK((result.status == 124 || result.status == 130));  // timeout's own status, or the program's
  CHECK(has(result.text, {"Stopped after ", " of 1000000 steps"}));
  REQUIRE(fs::exists(program.out("run") / "checkpoint"));
  const auto resumed = program("run", "--resume --stop-after-steps 1");
  CHECK(resumed.status == 0);
  CHECK(has(resumed.text, {"Resuming after "}));
  CHECK(!has(resumed.text, {"Resuming after 0 "}));
}
#endif
