#include "app/command_line.hpp"
#include "train/test_data_support.hpp"

#include <doctest/doctest.h>

using namespace test;

namespace {

tiny::Command parse(std::vector<const char*> words) {
  words.insert(words.begin(), "ldmat-train");
  CLI::App app;
  return tiny::parse_command(app, static_cast<int>(words.size()), words.data());
}

std::string parse_error(const std::vector<const char*>& words) {
  return message_of<CLI::ParseError>([&] { parse(words); });
}

}  // namespace

TEST_CASE("without options the demo is chosen") {
  const auto command = parse({});
  CHECK(command.given.empty());
  const auto o = tiny::resolved(command.train);
  CHECK(o.dataset == "digits");
  CHECK(o.loss == "ldmat");
  CHECK(o.dim == 2);
  CHECK(o.network == "lenet");
  CHECK(o.epochs > 0);
  CHECK(o.batch > 1);
  CHECK(o.per_class == 0);
  CHECK(o.lr > 0);
}

TEST_CASE("every option of the list reaches its field") {
  const auto command = parse({"--dataset",
                              "cifar10",
                              "--hold-out",
                              "3",
                              "--loss",
                              "softmax",
                              "--margin",
                              "0.75",
                              "--temperature",
                              "0.25",
                              "--center-weight",
                              "0.5",
                              "--dim",
                              "7",
                              "--metric",
                              "cosine",
                              "--class-distance",
                              "2.5",
                              "--within-superclass",
                              "0.75",
                              "--proxies",
                              "--anchors",
                              "--anchor-share",
                              "0.5",
                              "--beyond-own",
                              "--regularizer",
                              "shrink",
                              "--strength",
                              "0.25",
                              "--adaptive-momentum",
                              "0.5",
                              "--penalty",
                              "band",
                              "--threshold",
                              "0.75",
                              "--band-same",
                              "0.1",
                              "--band-different",
                              "0.2",
                              "--two-sided",
                              "--weights",
                              "balanced",
                              "--same-share",
                              "0.3",
                              "--reduction",
                              "frobenius",
                              "--network",
                              "lenet",
                              "--normalize",
                              "on",
                              "--shift",
                              "3",
                              "--flip",
                              "off",
                              "--epochs",
                              "3",
                              "--batch",
                              "40",
                              "--per-class",
                              "4",
                              "--optimizer",
                              "sgd",
                              "--lr",
                              "0.125",
                              "--schedule",
                              "step",
                              "--weight-decay",
                              "0.0625",
                              "--seed",
                              "18446744073709551615"});
  const nlohmann::ordered_json expected{{"dataset", "cifar10"},
                                        {"hold-out", 3},
                                        {"loss", "softmax"},
                                        {"margin", 0.75},
                                        {"temperature", 0.25},
                                        {"center-weight", 0.5},
                                        {"dim", 7},
                                        {"metric", "cosine"},
                                        {"class-distance", 2.5},
                                        {"within-superclass", 0.75},
                                        {"proxies", true},
                                        {"anchors", true},
                                        {"anchor-share", 0.5},
                                        {"beyond-own", true},
                                        {"regularizer", "shrink"},
                                        {"strength", 0.25},
                                        {"adaptive-momentum", 0.5},
                                        {"penalty", "band"},
                                        {"threshold", 0.75},
                                        {"band-same", 0.1},
                                        {"band-different", 0.2},
                                        {"one-sided", false},
                                        {"weights", "balanced"},
                                        {"same-share", 0.3},
                                        {"reduction", "frobenius"},
                                        {"network", "lenet"},
                                        {"normalize", "on"},
                                        {"shift", 3},
                                        {"flip", "off"},
                                        {"epochs", 3},
                                        {"batch", 40},
                                        {"per-class", 4},
                                        {"optimizer", "sgd"},
                                        {"lr", 0.125},
                                        {"schedule", "step"},
                                        {"weight-decay", 0.0625},
                                        {"seed", 18446744073709551615ull}};
  CHECK(tiny::to_json(command.train) == expected);
  // No value is the default, or this test could not see that it arrived.
  const auto defaults = tiny::to_json(tiny::TrainOptions{});
  for (const auto& [name, value] : expected.items()) CHECK(defaults.at(name) != value);
  CHECK(command.given.size() == expected.size());
  // What was chosen is not replaced.
  CHECK(tiny::to_json(tiny::resolved(command.train)) == expected);
  // And the way through a checkpoint changes nothing.
  const auto again = tiny::options_from_json(nlohmann::json::parse(expected.dump()));
  CHECK(tiny::to_json(again) == expected);
}

