// refused: NeedsAVariableNotATemporary
#include <ldmat/ldmat.hpp>

double value(const Eigen::MatrixXf& features) {
  ldmat::Loss<float> loss;
#if defined(LDMAT_MUST_FAIL)
  return loss(features, ldmat::label_vectors(Eigen::MatrixXf(features * 2))).value;
#else
  const Eigen::MatrixXf labels = features * 2;
  return loss(features, ldmat::label_vectors(labels)).value;
#endif
}
