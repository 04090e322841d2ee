// refused: ldmat: features must be a matrix in memory .* evaluate an expression with .eval
#include <ldmat/ldmat.hpp>

#include <vector>

double value(const Eigen::MatrixXf& features, const std::vector<int>& labels) {
  ldmat::Loss<float> loss;
#if defined(LDMAT_MUST_FAIL)
  return loss(2 * features, labels).value;
#else
  return loss((2 * features).eval(), labels).value;
#endif
}
