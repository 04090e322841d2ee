// What can be chosen for a run. Each option is named once, in visit_options: the command line, the
// JSON output and the comparison with a checkpoint all go through that list.
#pragma once

#include "data/load.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace tiny {

/// What decides the result of a run. 0, "auto" and a per_class of -1 stand for a value that fits
/// the data set. The loss is that of ldmat::recommended.
struct TrainOptions {
  std::string dataset = "digits";
  int hold_out = 0;
  std::string loss = "ldmat";
  double margin = 0;
  double temperature = 0.1;
  double center_weight = 0.1;
  int dim = 0;
  std::string metric = "euclidean";
  double class_distance = 1;
  double within_superclass = 1;
  bool proxies = false;
  bool anchors = false;
  double anchor_share = 1;
  bool beyond_own = false;
  std::string regularizer = "none";
  double strength = 0.1;
  double adaptive_momentum = 0.9;
  std::string penalty = "huber";
  double threshold = 0.2;
  double band_same = 0;
  double band_different = 0;
  bool one_sided = true;
  std::string weights = "uniform";
  double same_share = 0.5;
  std::string reduction = "mean";
  std::string network = "auto";
  std::string normalize = "auto";
  int shift = -1;
  std::string flip = "auto";
  int epochs = 0;
  int batch = 0;
  int per_class = -1;
  std::string optimizer = "adam";
  double lr = 0;
  std::string schedule = "cosine";
  double weight_decay = 0;
  std::uint64_t seed = 1;
};

/// What does not.
struct RunOptions {
  std::string data;
  std::string out = "ldmat-out";
  int threads = 0;
  bool resume = false;
  std::uint64_t stop_after_steps = 0;
};

/// What an option may be: one of `names`, or a number in [low, high]. For a switch, `names` has the
/// word that turns it off.
struct Allowed {
  std::vector<std::string> names = {};
  double low = std::numeric_limits<double>::lowest();
  double high = std::numeric_limits<double>::max();
};

/// Calls visit(name, field, allowed, help) for each option.
template <typename Options, typename Visit>
void visit_options(Options& o, Visit visit) {
  const auto range = [](double low, double high) { return Allowed{{}, low, high}; };
  const auto positive = range(1e-12, 1e12);
  const auto zero_up = range(0, 1e12);
  const Allowed any;
  visit("dataset", o.dataset, Allowed{dataset_names()}, "what to learn");
  visit("hold-out", o.hold_out, range(0, 1e6), "keep so many classes, the last, from the training");
  visit("loss", o.loss, Allowed{{"ldmat", "softmax", "center", "contrastive", "triplet", "supcon"}},
        "loss on the features");
  visit("margin", o.margin, zero_up,
        "of contrastive: distance from which classes are far enough apart; of triplet: how much "
        "farther other classes should be, in squared distance; 0: as fits the loss");
  visit("temperature", o.temperature, range(1e-3, 1e3), "what supcon divides inner products by");
  visit("center-weight", o.center_weight, zero_up, "weight of center's distance to the centres");
  visit("dim", o.dim, range(0, 4096), "number of features; 0: as fits the data set");
  visit("metric", o.metric, Allowed{{"euclidean", "squared-euclidean", "cosine", "manhattan"}},
        "distance between features");
  visit("class-distance", o.class_distance, positive, "wanted distance between classes");
  visit("within-superclass", o.within_superclass, zero_up,
        "wanted distance between classes of one superclass, as a share of class-distance");
  visit("proxies", o.proxies, Allowed{{"no-proxies"}},
        "a learnt sample of each class joins every batch of ldmat");
  visit("anchors", o.anchors, Allowed{{"no-anchors"}},
        "ldmat's distances are those to a fixed anchor of each class, not those between images");
  visit("anchor-share", o.anchor_share, zero_up,
        "wanted distance to the anchors of other classes, as a share of that between anchors");
  visit("beyond-own", o.beyond_own, Allowed{{"no-beyond-own"}},
        "with anchors: so much farther than the own anchor shall the others be");
  visit("regularizer", o.regularizer, Allowed{{"none", "offset", "shrink", "adaptive"}},
        "how the wanted distances are relaxed");
  visit("strength", o.strength, zero_up, "strength of the regularizer");
  visit("adaptive-momentum", o.adaptive_momentum, range(0, 1),
        "momentum of the adaptive regularizer's running distances");
  visit("penalty", o.penalty, Allowed{{"squared", "absolute", "huber", "band"}},
        "cost of a distance that is not as wanted");
  visit("threshold", o.threshold, positive, "where the penalty huber turns linear");
  visit("band-same", o.band_same, zero_up, "free width of the penalty band within a class");
  visit("band-different", o.band_different, zero_up, "free width of the penalty band between two");
  visit("one-sided", o.one_sided, Allowed{{"two-sided"}},
        "closer than wanted within a class, or farther between two, costs nothing");
  visit("weights", o.weights, Allowed{{"uniform", "balanced"}},
        "balanced: pairs within classes together weigh same-share of all");
  visit("same-share", o.same_share, range(0, 1), "see weights; with anchors, the own one's share");
  visit("reduction", o.reduction, Allowed{{"mean", "sum", "weighted-mean", "frobenius"}},
        "from the sum over pairs to the loss");
  visit("network", o.network, Allowed{{"auto", "lenet", "resnet"}}, "auto: as fits the images");
  visit(
      "normalize", o.normalize, Allowed{{"auto", "on", "off", "batch"}},
      "last layer; on: features scaled to length 1; batch: each feature batch-normalised; auto: on "
      "for supcon and triplet");
  visit("shift", o.shift, range(-1, 1024),
        "training images are moved by up to so many pixels; -1: as fits the data set");
  visit("flip", o.flip, Allowed{{"auto", "on", "off"}},
        "training images are mirrored at random; auto: as fits the data set");
  visit("epochs", o.epochs, range(0, 1e6), "passes through the data; 0: as fits the data set");
  visit("batch", o.batch, range(0, 65536), "images per step; 0: as fits the data set");
  visit("per-class", o.per_class, range(-1, 65536),
        "images of each class of a batch; 0: images are drawn whatever their class; -1: as fits");
  visit("optimizer", o.optimizer, Allowed{{"sgd", "adam"}}, "how the weights follow the gradient");
  visit("lr", o.lr, range(0, 1e6), "learning rate; 0: as fits the optimizer");
  visit("schedule", o.schedule, Allowed{{"constant", "step", "cosine"}},
        "the learning rate over time; step: a tenth after each third of the run");
  visit("weight-decay", o.weight_decay, range(0, 1), "decay of the weights");
  visit("seed", o.seed, any, "same seed, same result (with the same number of threads)");
}

