# It has what ldmat.hpp leaves to quality.hpp and retrieval.hpp, may be included in several files of one
# program, and refuses what it has not.
printf '#include "ldmat_single.hpp"\n#include "ldmat_single.hpp"\ndouble ratio(const Eigen::MatrixXf& features, const Eigen::ArrayXi& labels) { return ldmat::class_spread(features, labels).min_ratio; }\n' >second.cpp
c++ -std=c++20 -O0 -isystem /usr/include/eigen3 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
    -c second.cpp
sed 's/int main/int other_main/' main.cpp >other.cpp
c++ -std=c++20 -O0 -isystem /usr/include/eigen3 main.cpp other.cpp second.o -o two
./two
if c++ -std=c++20 -DLDMAT_DISPATCH -fsyntax-only -isystem /usr/include/eigen3 second.cpp 2>errors.txt; then
  exit 1
fi
grep 'no compiled kernels' errors.txt
