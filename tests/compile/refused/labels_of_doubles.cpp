// refused: ldmat: labels must be class ids .* cast it to integers or wrap it in label_vectors
#include <ldmat/ldmat.hpp>

#include <vector>

double value(const Eigen::MatrixXf& features) {
#if defined(LDMAT_MUST_FAIL)
  const std::vector<double> labels{0, 1};
#else
  const std::vector<int> labels{0, 1};
#endif
  ldmat::Loss<float> loss;
  return loss(features, labels).value;
}
