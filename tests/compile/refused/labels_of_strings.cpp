// refused: ldmat: labels must be class ids .a range or Eigen vector of integers or enums.
#include <ldmat/ldmat.hpp>

#include <string>
#include <vector>

double value(const Eigen::MatrixXf& features) {
#if defined(LDMAT_MUST_FAIL)
  const std::vector<std::string> labels{"cat", "dog"};
#else
  const std::vector<int> labels{0, 1};
#endif
  ldmat::Loss<float> loss;
  return loss(features, labels).value;
}
