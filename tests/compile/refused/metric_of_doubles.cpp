// refused: ldmat: the functions of a metric must be templates
#include <ldmat/ldmat.hpp>

#include <vector>

#if defined(LDMAT_MUST_FAIL)
#else
#endif

struct Mine : ldmat::SquaredDifferences {
  static constexpr bool of_directions = false;
#if defined(LDMAT_MUST_FAIL)
  double distance(double sum) const {
    return sum;
  }
#else
  template <class V>
  V distance(V sum) const {
    return sum;
  }
#endif
  template <class V>
  V slope(V /*distance*/) const {
    return ldmat::math::constant<V>(2);
  }
};

double value(const Eigen::MatrixXd& features, const std::vector<int>& labels) {
  ldmat::Loss<double, Mine> loss;
  return loss(features, labels).value;
}
