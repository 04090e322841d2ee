// xtensor: features, labels and gradient stay in xtensor's containers, whole or as strided views.
#include <ldmat/ldmat.hpp>

#include <xtensor/xmath.hpp>
#include <xtensor/xrandom.hpp>
#include <xtensor/xstrided_view.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include <cmath>
#include <iostream>

// A container or strided view of two dimensions, read and written where it is.
template <class X>
auto as_matrix(X& x) {
  return ldmat::view(x.data() + x.data_offset(), static_cast<ldmat::Index>(x.shape(0)),
                     static_cast<ldmat::Index>(x.shape(1)), x.strides()[0], x.strides()[1]);
}

int main() {
  xt::random::seed(1);
  const xt::xtensor<double, 2> features = xt::random::randn<double>({128, 3});
  const xt::xtensor<int, 1> labels = xt::arange<int>(128) / 13;

  ldmat::Loss<double> loss{{.regularizer = ldmat::offset(0.1)}};
  xt::xtensor<double, 2> gradient = xt::zeros_like(features);
  const auto result = loss(as_matrix(features), labels, as_matrix(gradient));
  std::cout << "loss " << result.value << ", gradient of norm "
            << std::sqrt(xt::sum(gradient * gradient)()) << "\n";

  // Every second row of two of the three columns. (Backwards would be refused: a negative stride.)
  const auto part = xt::strided_view(features, {xt::range(0, 128, 2), xt::range(0, 2)});
  const auto part_labels = xt::strided_view(labels, {xt::range(0, 128, 2)});
  const auto of_view = loss(as_matrix(part), part_labels);
  const xt::xtensor<double, 2> copy = part;
  const xt::xtensor<int, 1> copied_labels = part_labels;
  const auto of_copy = loss(as_matrix(copy), copied_labels);
  std::cout << "of a view " << of_view.value << ", of a copy of it " << of_copy.value << "\n";
  const bool in_place = as_matrix(part).data() == &features(0, 0) && of_view.value == of_copy.value;
  return in_place && result.value > 0 ? 0 : 1;
}
