#include <ldmat/ldmat.hpp>

#include <cstdlib>
#include <iostream>

// Two samples of different classes, 5 apart where 1 is asked for: the loss is (5 - 1)^2.
int main() {
  const Eigen::MatrixXf features{{0, 0}, {3, 4}};
  const Eigen::ArrayXi labels{{0, 1}};
  ldmat::Loss<float> loss{{.class_distance = 1.0}};
  Eigen::MatrixXf gradient;
  const auto result = loss(features, labels, gradient);
  std::cout << "loss " << result.value << " over " << result.pairs << " pairs\n";
  return result.value > 15.999 && result.value < 16.001 ? EXIT_SUCCESS : EXIT_FAILURE;
}
