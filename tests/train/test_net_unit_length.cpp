#include "test_net_check.hpp"

using namespace tiny_test;
using tiny::Mode;
using tiny::Rng;
using tiny::UnitLength;

TEST_CASE("unit length: lengths, directions and gradients") {
  Rng rng(1);
  for (const Index dim : {2, 3, 64}) {
    UnitLength<double> layer({dim, 1, 1});
    const Matrix x = random_matrix(7, dim, rng) * 3;
    Matrix y;
    layer.forward(x, y, Mode::evaluate);
    for (Index i = 0; i < 7; ++i) {
      CHECK(y.row(i).norm() == doctest::Approx(1).epsilon(1e-14));
      CHECK((y.row(i) * x.row(i).norm() - x.row(i)).norm() < 1e-13 * x.row(i).norm());
    }
    check_layer(layer, x, rng);
  }
}

TEST_CASE("unit length: of one number the sign is left, without gradient") {
  UnitLength<double> layer({1, 1, 1});
  Matrix x(2, 1), y, dx;
  x << -3, 0.5;
  layer.forward(x, y, Mode::train);
  CHECK(y(0, 0) == -1);
  CHECK(y(1, 0) == 1);
  layer.backward(x, y, Matrix::Ones(2, 1), &dx);
  CHECK(dx == Matrix::Zero(2, 1));
  layer.backward(x, y, Matrix::Ones(2, 1), nullptr);
}

TEST_CASE("unit length: samples without a direction, very short and very long ones") {
  UnitLength<float> layer({2, 1, 1});
  tiny::Matrix<float> x(5, 2), y, dx;
  x << 0, 0, 1e-20f, 1e-20f, 3e-11f, 4e-11f, 3e30f, -4e30f, 3, 4;
  layer.forward(x, y, Mode::train);
  CHECK(y.topRows(2) == tiny::Matrix<float>::Zero(2, 2));
  for (const Index i : {2, 3, 4}) {
    CHECK(y(i, 0) == doctest::Approx(0.6f));
    CHECK(std::abs(y(i, 1)) == doctest::Approx(0.8f));
  }
  layer.backward(x, y, tiny::Matrix<float>::Ones(5, 2), &dx);
  CHECK(dx.allFinite());
  CHECK(dx.topRows(2) == tiny::Matrix<float>::Zero(2, 2));
  CHECK(dx(4, 0) == doctest::Approx((1 - 0.6 * 1.4) / 5));

  x(0, 0) = std::nanf("");  // is not hidden
  layer.forward(x, y, Mode::train);
  CHECK(std::isnan(y(0, 0)));
}

TEST_CASE("the last layer of both networks is the one asked for") {
  using tiny::LastLayer;
  Rng rng(2);
  const Matrix x = random_matrix(6, 3 * 16 * 16, rng);
  for (const auto last : {LastLayer::dense, LastLayer::unit_length, LastLayer::batch_norm}) {
    for (auto net : {0, 1}) {
      auto network = net == 0 ? tiny::lenet<double>({3, 16, 16}, 4, rng, last)
                              : tiny::resnet<double>({3, 16, 16}, 4, rng, last);
      CHECK(network.features() == 4);
      const Matrix y = network.forward(x, Mode::evaluate);
      const bool all_one = (y.rowwise().norm().array() - 1).abs().maxCoeff() < 1e-12;
      CHECK(all_one == (last == LastLayer::unit_length));

      const Matrix trained = network.forward(x, Mode::train);
      const Matrix centred = trained.rowwise() - trained.colwise().mean();
      const Matrix variance = centred.array().square().colwise().mean();
      const bool standard = trained.colwise().mean().cwiseAbs().maxCoeff() < 1e-12 &&
                            (variance.array() - 1).abs().maxCoeff() < 0.01;
      CHECK(standard == (last == LastLayer::batch_norm));
    }
  }
}
