#include "eval/centroid.hpp"
#include "eval/gaussian.hpp"
#include "eval/neighbours.hpp"
#include "eval/scores.hpp"
#include "train/test_eval_support.hpp"

#include <ldmat/retrieval.hpp>

#include <Eigen/LU>
#include <doctest/doctest.h>

#include <array>
#include <cmath>

using namespace test;

namespace {

/// The distances of a query to all of the gallery, and their order, by plain loops.
std::vector<std::size_t> order_by_distance(const tiny::FeatureSet& gallery,
                                           const tiny::RowMatrix<float>& queries, Eigen::Index q) {
  std::vector<std::pair<double, std::size_t>> distances;
  for (Eigen::Index i = 0; i < gallery.features.rows(); ++i) {
    double sum = 0;
    for (Eigen::Index k = 0; k < queries.cols(); ++k) {
      const double difference = double{gallery.features(i, k)} - double{queries(q, k)};
      sum += difference * difference;
    }
    distances.emplace_back(sum, static_cast<std::size_t>(i));
  }
  std::ranges::sort(distances);
  std::vector<std::size_t> order;
  for (const auto& [distance, index] : distances) order.push_back(index);
  return order;
}

/// The discriminant of one class, by the formula as it stands in books, with inverse and determinant.
double plain_discriminant(const tiny::FeatureSet& gallery, int label, double added,
                          const Eigen::VectorXd& x) {
  std::vector<Eigen::VectorXd> members;
  for (std::size_t i = 0; i < gallery.labels.size(); ++i) {
    if (gallery.labels[i] != label) continue;
    members.emplace_back(
        gallery.features.row(static_cast<Eigen::Index>(i)).cast<double>().transpose());
  }
  const auto n = static_cast<double>(members.size());
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(x.size());
  for (const auto& member : members) mean += member / n;
  Eigen::MatrixXd covariance = added * Eigen::MatrixXd::Identity(x.size(), x.size());
  for (const auto& member : members) {
    covariance += (member - mean) * (member - mean).transpose() / n;
  }
  const double quadratic = (x - mean).dot(covariance.inverse() * (x - mean));
  return std::log(n / static_cast<double>(gallery.labels.size())) -
         std::log(covariance.determinant()) / 2 - quadratic / 2;
}

/// The mean variance of a feature around its class's mean.
double variance_within(const tiny::FeatureSet& set) {
  double sum = 0;
  for (const int label : tiny::occurring_classes(set.labels)) {
    for (Eigen::Index k = 0; k < set.features.cols(); ++k) {
      double total = 0;
      double squares = 0;
      double n = 0;
      for (std::size_t i = 0; i < set.labels.size(); ++i) {
        if (set.labels[i] != label) continue;
        const double x = set.features(static_cast<Eigen::Index>(i), k);
        total += x;
        squares += x * x;
        n += 1;
      }
      sum += squares - total * total / n;
    }
  }
  return sum / static_cast<double>(set.features.size());
}

}  // namespace

TEST_CASE("the nearest centroid is the library's, and of equal ones the lowest label") {
  for (const Eigen::Index d : {1, 2, 17}) {
    const double width = d < 10 ? 1.5 : 4;
    const auto gallery = clouds(150, d, 5, width, 1);
    const auto queries = clouds(120, d, 5, width, 2);
    const auto predicted = tiny::predict_by_centroid(gallery, queries.features);
    const double share = tiny::accuracy(predicted, queries.labels);
    CHECK(share == doctest::Approx(ldmat::nearest_centroid_accuracy(
                       gallery.features, gallery.labels, queries.features, queries.labels)));
    CHECK(share > 0.3);
    CHECK(share < 1);
  }
  tiny::FeatureSet two{tiny::RowMatrix<float>(2, 1), {9, 4}};
  two.features << -1, 1;
  tiny::RowMatrix<float> queries(3, 1);
  queries << 0, -0.5, 0.5;
  CHECK(tiny::predict_by_centroid(two, queries) == std::vector<int>{4, 9, 4});
}

