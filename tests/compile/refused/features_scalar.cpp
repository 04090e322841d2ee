// refused: ldmat: features must have the scalar type of the Loss: Loss<float> takes float
#include <ldmat/ldmat.hpp>

#include <vector>

#if defined(LDMAT_MUST_FAIL)
using Matrix = Eigen::MatrixXd;
#else
using Matrix = Eigen::MatrixXf;
#endif

double value(const Matrix& features, const std::vector<int>& labels) {
  ldmat::Loss<float> loss;
  return loss(features, labels).value;
}
