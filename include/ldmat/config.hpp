#pragma once

/// Compile-time switches, each of them optional:
///
///   LDMAT_HOST_DEVICE   what stands before every policy's call operator. Defined here: nothing for
///                       a C++ compiler, `__host__ __device__` for nvcc, so that metrics, targets
///                       and penalties run the same text on both.
///   -fno-exceptions     ldmat then prints the message it would have thrown and calls std::abort.

#include <ldmat/version.hpp>

#if defined(__CUDACC__)
#define LDMAT_HOST_DEVICE __host__ __device__
#else
#define LDMAT_HOST_DEVICE
#endif
