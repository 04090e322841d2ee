#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {
std::size_t largest = 0;
}

namespace fuzz {

void reset_largest_allocation() {
  largest = 0;
}
std::size_t largest_allocation() {
  return largest;
}

}  // namespace fuzz

// All forms but those with an alignment: a sanitizer's own would not take back what malloc gave.
void* operator new(std::size_t size, const std::nothrow_t& /*none*/) noexcept {
  if (size > largest) largest = size;
  return std::malloc(size > 0 ? size : 1);
}
void* operator new(std::size_t size) {
  if (void* const memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& /*none*/) noexcept {
  return operator new(size, std::nothrow);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*none*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t& /*none*/) noexcept {
  std::free(memory);
}