TEST_CASE("the options of a run reach their fields and are not compared") {
  const auto command = parse({"--data", "here", "--out", "there", "--threads", "3", "--resume",
                              "--stop-after-steps", "11"});
  CHECK(command.run.data == "here");
  CHECK(command.run.out == "there");
  CHECK(command.run.threads == 3);
  CHECK(command.run.resume);
  CHECK(command.run.stop_after_steps == 11);
  CHECK(command.given.empty());
}

TEST_CASE("of an option given twice the last counts") {
  CHECK(parse({"--batch", "30", "--batch", "40"}).train.batch == 40);
  CHECK(!parse({"--one-sided", "--two-sided"}).train.one_sided);
}

TEST_CASE("colour images get the network and the number of features that fit them") {
  for (const char* name : {"cifar10", "cifar100", "cifar100-coarse"}) {
    const auto o = tiny::resolved(parse({"--dataset", name}).train);
    CHECK(o.network == "resnet");
    CHECK(o.dim > 2);
    CHECK(o.per_class == (std::string(name) == "cifar100" ? 5 : 0));
    CHECK(tiny::resolved(parse({"--dataset", name, "--per-class", "0"}).train).per_class == 0);
  }
}

TEST_CASE("what a loss needs is chosen for it") {
  const auto of = [](const char* loss, std::vector<const char*> words = {}) {
    words.insert(words.end(), {"--dataset", "cifar100", "--loss", loss});
    return tiny::resolved(parse(words).train);
  };
  for (const char* loss : {"ldmat", "softmax", "center", "contrastive", "triplet", "supcon"}) {
    CAPTURE(loss);
    const std::string name = loss;
    const auto o = of(loss);
    CHECK(o.normalize == (name == "triplet" || name == "supcon" ? "on" : "off"));
    CHECK((o.margin > 0) == (name == "contrastive" || name == "triplet"));
    CHECK(o.per_class == (name == "softmax" || name == "center" ? 0 : 5));
    CHECK(of(loss, {"--normalize", "off"}).normalize == "off");
    CHECK(of(loss, {"--normalize", "on"}).normalize == "on");
    CHECK(of(loss, {"--normalize", "batch"}).normalize == "batch");
    CHECK(of(loss, {"--margin", "3"}).margin == 3);
    CHECK(of(loss, {"--per-class", "10"}).per_class == 10);
  }
}

TEST_CASE("a wrong value is refused with the option's name") {
  CHECK(has(parse_error({"--dataset", "minst"}), {"--dataset", "minst"}));
  CHECK(has(parse_error({"--penalty", "cubic"}), {"--penalty", "cubic", "huber"}));
  CHECK(has(parse_error({"--batch", "-1"}), {"--batch"}));
  CHECK(has(parse_error({"--epochs", "-3"}), {"--epochs"}));
  CHECK(has(parse_error({"--class-distance", "0"}), {"--class-distance"}));
  CHECK(has(parse_error({"--strength", "-0.5"}), {"--strength"}));
  CHECK(has(parse_error({"--loss", "hinge"}), {"--loss", "hinge", "supcon"}));
  CHECK(has(parse_error({"--normalize", "yes"}), {"--normalize", "yes"}));
  CHECK(has(parse_error({"--margin", "-1"}), {"--margin"}));
  CHECK(has(parse_error({"--temperature", "0"}), {"--temperature"}));
  CHECK(has(parse_error({"--center-weight", "-1"}), {"--center-weight"}));
  CHECK(has(parse_error({"--lr", "fast"}), {"--lr", "fast"}));
  CHECK(has(parse_error({"--seed", "-1"}), {"--seed"}));
  CHECK(has(parse_error({"--no-such-option"}), {"--no-such-option"}));
}

TEST_CASE("only options that were given and differ are refused on resuming, by name") {
  auto saved = tiny::resolved({});
  saved.batch = 50;
  const auto error = [&](const std::vector<const char*>& words) {
    const auto command = parse(words);
    return message_of(
        [&] { tiny::require_same(tiny::resolved(command.train), saved, command.given); });
  };
  CHECK(error({}) == "");
  CHECK(error({"--batch", "50", "--dataset", "digits"}) == "");
  CHECK(has(error({"--batch", "60"}), {"--batch is 60", "has 50"}));
  CHECK(has(error({"--loss", "softmax"}), {"--loss is \"softmax\"", "has \"ldmat\""}));
  saved.one_sided = false;
  CHECK(error({"--two-sided"}) == "");
  CHECK(has(error({"--one-sided"}), {"--one-sided is true", "has false"}));
}
