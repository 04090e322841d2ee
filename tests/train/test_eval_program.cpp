// ldmat-eval as its users call it, on runs of ldmat-train and on folders that are none.
#include "eval/evaluate.hpp"
#include "eval/table.hpp"
#include "train/test_eval_support.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>

using namespace test;

namespace {

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

struct Result {
  int status;
  std::string out;
  std::string errors;
};

Result call(const std::string& program, const std::string& arguments) {
  const TempFolder folder;
  const std::string command = "'" + program + "' --threads 1 " + arguments + " >'" +
                              (folder / "out").string() + "' 2>'" + (folder / "errors").string() +
                              "'";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(folder / "out"),
          text_of(folder / "errors")};
}

Result evaluate(const std::string& arguments) {
  return call(LDMAT_EVAL_PROGRAM, arguments);
}

std::string quoted(const fs::path& path) {
  std::string text = path.string();
  text.insert(text.begin(), '\'');
  return text + '\'';
}

nlohmann::json evaluation_of(const fs::path& run) {
  return nlohmann::json::parse(text_of(run / "evaluation.json"));
}

std::vector<std::string> keys(const nlohmann::json& json) {
  std::vector<std::string> names;
  for (const auto& [key, value] : json.items()) names.push_back(key);
  return names;
}

/// A run's folder with features of clouds: classes 0 to 3 in two superclasses, 4 and 5 unseen.
void write_run(const fs::path& run) {
  tiny::FeatureFiles files;
  files.classes = {"clouds", tiny::numbered_names(6), {0, 0, 1, 1, 0, 1}, {"x", "y"}};
  files.train = clouds(200, 2, 4, 1.0, 1);
  files.test = clouds(100, 2, 4, 1.0, 2);
  files.unseen = clouds(60, 2, 2, 1.0, 3);
  for (int& label : files.unseen->labels) label += 4;
  tiny::write_features(run / "features", files);
}

const std::vector<std::string> classifiers{
    "1-nn", "30-nn", "5-nn", "gaussian", "linear_svm", "nearest_centroid", "rbf_svm"};

}  // namespace

TEST_CASE("a run on digits is evaluated by every classifier") {
  const TempFolder folder;
  const auto run = folder / "a run";
  REQUIRE(
      call(LDMAT_TRAIN_PROGRAM, "--epochs 2 --dim 4 --hold-out 2 --out " + quoted(run)).status ==
      0);
  const auto result = evaluate(quoted(run) + " --svm-samples 500");
  CAPTURE(result.errors);
  REQUIRE(result.status == 0);
  CHECK(has(result.out, {"accuracy", "rbf_svm", "silhouette", "map_at_r", "classes not trained on",
                         "seconds", " %", "a run"}));
  const auto json = evaluation_of(run);
  CHECK(json.at("program") == "ldmat-eval");
  CHECK(json.at("version") == tiny::detail::version_text());
  CHECK(json.at("data").at("dataset") == "digits");
  CHECK(json.at("data").at("features") == 4);
  CHECK(json.at("settings").at("svm_samples") == 500);
  CHECK(keys(json.at("classifiers")) == classifiers);
  for (const auto& name : classifiers) {
    CAPTURE(name);
    const auto& figures = json.at("classifiers").at(name);
    CHECK(keys(figures) == std::vector<std::string>{"accuracy"});
    CHECK(figures.at("accuracy") > 0.75);
    CHECK(figures.at("accuracy") <= 1);
  }
  // The figures that ldmat-train has, too.
  const auto own = nlohmann::json::parse(text_of(run / "metrics.json")).at("final");
  const auto& by = json.at("classifiers");
  CHECK(by.at("nearest_centroid").at("accuracy").get<double>() ==
        doctest::Approx(own.at("nearest_centroid_accuracy").get<double>()));
  CHECK(by.at("5-nn").at("accuracy").get<double>() ==
        doctest::Approx(own.at("five_nearest_neighbours_accuracy").get<double>()));
  CHECK(json.at("geometry").at("min_ratio").get<double>() ==
        doctest::Approx(own.at("smallest_ratio_between_to_within").get<double>()));

  CHECK(keys(json.at("geometry")) == std::vector<std::string>{"d_prime", "mean_centre_distance",
                                                              "mean_ratio", "mean_same_distance",
                                                              "min_centre_distance", "min_ratio",
                                                              "silhouette"});
  CHECK(keys(json.at("retrieval")) ==
        std::vector<std::string>{"map_at_r", "precision_at_1", "r_precision"});
  CHECK(json.at("retrieval").at("precision_at_1") > 0.7);
  const auto& unseen = json.at("unseen");
  CHECK(unseen.at("classes") == 2);
  CHECK(unseen.at("images") == 200);
  CHECK(unseen.at("precision_at_1") > 0.5);
  CHECK(unseen.at("nearest_centroid") > 0.5);
  CHECK(unseen.at("map_at_r") > 0.3);
  CHECK(keys(json.at("seconds")).size() == 8);
}

TEST_CASE("a new training leaves no evaluation of the one before") {
  const TempFolder folder;
  const auto run = quoted(folder / "run");
  write_file(folder / "run" / "evaluation.json", {'{', '}'});
  REQUIRE(call(LDMAT_TRAIN_PROGRAM, "--epochs 1 --out " + run).status == 0);
  CHECK(!fs::exists(folder / "run" / "evaluation.json"));
}

