#pragma once

#include <ldmat/kernel/halves.hpp>
#include <ldmat/kernel/packed.hpp>

/// What a Loss computes with. A template parameter of everything that depends on it, so that files
/// compiled with different flags share no code.

namespace ldmat::detail {

/// The instruction set, and whether OpenMP threads may be started, that the including file is
/// compiled for.
template <class Isa, bool Threads>
struct Backend {
  using Arch = Isa;
  static constexpr bool threads = Threads;

  static int thread_count(int asked, Index n, Index width, Index blocks) noexcept {
    return detail::thread_count<threads>(asked, n, width, blocks);
  }
  template <bool WithGradient, class T, Metric M, Penalty P, class Target>
  static PairSums sums(const PackedBatch<T>& batch, const M& metric, const P& penalty,
                       const Target& target) noexcept {
    return packed_sums<Backend, WithGradient>(batch, metric, penalty, target);
  }
  template <HalfKind Kind>
  static Index widen(Index count, const std::uint16_t* from, float* to) noexcept {
    return detail::widen<Arch, Kind>(count, from, to);
  }
  template <HalfKind Kind>
  static Index narrow(Index count, const float* from, std::uint16_t* to) noexcept {
    return detail::narrow<Arch, Kind>(count, from, to);
  }
};

#if defined(_OPENMP)
using OwnBackend = Backend<DefaultArch, true>;
#else
using OwnBackend = Backend<DefaultArch, false>;
#endif

}  // namespace ldmat::detail

#if defined(LDMAT_DISPATCH)
#include <ldmat/dispatch/dispatch.hpp>

namespace ldmat::detail {

/// The kernels of ldmat::dispatch, or this file's own for policies that are not compiled there.
struct Dispatched {
  using Arch = OwnBackend::Arch;  // of what is not dispatched

  static int thread_count(int asked, Index n, Index width, Index blocks) noexcept {
    return dispatched_threads(asked, n, width, blocks);
  }

  template <bool WithGradient, class T, class M, class P, class Target>
  static PairSums sums(const PackedBatch<T>& batch, const M& metric, const P& penalty,
                       const Target& target) noexcept {
    if constexpr (compiled<T, M, P, Target>) {
      switch (next_call()) {
#if defined(__x86_64__) || defined(_M_X64)
        case InstructionSet::avx512:
          return compiled_sums<CompiledFor<InstructionSet::avx512>, WithGradient>(batch, metric,
                                                                                  penalty, target);
        case InstructionSet::avx2:
          return compiled_sums<CompiledFor<InstructionSet::avx2>, WithGradient>(batch, metric,
                                                                                penalty, target);
#endif
        default:
          return compiled_sums<CompiledFor<InstructionSet::baseline>, WithGradient>(
              batch, metric, penalty, target);
      }
    } else {
      PackedBatch<T> alone = batch;
      alone.threads = OwnBackend::threads ? batch.threads : 1;
      return OwnBackend::sums<WithGradient>(alone, metric, penalty, target);
    }
  }

  template <HalfKind Kind>
  static Index widen(Index count, const std::uint16_t* from, float* to) noexcept {
    return dispatched_halves(Kind, count, from, to);
  }
  template <HalfKind Kind>
  static Index narrow(Index count, const float* from, std::uint16_t* to) noexcept {
    return dispatched_halves(Kind, count, from, to);
  }
};

using DefaultBackend = Dispatched;

}  // namespace ldmat::detail
#else
namespace ldmat::detail {
using DefaultBackend = OwnBackend;
}
#endif
