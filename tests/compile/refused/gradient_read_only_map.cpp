// refused: ldmat: gradient must be a writable matrix in memory .not const
#include <ldmat/ldmat.hpp>

#include <vector>

#if defined(LDMAT_MUST_FAIL)
using Element = const float;
#else
using Element = float;
#endif

double value(const Eigen::MatrixXf& features, const std::vector<int>& labels, Element* gradient) {
  ldmat::Loss<float> loss;
  return loss(features, labels, ldmat::view(gradient, 2, 2)).value;
}
