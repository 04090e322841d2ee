#include "accuracy.hpp"

#include <doctest/doctest.h>

// The bounds of docs/reliability.md. The figures themselves are printed by benchmarks/accuracy.

using namespace accuracy;

namespace {

struct Bounds {
  double direct;
  double gram;
  double gradient;
};

template <class T>
constexpr Bounds bounds = sizeof(T) == 4 ? Bounds{1e-6, 4e-6, 1e-5} : Bounds{1e-13, 1e-13, 1e-13};

template <class T, class M>
void check(KernelChoice kernel, const Rows<T>& x) {
  const auto labels = make_labels(x);
  const double bound = kernel == KernelChoice::gram ? bounds<T>.gram : bounds<T>.direct;
  CHECK(distance_error<M>(x, distances_by<M>(kernel, x)) <= bound);
  CHECK(gradient_error(gradient_by<M>(kernel, x, labels), exact_gradient<M>(x, labels)) <=
        bounds<T>.gradient);
}

template <class T, class M>
void check_all(KernelChoice kernel) {
  if (sizeof(T) == sizeof(double) && !oracle_beyond_double) {
    MESSAGE("long double is no longer than double here: double was not tested");
    return;
  }
  for (const Data& data : data_sets) {
    for (const Index d : {1, 2, 3, 16, 24, 65, 500, 4096}) {
      const Index n = d > 100 ? 21 : 70;
      INFO("data ", std::string(data.name), " n ", n, " d ", d);
      check<T, M>(kernel, make_features<T>(data.name, n, d));
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("differences: distances and gradients on hard data are the oracle's", T, float,
                   double) {
  check_all<T, ldmat::Euclidean>(KernelChoice::direct);
}

TEST_CASE_TEMPLATE("products: distances and gradients on hard data are the oracle's", T, float,
                   double) {
  check_all<T, ldmat::Euclidean>(KernelChoice::gram);
}

TEST_CASE_TEMPLATE("Manhattan: distances and gradients on hard data are the oracle's", T, float,
                   double) {
  check_all<T, ldmat::Manhattan>(KernelChoice::direct);
}
