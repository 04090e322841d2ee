// refused: ldmat: a metric needs accumulate, distance, slope
#include <ldmat/ldmat.hpp>

#include <vector>

struct Mine : ldmat::SquaredDifferences {
  static constexpr bool of_directions = false;
  template <class V>
  V distance(V sum) const {
    return sum;
  }
#if !defined(LDMAT_MUST_FAIL)
  template <class V>
  V slope(V /*distance*/) const {
    return ldmat::math::constant<V>(2);
  }
#endif
};

double value(const Eigen::MatrixXf& features, const std::vector<int>& labels) {
  ldmat::Loss<float, Mine> loss;
  return loss(features, labels).value;
}
