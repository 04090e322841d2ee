#pragma once

#include <ldmat/error.hpp>
#include <ldmat/shape.hpp>

#include <cstddef>

namespace ldmat::cuda {

/// How a GPU computes, not what.
struct Settings {
  /// Let tensor cores round the factors of matrix products to TF32 (10 bits of mantissa): faster for
  /// float features of many dimensions, and the less exact for it; see docs/cuda.md.
  bool tf32 = false;
  /// Memory for the gradients that one launch of the kernel of differences leaves, in bytes. Less is
  /// slower; any size works, and the largest launch that fits is taken.
  std::size_t window_bytes = std::size_t{64} << 20;
  /// Rows and columns of a panel of products, a multiple of 64: two panels are held.
  Index panel_rows = 2048;

  /// Throws std::invalid_argument where a setting is outside its range.
  void validate() const {
    if (panel_rows < 64 || panel_rows > 32768 || panel_rows % 64 != 0) {
      ldmat::detail::throw_invalid({"Settings::panel_rows is ", panel_rows,
                                    ", but must be a multiple of 64 between 64 and 32768"});
    }
  }
};

}  // namespace ldmat::cuda
