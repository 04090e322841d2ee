#pragma once

#include <ldmat/kernel/halves.hpp>
#include <ldmat/kernel/layout.hpp>
#include <ldmat/kernel/targets.hpp>
#include <ldmat/metric.hpp>
#include <ldmat/penalty.hpp>

#include <array>
#include <cstdint>

/// Kernels compiled several times, for different instruction sets, of which the best that the
/// processor has is taken when the program runs. Comes with the CMake target ldmat::dispatch, which
/// defines LDMAT_DISPATCH; nothing else changes in a program that links it.
///
/// Compiled are float and double (and the half types, which are computed in float) with the metrics
/// and penalties of ldmat, `OneSided` forms included, for class labels. All else, a metric of your
/// own for example, is compiled with the flags of the file that uses it, as without this target.

namespace ldmat {

/// Instruction sets that kernels are compiled for. `baseline` is what every processor of its kind
/// has: SSE2 on x86-64, NEON on 64-bit Arm.
enum class InstructionSet { baseline, avx2, avx512 };

/// All of them, from the least on.
inline constexpr std::array instruction_sets{InstructionSet::baseline, InstructionSet::avx2,
                                             InstructionSet::avx512};

/// Whether the library has kernels for it that this processor and operating system can run.
bool can_run(InstructionSet set) noexcept;

/// The one in use: the best that can run, unless use_instruction_set said otherwise.
InstructionSet instruction_set() noexcept;

/// Uses another one from the next call on, in all threads: for tests and comparisons. Throws
/// std::invalid_argument where it cannot run.
void use_instruction_set(InstructionSet set);

/// "baseline", "AVX2 + FMA" or "AVX-512".
const char* name(InstructionSet set) noexcept;

namespace detail {

template <InstructionSet Set>
struct CompiledFor {};

/// Whether the library has kernels for these policies.
template <class T, class M, class P, class Target>
inline constexpr bool compiled = OneOf<M, Euclidean, SquaredEuclidean, Cosine, Manhattan>&&
    OneOf<P, Squared, Absolute, Huber, Band, OneSided<Squared>, OneSided<Absolute>, OneSided<Huber>,
          OneSided<Band>>&& OneOf<Target, FixedDistanceTarget<T>, ClassTableTarget<T>>;

/// packed_sums of kernel/packed.hpp; defined in compiled.cpp.
template <class Isa, bool WithGradient, class T, class M, class P, class Target>
PairSums compiled_sums(const PackedBatch<T>& batch, const M& metric, const P& penalty,
                       const Target& target) noexcept;

/// Counts a call and says for which instruction set it goes.
InstructionSet next_call() noexcept;
/// Calls that went to `set` so far.
std::int64_t calls_for(InstructionSet set) noexcept;

/// widen and narrow of kernel/halves.hpp.
template <class Isa>
Index compiled_halves(HalfKind kind, Index count, const std::uint16_t* from, float* to) noexcept;
template <class Isa>
Index compiled_halves(HalfKind kind, Index count, const float* from, std::uint16_t* to) noexcept;
Index dispatched_halves(HalfKind kind, Index count, const std::uint16_t* from, float* to) noexcept;
Index dispatched_halves(HalfKind kind, Index count, const float* from, std::uint16_t* to) noexcept;

int dispatched_threads(int asked, Index n, Index width, Index blocks) noexcept;

}  // namespace detail
}  // namespace ldmat
