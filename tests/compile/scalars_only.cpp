// Where xsimd knows no instruction set (here because it is told so) kernels use plain numbers.
#include "batch.hpp"

#include <cstdio>
#include <type_traits>

static_assert(std::is_same_v<ldmat::detail::Pack<float, ldmat::detail::DefaultArch>, float>);

int main() {
  const double error = largest_error();
  std::printf("largest error %g\n", error);
  return error < 1e-5 ? 0 : 1;
}
