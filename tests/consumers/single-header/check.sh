# It has what ldmat.hpp leaves to quality.hpp and retrieval.hpp, compiles without warnings, may be included in
# several files of one program, and refuses what it has not.
cat >second.cpp <<'END'
#include "ldmat_single.hpp"
#include "ldmat_single.hpp"

double ratio(const Eigen::MatrixXf& features, const Eigen::ArrayXi& labels);
double ratio(const Eigen::MatrixXf& features, const Eigen::ArrayXi& labels) {
  return ldmat::class_spread(features, labels).min_ratio +
         ldmat::retrieval(features, labels).precision_at_1;
}
END
c++ -std=c++20 -O0 -isystem /usr/include/eigen3 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
    main.cpp second.cpp -o two
./two
if c++ -std=c++20 -DLDMAT_DISPATCH -fsyntax-only -isystem /usr/include/eigen3 second.cpp 2>errors.txt; then
  exit 1
fi
grep 'no compiled kernels' errors.txt
