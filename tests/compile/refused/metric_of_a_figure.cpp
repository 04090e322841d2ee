// refused: ldmat: a metric needs accumulate, distance, slope
#include <ldmat/quality.hpp>

#include <vector>

struct Mine : ldmat::SquaredDifferences {
  static constexpr bool of_directions = false;
#if !defined(LDMAT_MUST_FAIL)
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

double ratio(const Eigen::MatrixXf& features, const std::vector<int>& labels) {
  return ldmat::class_spread(features, labels, Mine{}).min_ratio;
}
