// With -fno-exceptions ldmat works, and what it would have thrown it prints before it aborts. Without
// an argument the program checks the former, with one it shows the latter.
#include "batch.hpp"

#include <cstdio>

#if defined(__cpp_exceptions)
#error "this is to be compiled with -fno-exceptions"
#endif

int main(int argc, char**) {
  if (argc > 1) {
    const Eigen::MatrixXf features = Eigen::MatrixXf::Ones(3, 2);
    ldmat::Loss<float> loss;
    loss(features, std::vector<int>{0, 1});
    return 0;
  }
  const double error = largest_error();
  std::printf("largest error %g\n", error);
  return error < 1e-5 ? 0 : 1;
}
