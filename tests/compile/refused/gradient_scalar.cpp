// refused: ldmat: gradient must have the scalar type of the Loss
#include <ldmat/ldmat.hpp>

#include <vector>

#if defined(LDMAT_MUST_FAIL)
using Gradient = Eigen::MatrixXd;
#else
using Gradient = Eigen::MatrixXf;
#endif

double value(const Eigen::MatrixXf& features, const std::vector<int>& labels) {
  ldmat::Loss<float> loss;
  Gradient gradient;
  return loss(features, labels, gradient).value;
}
