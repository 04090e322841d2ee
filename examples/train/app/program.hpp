// What the programs of the examples have in common.
#pragma once

#include <ldmat/version.hpp>

#include <string>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tiny::detail {

/// Lets OpenMP use so many threads, 0 for as many as it likes. Returns how many there will be.
inline int use_threads(int wanted) {
#ifdef _OPENMP
  if (wanted > 0) omp_set_num_threads(wanted);
  return omp_get_max_threads();
#else
  (void)wanted;
  return 1;
#endif
}

inline std::string version_text() {
  return std::to_string(LDMAT_VERSION_MAJOR) + "." + std::to_string(LDMAT_VERSION_MINOR) + "." +
         std::to_string(LDMAT_VERSION_PATCH);
}

}  // namespace tiny::detail
