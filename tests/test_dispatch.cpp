#include "support.hpp"

#include <cstdlib>

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#endif

// Linked to ldmat::dispatch and compiled for no instruction set in particular. Also run under an
// emulated old processor, where ctest finds an emulator; LDMAT_EXPECT_SET then says which
// instruction set must have been chosen.

using ldmat::Index;
using ldmat::InstructionSet;
using support::Random;

namespace {

std::vector<InstructionSet> sets_here() {
  std::vector<InstructionSet> sets;
  for (const InstructionSet set : ldmat::instruction_sets) {
    if (ldmat::can_run(set)) sets.push_back(set);
  }
  return sets;
}

/// Uses an instruction set for as long as it lives.
class Using {
 public:
  explicit Using(InstructionSet set) : before_(ldmat::instruction_set()) {
    ldmat::use_instruction_set(set);
  }
  ~Using() { ldmat::use_instruction_set(before_); }
  Using(const Using&) = delete;
  Using& operator=(const Using&) = delete;

 private:
  InstructionSet before_;
};

#if defined(__GNUC__) && defined(__x86_64__)
/// Whether a gather reads its indices where register 4 holds them. QEMU 7.2 takes that register's
/// number for "no index" and reads the first element four times.
__attribute__((target("avx2"))) bool gathers_by_register_4() {
  alignas(32) const double from[4] = {1, 2, 3, 4};
  alignas(32) double to[4] = {};
  register __m256i index asm("ymm4") = _mm256_set_epi64x(0, 1, 2, 3);
  __m256d result = _mm256_setzero_pd();
  __m256i all = _mm256_set1_epi64x(-1);
  asm("vgatherqpd %1, (%3,%2,8), %0"
      : "+&x"(result), "+&x"(all)
      : "x"(index), "r"(from)
      : "memory");
  _mm256_store_pd(to, result);
  return to[0] == 4 && to[1] == 3 && to[2] == 2 && to[3] == 1;
}

/// Class tables of doubles are gathered by AVX2 and register 4 may hold the indices, as the compiler
/// likes.
template <class Scalar>
bool tables_can_run(InstructionSet set) {
  return !std::is_same_v<Scalar, double> || set != InstructionSet::avx2 || gathers_by_register_4();
}
#else
template <class Scalar>
bool tables_can_run(InstructionSet /*set*/) {
  return true;
}
#endif

/// The same Loss on the file's own kernels, in double.
template <class M, class P>
using Reference = ldmat::Loss<double, M, P, ldmat::Regularizer, ldmat::detail::OwnBackend>;

template <class Scalar, class M, class P>
void compare(Random& random, double bound, P penalty = {}) {
  const bool emulated = std::getenv("LDMAT_EXPECT_SET") != nullptr;  // and slow
  for (const Index n :
       emulated ? std::vector<Index>{17, 130} : std::vector<Index>{2, 17, 130, 300}) {
    for (const Index d :
         emulated ? std::vector<Index>{2, 20} : std::vector<Index>{1, 2, 16, 40, 130}) {
      const support::Batch batch = support::random_batch(random, n, d, 5, true);
      for (const bool table : {false, true}) {
        ldmat::LossOptions<M, P> options{.regularizer = ldmat::offset(0.1), .penalty = penalty};
        if (table) {
          options.class_table = Eigen::MatrixXd::Constant(5, 5, 1.5);
          options.class_table.diagonal().setZero();
          options.class_table(0, 1) = options.class_table(1, 0) = 0.25;
        }
        support::Matrix expected_gradient;
        const auto expected =
            Reference<M, P>(options)(batch.features, batch.labels, expected_gradient);
        const auto features = batch.features.template cast<Scalar>().eval();
        ldmat::Loss<Scalar, M, P> loss(options);
        for (const InstructionSet set : sets_here()) {
          if (table && !tables_can_run<Scalar>(set)) continue;
          INFO("n ", n, " d ", d, " table ", table, " for ", std::string(ldmat::name(set)));
          const Using use(set);
          const auto calls = ldmat::detail::calls_for(set);
          Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> gradient;
          const auto result = loss(features, batch.labels, gradient);
          const auto value = loss(features, batch.labels);
          CHECK(ldmat::detail::calls_for(set) == calls + 2);
          CHECK(result.value == doctest::Approx(expected.value).epsilon(bound));
          CHECK(value.value == doctest::Approx(expected.value).epsilon(bound));
          CHECK(result.mean_same_distance ==
                doctest::Approx(expected.mean_same_distance).epsilon(bound));
          CHECK(support::relative_error(gradient.template cast<double>(), expected_gradient,
                                        1e-3) <= 3 * bound);
        }
      }
    }
  }
}

/// A metric that ldmat::dispatch does not know.
struct Halved : ldmat::Manhattan {
  template <class V>
  V distance(V sum) const {
    return ldmat::math::constant<V>(0.5) * sum;
  }
  template <class V>
  V slope(V /*distance*/) const {
    return ldmat::math::constant<V>(0.5);
  }
};

}  // namespace

TEST_CASE("the best instruction set that can run is chosen, and it is the expected one") {
  const InstructionSet best = sets_here().back();
  CHECK(ldmat::instruction_set() == best);
  MESSAGE("instruction set in use: ", std::string(ldmat::name(best)));
  if (const char* const expected = std::getenv("LDMAT_EXPECT_SET")) {
    CHECK(std::string(ldmat::name(best)) == expected);
  }
}

TEST_CASE("every instruction set that can run agrees with the reference") {
  for (const InstructionSet set : sets_here()) {
    if (!tables_can_run<double>(set)) MESSAGE("this emulator cannot gather: no table of doubles");
  }
  Random random(61);
  compare<float, ldmat::Euclidean, ldmat::Squared>(random, 1e-5);
  compare<float, ldmat::Manhattan, ldmat::OneSided<ldmat::Huber>>(random, 1e-5);
  compare<double, ldmat::Euclidean, ldmat::Huber>(random, 1e-12, {.threshold = 0.3});
  compare<double, ldmat::Cosine, ldmat::OneSided<ldmat::Band>>(random, 1e-11,
                                                               {{.same = 0.1, .different = 0.2}});
  compare<double, ldmat::SquaredEuclidean, ldmat::Absolute>(random, 1e-12);
  compare<Eigen::half, ldmat::Euclidean, ldmat::OneSided<ldmat::Absolute>>(random, 2e-3);
}

TEST_CASE("policies that are not compiled in the library use the file's own kernels") {
  Random random(62);
  const support::Batch batch = support::random_batch(random, 50, 3, 4);
  const auto calls = ldmat::detail::calls_for(ldmat::instruction_set());
  ldmat::Loss<double, Halved> halved{};
  ldmat::Loss<double, ldmat::Manhattan> whole{{.class_distance = 2}};
  const double value = halved(batch.features, batch.labels).value;
  CHECK(ldmat::detail::calls_for(ldmat::instruction_set()) == calls);
  CHECK(4 * value == doctest::Approx(whole(batch.features, batch.labels).value));
  CHECK(ldmat::detail::calls_for(ldmat::instruction_set()) == calls + 1);
}

TEST_CASE("an instruction set that cannot run is refused") {
  for (const InstructionSet set : ldmat::instruction_sets) {
    if (ldmat::can_run(set)) continue;
    const InstructionSet before = ldmat::instruction_set();
    CHECK_THROWS_WITH_AS(ldmat::use_instruction_set(set), doctest::Contains(ldmat::name(set)),
                         std::invalid_argument);
    CHECK(ldmat::instruction_set() == before);
  }
}
