// refused: ldmat: a regularizer needs V operator
#include <ldmat/ldmat.hpp>

#include <vector>

struct Mine {
#if !defined(LDMAT_MUST_FAIL)
  template <class V>
  V operator()(ldmat::LabelPair<V> pair) const {
    return pair.distance;
  }
#endif
  bool uses_mean() const {
    return false;
  }
  bool uses_running() const {
    return false;
  }
  void validate() const {}
};

double value(const Eigen::MatrixXf& features, const std::vector<int>& labels) {
  ldmat::Loss<float, ldmat::Euclidean, ldmat::Squared, Mine> loss;
  return loss(features, labels).value;
}
