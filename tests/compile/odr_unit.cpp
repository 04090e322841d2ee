// Compiled several times with different flags, for one program (odr_main.cpp).
#include "batch.hpp"
#include "odr.hpp"

OdrUnit LDMAT_ODR_UNIT() {
  return {largest_error(),
          static_cast<int>(sizeof(ldmat::detail::Pack<float, ldmat::detail::DefaultArch>) /
                           sizeof(float))};
}
