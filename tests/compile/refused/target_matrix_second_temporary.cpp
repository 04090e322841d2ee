// refused: NeedsAVariableNotATemporary
#include <ldmat/ldmat.hpp>

double value(const Eigen::MatrixXf& features, const Eigen::MatrixXf& target) {
  ldmat::Loss<float> loss;
#if defined(LDMAT_MUST_FAIL)
  return loss(features, ldmat::target_matrix(target, Eigen::MatrixXf(2, 2))).value;
#else
  const Eigen::MatrixXf label_distances(2, 2);
  return loss(features, ldmat::target_matrix(target, label_distances)).value;
#endif
}
