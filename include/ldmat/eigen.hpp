#pragma once

/// Eigen, without what nvcc has to say of it, which is not news to those who include ldmat.

#if defined(__CUDACC__)
#pragma nv_diagnostic push
#pragma nv_diag_suppress 20012, 20013, 20014, 20015
#endif
#include <Eigen/Core>
#if defined(__CUDACC__)
#pragma nv_diagnostic pop
#endif
