// The kernels of ldmat::dispatch for one instruction set and one accumulator type: compiled several
// times, with LDMAT_COMPILED_FOR and LDMAT_COMPILED_SCALAR saying for what, and the compiler's flags
// agreeing. LDMAT_COMPILED_HALVES: with the conversion of half numbers.

#include <ldmat/dispatch/dispatch.hpp>
#include <ldmat/kernel/halves.hpp>
#include <ldmat/kernel/packed.hpp>

namespace ldmat::detail {
namespace {

struct Own {
  using Arch = DefaultArch;
#if defined(_OPENMP)
  [[maybe_unused]] static constexpr bool threads = true;
#else
  [[maybe_unused]] static constexpr bool threads = false;
#endif
};

}  // namespace

template <class Isa, bool WithGradient, class T, class M, class P, class Target>
PairSums compiled_sums(const PackedBatch<T>& batch, const M& metric, const P& penalty,
                       const Target& target) noexcept {
  return packed_sums<Own, WithGradient>(batch, metric, penalty, target);
}

template <class Isa>
Index compiled_halves(HalfKind kind, Index count, const std::uint16_t* from, float* to) noexcept {
  return kind == HalfKind::ieee ? widen<DefaultArch, HalfKind::ieee>(count, from, to)
                                : widen<DefaultArch, HalfKind::bfloat>(count, from, to);
}
template <class Isa>
Index compiled_halves(HalfKind kind, Index count, const float* from, std::uint16_t* to) noexcept {
  return kind == HalfKind::ieee ? narrow<DefaultArch, HalfKind::ieee>(count, from, to)
                                : narrow<DefaultArch, HalfKind::bfloat>(count, from, to);
}

using Isa = CompiledFor<InstructionSet::LDMAT_COMPILED_FOR>;
using Scalar = LDMAT_COMPILED_SCALAR;

#define LDMAT_COMPILE(gradient, M, P, Target)                                                    \
  template PairSums compiled_sums<Isa, gradient>(const PackedBatch<Scalar>&, const M&, const P&, \
                                                 const Target<Scalar>&) noexcept;
#define LDMAT_COMPILE_TARGETS(M, P)               \
  LDMAT_COMPILE(true, M, P, FixedDistanceTarget)  \
  LDMAT_COMPILE(true, M, P, ClassTableTarget)     \
  LDMAT_COMPILE(false, M, P, FixedDistanceTarget) \
  LDMAT_COMPILE(false, M, P, ClassTableTarget)
#define LDMAT_COMPILE_PENALTIES(M)             \
  LDMAT_COMPILE_TARGETS(M, Squared)            \
  LDMAT_COMPILE_TARGETS(M, Absolute)           \
  LDMAT_COMPILE_TARGETS(M, Huber)              \
  LDMAT_COMPILE_TARGETS(M, Band)               \
  LDMAT_COMPILE_TARGETS(M, OneSided<Squared>)  \
  LDMAT_COMPILE_TARGETS(M, OneSided<Absolute>) \
  LDMAT_COMPILE_TARGETS(M, OneSided<Huber>)    \
  LDMAT_COMPILE_TARGETS(M, OneSided<Band>)

#if defined(LDMAT_COMPILED_HALVES)
template Index compiled_halves<Isa>(HalfKind, Index, const std::uint16_t*, float*) noexcept;
template Index compiled_halves<Isa>(HalfKind, Index, const float*, std::uint16_t*) noexcept;
#endif

LDMAT_COMPILE_PENALTIES(Euclidean)
LDMAT_COMPILE_PENALTIES(SquaredEuclidean)
LDMAT_COMPILE_PENALTIES(Cosine)
LDMAT_COMPILE_PENALTIES(Manhattan)

}  // namespace ldmat::detail
