// refused: ldmat: distances must be a writable matrix in memory
#include <ldmat/matrix.hpp>

#include <vector>

#if defined(LDMAT_MUST_FAIL)
using Out = const Eigen::MatrixXd;
#else
using Out = Eigen::MatrixXd;
#endif

void distances(const std::vector<int>& labels, Out& out) {
  ldmat::label_distances(labels, out, 1.0);
}