/// Replaces 0, "auto" and -1 by what fits the data set.
inline TrainOptions resolved(TrainOptions o) {
  const bool colour = o.dataset.starts_with("cifar");
  const auto by_data = [&](int small, int digits, int ten, int coarse, int hundred) {
    if (o.dataset == "digits") return small;
    if (o.dataset == "cifar10") return ten;
    if (o.dataset == "cifar100-coarse") return coarse;
    if (o.dataset == "cifar100") return hundred;
    return digits;
  };
  if (o.dim == 0) o.dim = by_data(2, 2, 16, 32, 64);
  if (o.epochs == 0) o.epochs = by_data(12, 5, 20, 30, 30);
  if (o.batch == 0) o.batch = by_data(50, 50, 50, 100, 100);
  // Of a hundred classes too few images would share one in a batch drawn at random, for a loss that
  // compares images; the others see one at a time.
  const bool anchored = o.loss == "ldmat" && o.anchors;
  const bool compares = o.loss != "softmax" && o.loss != "center" && !anchored;
  if (o.per_class == -1) {
    o.per_class = 0;
    const int most = compares && o.dataset == "cifar100" ? 5 : 0;
    for (int each = most; each > 1 && o.per_class == 0; --each) {
      if (o.batch % each == 0) o.per_class = each;
    }
  }
  if (o.network == "auto") o.network = colour ? "resnet" : "lenet";
  const bool directions = o.loss == "supcon" || o.loss == "triplet";
  if (o.shift == -1) o.shift = colour ? 4 : 0;
  if (o.flip == "auto") o.flip = colour ? "on" : "off";
  if (o.normalize == "auto") o.normalize = directions ? "on" : "off";
  if (o.margin == 0 && o.loss == "contrastive") o.margin = 1;
  if (o.margin == 0 && o.loss == "triplet") o.margin = 0.2;
  if (o.lr == 0) o.lr = o.optimizer == "adam" ? 0.002 : 0.05;
  return o;
}

inline nlohmann::ordered_json to_json(const TrainOptions& options) {
  nlohmann::ordered_json json;
  visit_options(options, [&](const char* name, const auto& field, const Allowed& /*allowed*/,
                             const char* /*help*/) { json[name] = field; });
  return json;
}

/// Throws std::runtime_error, naming the option, for what the command line would refuse, too.
inline TrainOptions options_from_json(const nlohmann::json& json) {
  TrainOptions options;
  visit_options(
      options, [&](const char* name, auto& field, const Allowed& allowed, const char* /*help*/) {
        using Field = std::remove_reference_t<decltype(field)>;
        const auto& value = json.at(name);
        bool good = true;
        if constexpr (std::is_same_v<Field, std::string>) {
          good = value.is_string() &&
                 (allowed.names.empty() ||
                  std::ranges::count(allowed.names, value.template get<std::string>()) > 0);
        } else if constexpr (std::is_same_v<Field, std::uint64_t>) {
          good = value.is_number_unsigned();
        } else if constexpr (std::is_same_v<Field, int>) {
          good = value.is_number_integer();
        } else if constexpr (std::is_same_v<Field, bool>) {
          good = value.is_boolean();
        } else {
          good = value.is_number();
        }
        if constexpr (std::is_same_v<Field, int> || std::is_same_v<Field, double>) {
          good = good && value.template get<double>() >= allowed.low &&
                 value.template get<double>() <= allowed.high;
        }
        if (!good) {
          throw std::runtime_error(std::string("--") + name + " of the run to resume is " +
                                   value.dump() + ", which is not allowed");
        }
        value.get_to(field);
      });
  return options;
}

/// Throws std::runtime_error, naming the option, where one of `given` (names of options) differs
/// between the two.
inline void require_same(const TrainOptions& asked, const TrainOptions& saved,
                         const std::vector<std::string>& given) {
  const auto a = to_json(asked);
  const auto b = to_json(saved);
  for (const auto& name : given) {
    if (a.at(name) == b.at(name)) continue;
    throw std::runtime_error("--" + name + " is " + a.at(name).dump() +
                             ", but the run to resume has " + b.at(name).dump() +
                             ". Leave the option away, or choose another --out for a new run.");
  }
}

}  // namespace tiny