TEST_CASE("leaving a sample out of its own class's centre is done for each sample") {
  const auto set = clouds(60, 3, 4, 1.2, 3);
  double right = 0;
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    tiny::FeatureSet others{tiny::RowMatrix<float>(set.features.rows() - 1, 3), {}};
    Eigen::Index row = 0;
    for (std::size_t j = 0; j < set.labels.size(); ++j) {
      if (j == i) continue;
      others.features.row(row++) = set.features.row(static_cast<Eigen::Index>(j));
      others.labels.push_back(set.labels[j]);
    }
    const tiny::RowMatrix<float> query = set.features.row(static_cast<Eigen::Index>(i));
    right += tiny::predict_by_centroid(others, query).front() == set.labels[i] ? 1 : 0;
  }
  CHECK(right > 20);
  CHECK(right < 60);
  CHECK(tiny::leave_one_out_centroid(set) == doctest::Approx(right / 60));

  // The only one of its class has no centre but itself; of the class 0, -1 is nearer to 3 than to 9.
  tiny::FeatureSet line{tiny::RowMatrix<float>(3, 1), {0, 0, 1}};
  line.features << -1, 9, 3;
  CHECK(tiny::leave_one_out_centroid(line) == 0);
  line.features << -1, 2, 30;
  CHECK(tiny::leave_one_out_centroid(line) == doctest::Approx(2.0 / 3));
  CHECK(tiny::leave_one_out_centroid({}) == 0);
}

TEST_CASE("neighbours are those of a search through all, and votes the library's") {
  for (const Eigen::Index d : {1, 2, 3, 16, 65}) {
    CAPTURE(d);
    const auto gallery = clouds(400, d, 6, 2.0, 4);
    const auto queries = clouds(150, d, 6, 2.0, 5);
    const tiny::Neighbours neighbours(gallery, queries.features, 9);
    for (const std::size_t k : {1u, 2u, 5u, 9u}) {
      const auto predicted = neighbours.vote(k);
      CHECK(tiny::accuracy(predicted, queries.labels) ==
            doctest::Approx(ldmat::knn_accuracy(gallery.features, gallery.labels, queries.features,
                                                queries.labels, static_cast<ldmat::Index>(k))));
      for (Eigen::Index q = 0; q < queries.features.rows(); ++q) {
        const auto order = order_by_distance(gallery, queries.features, q);
        std::array<int, 6> votes{};
        for (std::size_t i = 0; i < k; ++i) {
          ++votes[static_cast<std::size_t>(gallery.labels[order[i]])];
        }
        int winner = -1;  // the class with most votes whose voter comes first
        for (std::size_t i = 0; i < k && winner < 0; ++i) {
          const int label = gallery.labels[order[i]];
          if (votes[static_cast<std::size_t>(label)] == std::ranges::max(votes)) winner = label;
        }
        CHECK(predicted[static_cast<std::size_t>(q)] == winner);
      }
    }
  }
}

TEST_CASE("samples that coincide, and as many neighbours as there are, are no trouble") {
  tiny::FeatureSet gallery{tiny::RowMatrix<float>::Zero(100, 3), std::vector<int>(100, 7)};
  const tiny::RowMatrix<float> queries = tiny::RowMatrix<float>::Ones(4, 3);
  CHECK(tiny::Neighbours(gallery, queries, 100).vote(100) == std::vector<int>(4, 7));
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::Neighbours(gallery, queries, 101); }),
            {"101", "1 to the size of the gallery, 100"}));
  CHECK_THROWS_AS(tiny::Neighbours(gallery, queries, 0), std::invalid_argument);
  CHECK_THROWS_AS(tiny::Neighbours(gallery, queries, 3).vote(4), std::invalid_argument);
  CHECK_THROWS_AS(tiny::Neighbours(gallery, queries, 3).vote(0), std::invalid_argument);
}

TEST_CASE("features whose squared distances are infinite are refused, not voted on") {
  auto gallery = clouds(40, 2, 3, 0.1, 1);
  gallery.features *= 3e19f / gallery.features.cwiseAbs().maxCoeff();
  CHECK(gallery.features.allFinite());
  // Of a sample's own class they are finite, but not of all.
  CHECK(tiny::Neighbours(gallery, gallery.features, 5).vote(5) == gallery.labels);
  CHECK_THROWS_WITH_AS(tiny::Neighbours(gallery, gallery.features, gallery.labels.size()),
                       doctest::Contains("too large for float"), std::invalid_argument);
}

