#pragma once

/// Compile-time switches, each of them optional:
///
///   LDMAT_HOST_DEVICE   what stands before every policy's call operator. Defined here: nothing for
///                       a C++ compiler, `__host__ __device__` for nvcc, so that metrics, targets
///                       and penalties run the same text on both.
///   LDMAT_DISPATCH      defined by the CMake target ldmat::dispatch: kernels for several instruction
///                       sets, chosen at run time (ldmat/dispatch/dispatch.hpp).
///   LDMAT_TORCH_CUDA    set by who builds with LibTorch and a CUDA backend: tensors on a GPU are
///                       computed there (ldmat/torch/loss.hpp).
///   -fopenmp            or what the compiler calls it: large batches are computed on several
///                       threads (LossOptions::threads).
///   -fno-exceptions     ldmat then prints the message it would have thrown and calls std::abort.
///   -ffast-math         arguments are checked as without it, and NaN and infinite features are found
///                       by `check_finite`; without that they give any result.
///
/// All other macros of ldmat, which nobody else should use, begin with LDMAT_ too.

#include <ldmat/version.hpp>

/// What stands before the functions of policies.
#if defined(__CUDACC__)
#define LDMAT_HOST_DEVICE __host__ __device__
#else
#define LDMAT_HOST_DEVICE
#endif

// Register tiles and the steps of a pack only make sense inlined, also where a compiler thinks a
// function too long.
#if defined(_MSC_VER) && !defined(__clang__)
#define LDMAT_ALWAYS_INLINE __forceinline
#define LDMAT_ALWAYS_INLINE_LAMBDA
#else
#define LDMAT_ALWAYS_INLINE __attribute__((always_inline)) inline
#define LDMAT_ALWAYS_INLINE_LAMBDA __attribute__((always_inline))
#endif
