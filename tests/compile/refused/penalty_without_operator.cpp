// refused: ldmat: a penalty needs Penalized<V> operator
#include <ldmat/ldmat.hpp>

#include <vector>

struct Mine {
#if !defined(LDMAT_MUST_FAIL)
  template <class V, class M>
  ldmat::Penalized<V> operator()(V residual, M /*same*/) const {
    return {residual * residual, residual + residual};
  }
#endif
};

double value(const Eigen::MatrixXf& features, const std::vector<int>& labels) {
  ldmat::Loss<float, ldmat::Euclidean, Mine> loss;
  return loss(features, labels).value;
}
