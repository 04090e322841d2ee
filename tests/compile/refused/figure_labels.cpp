// refused: ldmat: labels must be class ids
#include <ldmat/quality.hpp>

#include <string>
#include <vector>

double ratio(const Eigen::MatrixXf& features) {
#if defined(LDMAT_MUST_FAIL)
  const std::vector<std::string> labels{"cat", "dog"};
#else
  const std::vector<int> labels{0, 1};
#endif
  return ldmat::class_spread(features, labels).min_ratio;
}
