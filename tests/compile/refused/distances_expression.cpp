// refused: ldmat: distances must be a writable matrix in memory
#include <ldmat/matrix.hpp>

void distances(const Eigen::MatrixXf& features, Eigen::MatrixXf& out) {
#if defined(LDMAT_MUST_FAIL)
  ldmat::feature_distances(features, 2 * out);
#else
  ldmat::feature_distances(features, out.topRows(2));
#endif
}
