// Files compiled with different flags in one program: each has the kernels of its own instruction set,
// and all are right. An argument says how many kinds of packs there must be.
#include "odr.hpp"

#include <cstdio>
#include <cstdlib>
#include <set>

int main(int argc, char** argv) {
  bool right = true;
  std::set<int> widths;
  for (const OdrUnit unit : {odr_unoptimized(), odr_native(), odr_openmp()}) {
    std::printf("packs of %d floats: largest error %g\n", unit.width, unit.error);
    right = right && unit.error < 1e-5;
    widths.insert(unit.width);
  }
  const int wanted = argc > 1 ? std::atoi(argv[1]) : 1;
  return right && static_cast<int>(widths.size()) == wanted ? 0 : 1;
}
