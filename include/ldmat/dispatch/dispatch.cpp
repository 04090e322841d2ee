// Which instruction set ldmat::dispatch uses. Compiled for the least of them.

#include <ldmat/dispatch/dispatch.hpp>
#include <ldmat/error.hpp>
#include <ldmat/kernel/schedule.hpp>

#include <atomic>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ldmat {
namespace {

#if !defined(__x86_64__) && !defined(_M_X64)
bool processor_has(InstructionSet set) {
  return set == InstructionSet::baseline;
}
#elif defined(_MSC_VER) && !defined(__clang__)
bool bits_set(int word, unsigned mask) {
  return (static_cast<unsigned>(word) & mask) == mask;
}
bool processor_has(InstructionSet set) {
  if (set == InstructionSet::baseline) return true;
  int leaf1[4];
  int leaf7[4];
  __cpuid(leaf1, 1);
  __cpuidex(leaf7, 7, 0);
  // FMA, XSAVE in use by the operating system, AVX, F16C.
  if (!bits_set(leaf1[2], 1U << 12 | 1U << 27 | 1U << 28 | 1U << 29)) return false;
  const unsigned long long saved = _xgetbv(0);
  if (set == InstructionSet::avx2) return (saved & 0x06) == 0x06 && bits_set(leaf7[1], 1U << 5);
  // F, DQ, CD, BW, VL.
  return (saved & 0xe6) == 0xe6 &&
         bits_set(leaf7[1], 1U << 5 | 1U << 16 | 1U << 17 | 1U << 28 | 1U << 30 | 1U << 31);
}
#else
bool has_f16c() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
bool processor_has(InstructionSet set) {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  switch (set) {
    case InstructionSet::avx512:
      return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl");
    case InstructionSet::avx2:
      return avx2;
    default:
      return true;
  }
}
#endif

InstructionSet best() {
  InstructionSet result = InstructionSet::baseline;
  for (const InstructionSet set : instruction_sets) {
    if (processor_has(set)) result = set;
  }
  return result;
}

std::atomic<InstructionSet>& chosen() {
  static std::atomic<InstructionSet> set{best()};
  return set;
}

std::atomic<std::int64_t> calls[instruction_sets.size()];

}  // namespace

bool can_run(InstructionSet set) noexcept {
  return processor_has(set);
}

InstructionSet instruction_set() noexcept {
  return chosen().load(std::memory_order_relaxed);
}

void use_instruction_set(InstructionSet set) {
  if (!can_run(set)) {
    detail::throw_invalid({"use_instruction_set: this processor has no ", name(set),
                           "; the best that it can run is ", name(best())});
  }
  chosen().store(set, std::memory_order_relaxed);
}

const char* name(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::avx512:
      return "AVX-512";
    case InstructionSet::avx2:
      return "AVX2 + FMA";
    default:
      return "baseline";
  }
}

namespace detail {
namespace {

template <class From, class To>
Index convert_halves(HalfKind kind, Index count, const From* from, To* to) noexcept {
#if defined(__x86_64__) || defined(_M_X64)
  // AVX-512 has nothing more for them.
  if (instruction_set() != InstructionSet::baseline) {
    return compiled_halves<CompiledFor<InstructionSet::avx2>>(kind, count, from, to);
  }
#endif
  return 0;
}

}  // namespace

InstructionSet next_call() noexcept {
  const InstructionSet set = instruction_set();
  calls[static_cast<std::size_t>(set)].fetch_add(1, std::memory_order_relaxed);
  return set;
}

std::int64_t calls_for(InstructionSet set) noexcept {
  return calls[static_cast<std::size_t>(set)].load(std::memory_order_relaxed);
}

Index dispatched_halves(HalfKind kind, Index count, const std::uint16_t* from, float* to) noexcept {
  return convert_halves(kind, count, from, to);
}
Index dispatched_halves(HalfKind kind, Index count, const float* from, std::uint16_t* to) noexcept {
  return convert_halves(kind, count, from, to);
}

int dispatched_threads(int asked, Index n, Index width, Index blocks) noexcept {
#if defined(_OPENMP)
  return thread_count<true>(asked, n, width, blocks);
#else
  return thread_count<false>(asked, n, width, blocks);
#endif
}

}  // namespace detail
}  // namespace ldmat