TEST_CASE("superclasses, unseen classes and the settings reach the file") {
  const TempFolder folder;
  write_run(folder / "run");
  REQUIRE(evaluate(quoted(folder / "run") + " --neighbours 3 --skip gaussian,rbf_svm").status == 0);
  const auto json = evaluation_of(folder / "run");
  CHECK(keys(json.at("classifiers")) ==
        std::vector<std::string>{"1-nn", "3-nn", "linear_svm", "nearest_centroid"});
  const auto files = tiny::read_features(folder / "run" / "features");
  const auto predicted = tiny::predict_by_centroid(files.train, files.test.features);
  std::size_t outside = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    outside += predicted[i] / 2 != files.test.labels[i] / 2 ? 1u : 0u;
  }
  CHECK(outside > 0);
  const auto& centroid = json.at("classifiers").at("nearest_centroid");
  CHECK(centroid.at("outside_superclass").get<double>() ==
        doctest::Approx(static_cast<double>(outside) / 100));
  CHECK(centroid.at("accuracy").get<double>() <=
        1 - centroid.at("outside_superclass").get<double>());
  CHECK(json.at("unseen").at("nearest_centroid").get<double>() ==
        doctest::Approx(tiny::leave_one_out_centroid(*files.unseen)));

  REQUIRE(evaluate(quoted(folder / "run") + " --skip nearest_centroid,nn,linear_svm,rbf_svm"
                                            ",gaussian,geometry,retrieval")
              .status == 0);
  CHECK(evaluation_of(folder / "run").at("classifiers").empty());
  CHECK(!evaluation_of(folder / "run").contains("geometry"));
}

TEST_CASE("the same features give the same figures, and several runs a table with a column each") {
  const TempFolder folder;
  write_run(folder / "one");
  write_run(folder / "two");
  const auto result = evaluate(quoted(folder / "one") + " " + quoted(folder / "two"));
  REQUIRE(result.status == 0);
  auto one = evaluation_of(folder / "one");
  auto two = evaluation_of(folder / "two");
  one.erase("seconds");
  two.erase("seconds");
  CHECK(one == two);
  CHECK(has(result.out, {"/one", "/two", "predicted outside of the superclass"}));
}

TEST_CASE("folders that cannot be evaluated are named, and the others still are") {
  const TempFolder folder;
  write_run(folder / "good");
  const auto missing = evaluate(quoted(folder / "none") + " " + quoted(folder / "good"));
  CHECK(missing.status == 1);
  CHECK(has(missing.errors, {"ldmat-eval: there is no folder", "/none"}));
  CHECK(has(missing.out, {"/good", "nearest_centroid"}));
  CHECK(fs::exists(folder / "good" / "evaluation.json"));

  fs::create_directories(folder / "empty");
  CHECK(
      has(evaluate(quoted(folder / "empty")).errors, {"empty/features", "ldmat-train writes it"}));

  write_run(folder / "bad");
  cut(folder / "bad" / "features" / "train_features.npy", 200);
  const auto bad = evaluate(quoted(folder / "bad"));
  CHECK(bad.status == 1);
  CHECK(bad.out.empty());
  CHECK(has(bad.errors, {"bad/features/train_features.npy: holds 72 bytes", "cut short"}));
  CHECK(!fs::exists(folder / "bad" / "evaluation.json"));

  write_run(folder / "turned bad");
  REQUIRE(evaluate(quoted(folder / "turned bad")).status == 0);
  cut(folder / "turned bad" / "features" / "train_features.npy", 200);
  CHECK(evaluate(quoted(folder / "turned bad")).status == 1);
  CHECK(!fs::exists(folder / "turned bad" / "evaluation.json"));

  write_run(folder / "strange");
  auto labels = tiny::read_npy_labels(folder / "strange" / "features" / "test_labels.npy");
  labels[7] = 5;
  tiny::write_npy(folder / "strange" / "features" / "test_labels.npy", labels);
  CHECK(has(evaluate(quoted(folder / "strange")).errors,
            {"strange", "class 5 ('5') of test_labels.npy", "does not occur in train_labels.npy"}));
}

TEST_CASE("more classes than samples for the SVMs are an error of that run") {
  const TempFolder folder;
  write_run(folder / "run");
  const auto result = evaluate(quoted(folder / "run") + " --svm-samples 3");
  CHECK(result.status == 1);
  CHECK(has(result.errors, {"/run: a sample of 3 (--svm-samples)", "4 classes"}));
  CHECK(evaluate(quoted(folder / "run") + " --svm-samples 3 --skip linear_svm,rbf_svm").status ==
        0);
}

TEST_CASE("options that cannot be are refused") {
  CHECK(has(evaluate("").errors, {"folders"}));
  CHECK(has(evaluate("x --skip svm").errors, {"--skip", "svm", "rbf_svm"}));
  CHECK(has(evaluate("x --neighbours 0").errors, {"--neighbours"}));
  CHECK(has(evaluate("x --svm-samples -1").errors, {"--svm-samples"}));
}

TEST_CASE("the table is aligned and shows what is not there, or not finite, as a dash") {
  const nlohmann::ordered_json a{
      {"classifiers", {{"1-nn", {{"accuracy", 0.5}}}}},
      {"geometry",
       {{"min_ratio", nullptr}, {"mean_ratio", std::numeric_limits<double>::infinity()}}},
      {"unseen", {{"images", 20}}}};
  const nlohmann::ordered_json b{{"classifiers", {{"gaussian", {{"accuracy", 1.0}}}}},
                                 {"geometry", {{"min_ratio", 2.0}}}};
  CHECK(tiny::evaluation_table({{"a", a}, {"bb", b}}) ==
        "                    a        bb\n"
        "accuracy\n"
        "  1-nn        50.00 %         -\n"
        "  gaussian          -  100.00 %\n"
        "geometry of the test samples\n"
        "  min_ratio         -    2.0000\n"
        "  mean_ratio        -         -\n"
        "classes not trained on\n"
        "  images           20         -\n");
}
