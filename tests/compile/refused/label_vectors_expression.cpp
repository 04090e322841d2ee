// refused: NeedsAMatrixInMemory
#include <ldmat/ldmat.hpp>

double value(const Eigen::MatrixXf& features, const Eigen::MatrixXf& targets) {
  ldmat::Loss<float> loss;
#if defined(LDMAT_MUST_FAIL)
  return loss(features, ldmat::label_vectors(2 * targets)).value;
#else
  return loss(features, ldmat::label_vectors(targets.leftCols(2))).value;
#endif
}
