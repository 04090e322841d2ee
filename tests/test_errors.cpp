#include "support.hpp"

using ldmat::Index;
using support::contains;
using support::Matrix;
using support::message_of;

namespace {

/// The message names everything in `parts`.
template <class Call>
void refused(const Call& call, std::initializer_list<const char*> parts) {
  const std::string message = message_of(call);
  CAPTURE(message);
  CHECK(contains(message, "ldmat: "));
  for (const char* const part : parts) {
    CAPTURE(part);
    CHECK(contains(message, part));
  }
}

template <class Options>
void refused_options(const Options& options, std::initializer_list<const char*> parts) {
  refused([&] { ldmat::Loss<double> loss(options); }, parts);
}

using Options = ldmat::Loss<double>::Options;

struct Fixture {
  Matrix features = Matrix::Random(6, 3);
  std::vector<int> ids{0, 1, 2, 0, 1, 2};
  Matrix gradient = Matrix::Constant(6, 3, 42);
  ldmat::Loss<double> loss{};

  bool untouched() const {
    return gradient == Matrix::Constant(gradient.rows(), gradient.cols(), 42);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "shapes that do not agree are refused and nothing is written") {
  ids.push_back(0);
  refused([&] { loss(features, ids, gradient); }, {"labels has 7", "features has 6"});
  ids.resize(5);
  refused([&] { loss(features, ids, gradient); }, {"labels has 5", "features has 6"});
  ids.resize(6);
  CHECK(untouched());
  Matrix wrong = Matrix::Constant(6, 2, 42);
  refused([&] { loss(features, ids, wrong); }, {"gradient is 6 x 2", "6 x 3"});
  Eigen::Matrix<double, 5, 3> fixed;
  refused([&] { loss(features, ids, fixed); }, {"gradient is 5 x 3", "6 x 3"});
  const Matrix vectors = Matrix::Zero(5, 2);
  refused([&] { loss(features, vectors, gradient); }, {"label_vectors has 5", "features has 6"});
  const Matrix target = Matrix::Zero(6, 5);
  refused([&] { loss(features, ldmat::target_matrix(target), gradient); },
          {"target is 6 x 5", "6 x 6"});
  const Matrix good = Matrix::Zero(6, 6);
  refused([&] { loss(features, ldmat::target_matrix(good, target), gradient); },
          {"label_distances is 6 x 5"});
  CHECK(untouched());
}

TEST_CASE_FIXTURE(Fixture, "class ids below 0 or from K on are refused") {
  ids[4] = -3;
  refused([&] { loss(features, ids, gradient); }, {"labels[4] is -3", "0 or greater"});
  ldmat::Loss<double> three{{.classes = 3}};
  refused([&] { three(features, ids, gradient); }, {"labels[4] is -3", "between 0 and 2"});
  ids[4] = 3;
  refused([&] { three(features, ids, gradient); }, {"labels[4] is 3", "between 0 and 2"});
  const std::vector<std::uint64_t> huge{0, 1, 2, 3, 4, ~std::uint64_t{0}};
  refused([&] { loss(features, huge, gradient); }, {"labels[5] is 18446744073709551615"});
  CHECK(untouched());
}

TEST_CASE_FIXTURE(Fixture, "a gradient that overlaps the features or itself is refused") {
  const Matrix before = features;
  refused([&] { loss(features, ids, features); }, {"gradient overlaps features"});
  CHECK(features == before);
  Matrix tall = Matrix::Random(8, 3);
  refused([&] { loss(tall.topRows(6), ids, tall.bottomRows(6)); }, {"gradient overlaps features"});
  Matrix wide = Matrix::Random(6, 6);
  for (const Index first : {1, 2}) {  // beside each other they may stand, see test_inputs.cpp
    refused([&] { loss(wide.leftCols(3), ids, wide.middleCols(first, 3)); },
            {"gradient overlaps features"});
    refused([&] { loss(wide.middleCols(first, 3), ids, wide.leftCols(3)); },
            {"gradient overlaps features"});
  }
  std::vector<double> buffer(18);
  refused([&] { loss(features, ids, ldmat::view(buffer.data(), 6, 3, 0, 1)); },
          {"gradient has strides 0, 1"});
  refused([&] { loss(features, ids, ldmat::view(buffer.data(), 6, 3, 2, 1)); },
          {"gradient has strides 2, 1"});
  refused([&] { loss(features, ids, ldmat::view(buffer.data(), 6, 3, 1, 1)); },
          {"must not share memory"});
}

TEST_CASE_FIXTURE(Fixture, "NaN is found in whatever element it is") {
  ldmat::Loss<double> careful{{.check_finite = true}};
  for (Index i = 0; i < 6; ++i) {
    for (Index k = 0; k < 3; ++k) {
      Matrix f = features;
      f(i, k) = std::nan("");
      const std::string place = "features(" + std::to_string(i) + ", " + std::to_string(k) + ")";
      refused([&] { careful(f, ids, gradient); }, {place.c_str()});
    }
  }
  CHECK(untouched());
}

TEST_CASE("a view of what is not there is refused") {
  std::vector<double> buffer(18);
  double* const null = nullptr;
  refused([&] { ldmat::view(null, 2, 2); }, {"data is null", "2 x 2"});
  refused([&] { ldmat::view(buffer.data(), -1, 2); }, {"-1 x 2", "negative"});
  refused([&] { ldmat::view(buffer.data(), 6, 3, -3, 1); }, {"-3", "negative"});
  refused([&] { ldmat::view(std::span<double>(buffer), 5, 3); }, {"18 elements", "5 x 3"});
  refused([&] { ldmat::view(std::span<double>(buffer), 0, 3); }, {"18 elements", "0 x 3"});
  constexpr Index vast = Index{1} << 32;  // elements that all lie at one place
  refused([&] { ldmat::view(buffer.data(), vast, vast, 0, 0); }, {"4294967296 x 4294967296"});
  const int* const no_labels = nullptr;
  refused([&] { ldmat::labels(no_labels, 3); }, {"data is null", "3"});
}

TEST_CASE_FIXTURE(Fixture, "whatever is read must have shapes and strides that can be") {
  const auto at = [&](Index rows, Index columns, Index row_stride, Index column_stride) {
    return ldmat::MatrixView<const double>{features.data(), rows, columns, row_stride,
                                           column_stride};
  };
  const auto wide = at(6, Index{1} << 61, 0, 0);
  refused([&] { loss(wide, ids); }, {"features has shape 6 x 2305843009213693952"});
  refused([&] { loss(features, ldmat::label_vectors(wide)); },
          {"label_vectors has shape 6 x 2305"});
  refused([&] { ldmat::feature_distances(wide); }, {"features has shape 6 x 2305"});
  const auto backwards = at(6, 6, -6, 1);
  refused([&] { loss(backwards, ids); }, {"features has shape 6 x 6 and strides -6, 1"});
  refused([&] { loss(features, ldmat::label_vectors(backwards)); }, {"label_vectors", "-6, 1"});
  refused([&] { loss(features, ldmat::target_matrix(backwards)); }, {"target", "-6, 1"});
  const auto square = at(6, 6, 0, 0);
  refused([&] { loss(features, ldmat::target_matrix(square, backwards)); },
          {"label_distances", "-6, 1"});
  refused([&] { ldmat::feature_distances(at(-1, 2, 2, 1)); }, {"features has shape -1 x 2"});
  refused([&] { ldmat::regularize(backwards, ldmat::none()); }, {"label_distances", "-6, 1"});
  const Matrix l = ldmat::label_distances(ids);
  refused([&] { ldmat::regularize(l, ldmat::affinity(backwards, 0.5)); }, {"affinity", "-6, 1"});
}

TEST_CASE("options out of range are refused at construction") {
  const double nan = std::nan("");
  const double infinity = std::numeric_limits<double>::infinity();
  refused_options(Options{.class_distance = -1}, {"class_distance is -1"});
  refused_options(Options{.class_distance = nan}, {"class_distance is nan"});
  refused_options(Options{.class_distance = infinity}, {"class_distance is inf"});
  refused_options(Options{.classes = -2}, {"classes is -2"});
  refused_options(Options{.regularizer = ldmat::offset(-0.1)}, {"offset is -0.1"});
  refused_options(Options{.regularizer = ldmat::shrink(1.5)},
                  {"strength of shrink", "is 1.5", "between 0 and 1"});
  refused_options(Options{.regularizer = ldmat::shrink(nan)}, {"nan", "between 0 and 1"});
  refused_options(Options{.classes = 3, .regularizer = ldmat::adaptive(0.5, 1.5)},
                  {"momentum is 1.5"});
  refused_options(Options{.regularizer = ldmat::adaptive(0.5)}, {"adaptive", "classes"});
  refused_options(Options{.weights = ldmat::class_balanced(1.5)}, {"same_share is 1.5"});
  refused_options(Options{.weights = ldmat::weight_table({})}, {"Weights::table is empty"});
  refused_options(Options{.weights = ldmat::weight_table(Matrix::Constant(2, 2, -1))},
                  {"Weights::table(0, 0) is -1"});

  Matrix table = Matrix::Ones(3, 3) - Matrix::Identity(3, 3);
  table(0, 2) = 2;
  refused_options(Options{.class_table = table}, {"(0, 2) is 2", "(2, 0) is 1", "symmetric"});
  table(2, 0) = 2;
  table(1, 1) = 0.5;
  refused_options(Options{.class_table = table}, {"(1, 1) is 0.5", "diagonal"});
  table(1, 1) = 0;
  table(0, 1) = table(1, 0) = nan;
  refused_options(Options{.class_table = table}, {"(0, 1) is nan"});
  refused_options(Options{.class_table = Matrix::Zero(2, 3)}, {"2 x 3", "square"});
  refused_options(Options{.class_table = Matrix::Zero(3, 3), .classes = 4}, {"3 classes", "4"});
  refused_options(Options{.class_table = Matrix::Zero(3, 3),
                          .weights = ldmat::weight_table(Matrix::Ones(2, 2))},
                  {"Weights::table has 2 classes", "3"});

  refused([] { ldmat::Loss<double, ldmat::Euclidean, ldmat::Huber> loss{{.penalty = {0}}}; },
          {"Huber::threshold is 0"});
  refused(
      [] {
        ldmat::Loss<double, ldmat::Euclidean, ldmat::Band> loss{{.penalty = {-1, 0}}};
      },
      {"Band::same is -1"});
  using OneSidedBand = ldmat::OneSided<ldmat::Band>;
  refused(
      [] {
        ldmat::Loss<double, ldmat::Euclidean, OneSidedBand> loss{{.penalty = {{0, -1}}}};
      },
      {"Band::different is -1"});
}

TEST_CASE_FIXTURE(Fixture, "what is per pair of classes needs class ids") {
  const Matrix vectors = Matrix::Random(6, 2);
  ldmat::Loss<double> table{{.class_table = Matrix::Zero(3, 3)}};
  refused([&] { table(features, vectors, gradient); }, {"labels are label vectors", "class ids"});
  ldmat::Loss<double> weights{{.weights = ldmat::weight_table(Matrix::Ones(3, 3))}};
  const Matrix target = Matrix::Zero(6, 6);
  refused([&] { weights(features, ldmat::target_matrix(target), gradient); },
          {"target_matrix", "class ids"});
  CHECK(untouched());
}

TEST_CASE_FIXTURE(Fixture, "a state of running distances that does not fit is refused") {
  ldmat::Loss<double> adaptive{{.classes = 3, .regularizer = ldmat::adaptive(0.5)}};
  ldmat::RunningDistances state = adaptive.running_distances();
  state.distance.resize(2, 2);
  refused([&] { adaptive.restore(state); }, {"RunningDistances is 2 x 2", "3 x 3"});
  state = adaptive.running_distances();
  state.distance(1, 2) = std::nan("");
  refused([&] { adaptive.restore(state); }, {"RunningDistances(1, 2) is nan"});
  state = adaptive.running_distances();
  state.distance(1, 2) = 1;
  refused([&] { adaptive.restore(state); }, {"RunningDistances(1, 2) is 1", "symmetric"});
  refused([&] { loss.restore(adaptive.running_distances()); }, {"3 x 3", "0 x 0"});
  ids[0] = 7;
  refused([&] { adaptive(features, ids, gradient); }, {"labels[0] is 7"});
  CHECK(adaptive.running_distances().batches.sum() == 0);
  CHECK(untouched());
}

TEST_CASE_FIXTURE(Fixture, "whole-matrix functions refuse what does not fit") {
  Matrix wrong = Matrix::Constant(5, 6, 42);
  refused([&] { ldmat::feature_distances(features, wrong); }, {"distances is 5 x 6", "6 x 6"});
  refused([&] { ldmat::label_distances(ids, wrong, 1.0); }, {"distances is 5 x 6", "6 x 6"});
  CHECK(wrong == Matrix::Constant(5, 6, 42));
  refused([&] { ldmat::label_distances(ids, -1.0); }, {"class_distance is -1"});
  refused([&] { ldmat::label_distances(ids, ldmat::ClassTable{}); }, {"ClassTable is empty"});
  refused([&] { ldmat::label_distances(ids, ldmat::ClassTable{Matrix::Zero(2, 2)}); },
          {"labels[2] is 2", "between 0 and 1"});
  const Matrix l = ldmat::label_distances(ids);
  refused([&] { ldmat::regularize(wrong, ldmat::none()); }, {"label_distances is 5 x 6", "square"});
  refused([&] { ldmat::regularize(l, ldmat::shrink(2)); }, {"between 0 and 1"});
  refused([&] { ldmat::regularize(l, ldmat::adaptive(0.5)); }, {"adaptive", "Loss"});
  Matrix p = Matrix::Identity(6, 6);
  p(3, 3) = 0.5;
  refused([&] { ldmat::regularize(l, ldmat::affinity(p, 0.5)); }, {"row 3 of affinity", "0.5"});
  p(3, 3) = 2;
  p(3, 4) = -1;
  refused([&] { ldmat::regularize(l, ldmat::affinity(p, 0.5)); },
          {"row 3 of affinity", "negative"});
  const Matrix small = Matrix::Identity(5, 5);
  refused([&] { ldmat::regularize(l, ldmat::affinity(small, 0.5)); },
          {"affinity is 5 x 5", "6 x 6"});
  const Matrix identity = Matrix::Identity(6, 6);
  refused([&] { ldmat::regularize(l, ldmat::affinity(identity, -1)); }, {"strength is -1"});
  Matrix big = Matrix::Zero(7, 7);
  refused(
      [&] {
        ldmat::regularize(big.topLeftCorner(6, 6), ldmat::none(), big.bottomRightCorner(6, 6));
      },
      {"target overlaps"});
}
