// Prints the limits that bench_loss compares with.

#include "limits.hpp"

#include <cstdio>

namespace {

void print(const char* scalar, const ldmat::bench::Limit& limit) {
  std::printf("%-6s  square product: %6.1f Gop/s   pair in two dimensions: %.3f ns\n", scalar,
              limit.operations_per_second * 1e-9, limit.seconds_per_pair * 1e9);
}

}  // namespace

int main() {
  print("float", ldmat::bench::limits().single_precision);
  print("double", ldmat::bench::limits().double_precision);
}