TEST_CASE("the normal distributions are those of the plain formula") {
  for (const Eigen::Index d : {1, 2, 5}) {
    for (const double ridge : {1e-6, 0.01, 1.0}) {
      CAPTURE(d);
      CAPTURE(ridge);
      auto gallery = clouds(200, d, 4, 1.0, 6);
      // Of different size, width and direction.
      for (std::size_t i = 0; i < gallery.labels.size(); ++i) {
        if (i % 8 == 1) gallery.labels[i] = 0;
        const auto row = static_cast<Eigen::Index>(i);
        if (gallery.labels[i] == 2) gallery.features.row(row) *= 3;
        if (gallery.labels[i] == 3) gallery.features(row, 0) += gallery.features(row, d - 1);
      }
      const auto queries = clouds(200, d, 4, 2.0, 7);
      const auto predicted = tiny::GaussianClassifier(gallery, ridge)(queries.features);
      const double added = ridge * variance_within(gallery);
      for (Eigen::Index q = 0; q < queries.features.rows(); ++q) {
        const Eigen::VectorXd x = queries.features.row(q).cast<double>().transpose();
        int best = 0;
        for (int label = 1; label < 4; ++label) {
          if (plain_discriminant(gallery, label, added, x) >
              plain_discriminant(gallery, best, added, x)) {
            best = label;
          }
        }
        CHECK(predicted[static_cast<std::size_t>(q)] == best);
      }
    }
  }
}

TEST_CASE("a narrow class within a wide one is told apart, and the prior counts") {
  tiny::FeatureSet gallery{tiny::RowMatrix<float>(8, 1), {1, 1, 1, 1, 5, 5, 5, 5}};
  gallery.features << -0.1f, 0.1f, -0.1f, 0.1f, -4, 4, -3, 3;  // both have the mean 0
  tiny::RowMatrix<float> queries(3, 1);
  queries << 0.0f, 1.5f, -1.5f;
  CHECK(tiny::GaussianClassifier(gallery, 1e-6)(queries) == std::vector<int>{1, 5, 5});
  // Of two classes of equal width the one with more samples reaches beyond the middle.
  tiny::FeatureSet uneven{tiny::RowMatrix<float>(6, 1), {0, 0, 0, 0, 1, 1}};
  uneven.features << -2, 0, -2, 0, 0, 2;
  queries << 0.1f, -0.1f, 1.0f;
  CHECK(tiny::GaussianClassifier(uneven, 1e-6)(queries) == std::vector<int>{0, 0, 1});
}

TEST_CASE("classes of one sample, or without width, still have a distribution") {
  tiny::FeatureSet gallery{tiny::RowMatrix<float>(3, 4), {3, 8, 8}};
  gallery.features << 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1;
  const tiny::RowMatrix<float> queries = gallery.features;
  const tiny::GaussianClassifier classifier(gallery);
  CHECK(classifier(queries) == gallery.labels);
  CHECK_THROWS_AS(tiny::GaussianClassifier(gallery, 0.0), std::invalid_argument);
  CHECK_THROWS_AS(classifier(tiny::RowMatrix<float>::Zero(1, 3)), std::invalid_argument);
}

TEST_CASE("errors outside of the superclass are counted among all predictions") {
  const std::vector<int> coarse{0, 0, 1, 1, 2};
  const std::vector<int> actual{0, 0, 2, 4, 3};
  CHECK(tiny::outside_superclass({0, 1, 3, 3, 0}, actual, coarse) == doctest::Approx(0.4));
  CHECK(tiny::accuracy({0, 1, 3, 3, 0}, actual) == doctest::Approx(0.2));
  CHECK(tiny::outside_superclass(actual, actual, coarse) == 0);
  CHECK(tiny::accuracy({}, {}) == 0);
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::accuracy({0}, actual); }),
            {"1 predictions for 5 labels"}));
  CHECK_THROWS_AS(tiny::outside_superclass({5}, {0}, coarse), std::out_of_range);
}

TEST_CASE("every classifier refuses a gallery that does not fit") {
  const auto gallery = clouds(10, 2, 2, 1.0, 8);
  const tiny::RowMatrix<float> wide = tiny::RowMatrix<float>::Zero(1, 3);
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::predict_by_centroid(gallery, wide); }),
            {"3 columns", "gallery has 2"}));
  CHECK_THROWS_AS(tiny::Neighbours(gallery, wide, 1), std::invalid_argument);
  auto fewer = gallery;
  fewer.labels.pop_back();
  CHECK(has(message_of<std::invalid_argument>([&] { tiny::GaussianClassifier{fewer}; }),
            {"10 rows", "9 labels"}));
  CHECK_THROWS_AS(tiny::predict_by_centroid({}, {}), std::invalid_argument);
}
