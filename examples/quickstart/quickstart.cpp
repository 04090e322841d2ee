#include <ldmat/ldmat.hpp>

#include <iostream>

int main() {
  const Eigen::MatrixXf features = Eigen::MatrixXf::Random(128, 2);  // a batch: 128 samples in 2-D
  const Eigen::ArrayXi labels = Eigen::ArrayXi::LinSpaced(128, 0, 127) / 13;  // classes 0 to 9

  ldmat::Loss<float> loss{{.class_distance = 1.0, .regularizer = ldmat::offset(0.1)}};
  Eigen::MatrixXf gradient;
  const auto result = loss(features, labels, gradient);  // fills dloss/dfeatures, 128 x 2

  std::cout << "loss " << result.value << " over " << result.pairs << " pairs\n";
}
