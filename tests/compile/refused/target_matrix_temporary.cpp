// refused: NeedsAVariableNotATemporary
#include <ldmat/ldmat.hpp>

double value(const Eigen::MatrixXf& features) {
  ldmat::Loss<float> loss;
#if defined(LDMAT_MUST_FAIL)
  return loss(features, ldmat::target_matrix(Eigen::MatrixXf(2, 2))).value;
#else
  const Eigen::MatrixXf target(2, 2);
  return loss(features, ldmat::target_matrix(target)).value;
#endif
}
