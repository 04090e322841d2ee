// refused: ldmat: gradient must be a writable matrix in memory .not const
#include <ldmat/ldmat.hpp>

#include <vector>

#if defined(LDMAT_MUST_FAIL)
using Gradient = const Eigen::MatrixXf;
#else
using Gradient = Eigen::MatrixXf;
#endif

double value(const Eigen::MatrixXf& features, const std::vector<int>& labels, Gradient& gradient) {
  ldmat::Loss<float> loss;
  return loss(features, labels, gradient).value;
}
