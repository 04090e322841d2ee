#pragma once

#include <ldmat/penalty.hpp>

#if defined(__CUDACC__)
#define LDMAT_TEST_OUT_OF_LINE __noinline__  // compiled once, not once for each pair of a thread
#else
#define LDMAT_TEST_OUT_OF_LINE
#endif

namespace support {

/// Any of the library's penalties, chosen at run time, so that one Loss type covers them all.
struct AnyPenalty {
  int kind = 0;  // squared, absolute, Huber, band
  bool one_sided = false;
  double parameter = 0.3;

  static constexpr int kinds = 4;

  template <class V, class M>
  LDMAT_TEST_OUT_OF_LINE LDMAT_HOST_DEVICE ldmat::Penalized<V> operator()(V residual,
                                                                          M same) const {
    return one_sided ? apply<true>(residual, same) : apply<false>(residual, same);
  }

 private:
  template <bool OneSided, class P, class V, class M>
  LDMAT_HOST_DEVICE static ldmat::Penalized<V> call(P penalty, V residual, M same) {
    if constexpr (OneSided) {
      return ldmat::OneSided<P>{penalty}(residual, same);
    } else {
      return penalty(residual, same);
    }
  }
  template <bool OneSided, class V, class M>
  LDMAT_HOST_DEVICE ldmat::Penalized<V> apply(V residual, M same) const {
    switch (kind) {
      case 0:
        return call<OneSided>(ldmat::Squared{}, residual, same);
      case 1:
        return call<OneSided>(ldmat::Absolute{}, residual, same);
      case 2:
        return call<OneSided>(ldmat::Huber{parameter}, residual, same);
      default:
        return call<OneSided>(ldmat::Band{parameter, parameter / 2}, residual, same);
    }
  }
};

}  // namespace support
