// refused: ldmat: features must be a matrix in memory
#include <ldmat/retrieval.hpp>

#include <vector>

double precision(const Eigen::MatrixXf& features, const std::vector<int>& labels) {
#if defined(LDMAT_MUST_FAIL)
  return ldmat::retrieval(2 * features, labels).precision_at_1;
#else
  return ldmat::retrieval((2 * features).eval(), labels).precision_at_1;
#endif
}
