// refused: ldmat: gradient must be a writable matrix in memory
#include <ldmat/ldmat.hpp>

#include <vector>

double value(const Eigen::MatrixXf& features, const std::vector<int>& labels,
             Eigen::MatrixXf& gradient) {
  ldmat::Loss<float> loss;
#if defined(LDMAT_MUST_FAIL)
  return loss(features, labels, -gradient).value;
#else
  return loss(features, labels, gradient.topRows(2)).value;
#endif
}
