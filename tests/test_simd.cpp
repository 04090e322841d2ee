#include <ldmat/kernel/backend.hpp>
#include <ldmat/kernel/transpose.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

using namespace ldmat::detail;
using ldmat::Index;

namespace {

/// Largest relative error of the pack's 1 / sqrt(x), and of x times it, over mantissas of all sizes
/// and over exponents from `least` to `most`.
template <class T>
double inverse_sqrt_error(int least, int most) {
  using V = Pack<T, DefaultArch>;
  constexpr int lanes = PackTraits<V>::size;
  double largest = 0;
  for (int exponent = least; exponent < most; ++exponent) {
    for (int step = 0; step < 4096; step += lanes) {
      T x[lanes];
      T y[lanes];
      for (int l = 0; l < lanes; ++l) {
        x[l] = std::ldexp(static_cast<T>(1 + (step + l + 0.37) / 4096), exponent);
      }
      write(y, ldmat::math::inverse_sqrt(read<V>(x)));
      for (int l = 0; l < lanes; ++l) {
        const auto exact = 1 / std::sqrt(static_cast<long double>(x[l]));
        const auto error = std::abs(static_cast<long double>(y[l]) / exact - 1);
        largest = std::max(largest, static_cast<double>(error));
      }
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("reciprocal square roots are within their bound over the whole range") {
  const double in_float = inverse_sqrt_error<float>(-126, 128);
  const double in_double = inverse_sqrt_error<double>(-1022, 1024);
  MESSAGE("largest relative error: ", in_float, " in float, ", in_double, " in double");
  CHECK(in_float <= 2.5e-7);
  CHECK(in_double <= 4.5e-16);
}

TEST_CASE_TEMPLATE("coinciding points are at distance 0 with slope 0, and NaN stays", T, float,
                   double) {
  using V = Pack<T, DefaultArch>;
  constexpr int lanes = PackTraits<V>::size;
  const auto measured = [](T sum) {
    T sums[lanes];
    std::fill(sums, sums + lanes, sum);
    const auto both = measure(ldmat::Euclidean{}, read<V>(sums));
    T distance[lanes];
    T slope[lanes];
    write(distance, both.distance);
    write(slope, both.slope);
    return ldmat::Measured<T>{distance[0], slope[0]};
  };
  CHECK(measured(T(0)).distance == 0);
  CHECK(measured(T(0)).slope == 0);
  CHECK(measured(std::numeric_limits<T>::denorm_min()).slope == 0);
  CHECK(measured(std::numeric_limits<T>::min()).distance ==
        doctest::Approx(std::sqrt(std::numeric_limits<T>::min())).epsilon(1e-6));
  const double epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (int exponent = std::numeric_limits<T>::min_exponent; exponent < 1; ++exponent) {
    const T sum = std::ldexp(T(0.7), exponent);
    const auto exact = std::sqrt(static_cast<double>(sum));
    CHECK(std::abs(static_cast<double>(measured(sum).distance) / exact - 1) <= 4 * epsilon);
    CHECK(std::abs(static_cast<double>(measured(sum).slope) * exact - 1) <= 4 * epsilon);
  }
  CHECK(measured(T(4)).distance == doctest::Approx(2).epsilon(1e-6));
  CHECK(std::isnan(measured(std::numeric_limits<T>::quiet_NaN()).distance));
  CHECK(!std::isfinite(measured(std::numeric_limits<T>::infinity()).distance));
}

TEST_CASE_TEMPLATE("packs choose, keep and count lanes as scalars do", T, float, double) {
  using V = Pack<T, DefaultArch>;
  constexpr int lanes = PackTraits<V>::size;
  T a[lanes];
  T b[lanes];
  for (int l = 0; l < lanes; ++l) {
    a[l] = static_cast<T>(l % 3);
    b[l] = T(1);
  }
  const Mask<V> less = read<V>(a) < read<V>(b);
  T chosen[lanes];
  T kept[lanes];
  write(chosen, choose(less, V(T(5)), V(T(-7))));
  write(kept, keep_where(less, V(T(5))));
  for (int l = 0; l < lanes; ++l) {
    CHECK(chosen[l] == (a[l] < b[l] ? T(5) : T(-7)));
    CHECK(kept[l] == (a[l] < b[l] ? T(5) : T(0)));
    CHECK(lane_of(less, l) == (a[l] < b[l]));
    CHECK(((bits_of(less) >> l) & 1U) == (a[l] < b[l] ? 1U : 0U));
  }
  CHECK(bits_of(first_lanes<V>(-1)) == 0);
  CHECK(bits_of(first_lanes<V>(1)) == 1);
  CHECK(bits_of(first_lanes<V>(lanes + 3)) == (1U << lanes) - 1);
}

TEST_CASE_TEMPLATE("transpose, of any shape", T, float, double) {
  for (const Index rows : {1, 3, 4, 8, 9}) {
    for (const Index columns : {1, 2, 5, 8, 11}) {
      std::vector<T> from(static_cast<std::size_t>(rows * (columns + 2)));
      for (std::size_t at = 0; at < from.size(); ++at) from[at] = static_cast<T>(at);
      std::vector<T> to(static_cast<std::size_t>(columns * (rows + 3)), T(-1));
      transpose<DefaultArch>(rows, columns, from.data(), columns + 2, to.data(), rows + 3);
      for (Index k = 0; k < columns; ++k) {
        for (Index i = 0; i < rows + 3; ++i) {
          const T expected =
              i < rows ? from[static_cast<std::size_t>(i * (columns + 2) + k)] : T(-1);
          CHECK(to[static_cast<std::size_t>(k * (rows + 3) + i)] == expected);
        }
      }
    }
  }
}

TEST_CASE("in a tournament every pair of blocks meets once, and no block twice in a round") {
  for (Index blocks = 1; blocks <= 17; ++blocks) {
    const Tournament tournament{blocks};
    std::set<std::pair<Index, Index>> met;
    std::set<Index> busy;
    Index round = 0;
    for (Index at = 0; at < tournament.all_games(); ++at) {
      const Tournament::Place place = tournament.place(at);
      if (place.round != round) {
        CHECK(place.round == round + 1);
        round = place.round;
        busy.clear();
      }
      const Tournament::Game game = tournament.game(place.round, place.number);
      CHECK(game.first >= 0);
      CHECK(game.first <= game.second);
      CHECK(game.first < blocks);
      CHECK(busy.insert(game.first).second);  // also a block that has nobody to meet moves on
      if (!game.played) continue;
      CHECK(game.second < blocks);
      if (game.first != game.second) CHECK(busy.insert(game.second).second);
      CHECK(met.insert({game.first, game.second}).second);
    }
    CHECK(round == tournament.rounds() - 1);
    CHECK((blocks == 1 || static_cast<Index>(busy.size()) == blocks));
    CHECK(static_cast<Index>(met.size()) == blocks * (blocks + 1) / 2);
  }
}
