// refused: NeedsAVariableNotATemporary
#include <ldmat/ldmat.hpp>

Eigen::MatrixXd target(const Eigen::MatrixXd& distances) {
#if defined(LDMAT_MUST_FAIL)
  const auto regularizer = ldmat::affinity(Eigen::MatrixXd(2, 2), 0.5);
#else
  const Eigen::MatrixXd rows(2, 2);
  const auto regularizer = ldmat::affinity(rows, 0.5);
#endif
  return ldmat::regularize(distances, regularizer);
}
