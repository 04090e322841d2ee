#include <ldmat/ldmat.hpp>

#include <iostream>

int main() {
  // Two samples of different classes, 5 apart where 1 is asked for: the loss is (5 - 1)^2.
  const Eigen::MatrixXf features{{0, 0}, {3, 4}};
  const Eigen::ArrayXi labels{{0, 1}};

  ldmat::Loss<float> loss{{.class_distance = 1.0}};
  Eigen::MatrixXf gradient;
  const auto result = loss(features, labels, gradient);

  std::cout << "ldmat " << LDMAT_VERSION_MAJOR << '.' << LDMAT_VERSION_MINOR << '.'
            << LDMAT_VERSION_PATCH << ": loss " << result.value << '\n';
}
