// refused: ldmat: the call operator of a penalty must be a template
#include <ldmat/ldmat.hpp>

#include <vector>

struct Mine {
#if defined(LDMAT_MUST_FAIL)
  ldmat::Penalized<double> operator()(double residual, bool /*same*/) const {
    return {residual * residual, residual + residual};
  }
#else
  template <class V, class M>
  ldmat::Penalized<V> operator()(V residual, M /*same*/) const {
    return {residual * residual, residual + residual};
  }
#endif
};

double value(const Eigen::MatrixXd& features, const std::vector<int>& labels) {
  ldmat::Loss<double, ldmat::Euclidean, Mine> loss;
  return loss(features, labels).value;
}
