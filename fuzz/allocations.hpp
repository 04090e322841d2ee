#pragma once

#include <cstddef>

/// The largest piece of memory asked for by operator new since the last `reset`; allocations.cpp
/// counts it, and is linked into the targets that read files.

namespace fuzz {

void reset_largest_allocation();
std::size_t largest_allocation();

}  // namespace fuzz
