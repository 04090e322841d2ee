// refused: ldmat: Loss<Scalar> needs float, double, Eigen::half or Eigen::bfloat16
#include <ldmat/ldmat.hpp>

#if defined(LDMAT_MUST_FAIL)
using Scalar = int;
#else
using Scalar = float;
#endif

const ldmat::Loss<Scalar>::Options& options(const ldmat::Loss<Scalar>& loss) {
  return loss.options();
}
