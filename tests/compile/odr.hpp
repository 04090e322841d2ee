#pragma once

#include <Eigen/Core>

/// The largest error of one unit's kernels, and the scalars in the packs that they use.
struct OdrUnit {
  double error;
  int width;
};
OdrUnit odr_unoptimized();
OdrUnit odr_native();
OdrUnit odr_openmp();
