#pragma once

#include <ldmat/kernel/simd.hpp>

#include <cstdint>

namespace ldmat::bench {

/// How 1 / sqrt(x) is found: the processor's estimate made better, or a square root and a division.
enum class Inverse { estimate, division };

/// The limit of kernels for few dimensions. Per pair (i, j) of two-dimensional samples it counts what
/// value and gradient need with the Euclidean metric, the squared penalty and a fixed distance:
///
///   d0 = x_i0 - x_j0, d1 = x_i1 - x_j1                     2 subtractions
///   s = d0 d0 + d1 d1                                      1 multiplication, 1 multiply-add
///   1/D = 1/sqrt(s), D = s 1/D                             1 estimate, 4 operations of a Newton
///                                                          step, 1 multiplication
///   same = y_i == y_j                                      1 comparison
///   T and w, each of two values                            2 selects
///   r = D - T, u = w r                                     1 subtraction, 1 multiplication
///   sums of u r, of D, and of D where same                 1 multiply-add, 2 additions, 1 select
///   c = u / D                                              1 multiplication
///   gradient_i += c (d0, d1), gradient_j -= c (d0, d1)     4 multiply-adds
///
/// 24 operations on packs, 14 of which multiply. In double the estimate needs another step, and a look
/// at whether it is in float's range, and a square root and a division may be faster: the limit is
/// the faster way. The 2 of (r^2)' = 2 r and the minus of gradient_j are left to the factor that the
/// finished gradient is multiplied by; otherwise the formulas are those of metric and penalty, with
/// no constant moved from one to the other.
///
/// Not counted is all else that a kernel does: packing the features, adding up the lanes of a sum,
/// carrying sums over to double, masks at the diagonal and at the end of a row (every pair computed
/// here is one that counts), a guard for samples that coincide (here none do), starting threads.
///
/// All samples stay in the first cache (12 KB in float). Each sample i is held in registers with its
/// gradient and meets packs of samples j, whose gradients are read and written. Pairs depend on each
/// other only through one addition to each sum. A few packs at a time go through two short loops,
/// distances first, then the rest, with D and 1/D in the first cache in between: in one loop the
/// chain of operations is so long that a processor's queues do not hold the rounds it takes to hide
/// its latency.
template <class T, Inverse How>
class PairsInTwoDimensions {
  using V = detail::Pack<T, detail::DefaultArch>;
  static constexpr int lanes = detail::PackTraits<V>::size;
  static constexpr int columns = 512;
  static constexpr int rows = 64;
  static constexpr int chunk = 8 * lanes;
  static_assert(columns % chunk == 0);

 public:
  static constexpr double pairs = double{rows} * columns;

  PairsInTwoDimensions() {
    std::uint32_t state = 1;
    const auto uniform = [&state] {
      state = state * 1664525 + 1013904223;
      return static_cast<T>(state >> 8) / T(1 << 24);
    };
    // The samples i and j are from two squares, so that no two coincide.
    for (int j = 0; j < columns; ++j) column_.set(j, uniform(), uniform(), j % 10);
    for (int i = 0; i < rows; ++i) row_.set(i, 2 + uniform(), 2 + uniform(), i % 10);
  }

  /// Not inlined, so that it is found in a disassembly.
  [[gnu::noinline]] void operator()() noexcept {
    using detail::choose;
    using detail::keep_where;
    using detail::multiply_add;
    using detail::read;
    using detail::write;
    const V zero(T(0));
    const V same_target(targets_[0]);
    const V different_target(targets_[1]);
    const V same_weight(weights_[0]);
    const V different_weight(weights_[1]);
    V penalty_sum = zero;
    V distance_sum = zero;
    V same_distance_sum = zero;
    for (int i = 0; i < rows; ++i) {
      const V x0(row_.x0[i]);
      const V x1(row_.x1[i]);
      const V id(row_.id[i]);
      V gradient0 = zero;
      V gradient1 = zero;
      for (int begin = 0; begin < columns; begin += chunk) {
        for (int j = 0; j < chunk; j += lanes) {
          const V d0 = x0 - read<V>(column_.x0 + begin + j);
          const V d1 = x1 - read<V>(column_.x1 + begin + j);
          const V sum = multiply_add(d0, d0, V(d1 * d1));
          if constexpr (How == Inverse::estimate) {
            const V inverse = math::inverse_sqrt(sum);
            write(inverse_ + j, inverse);
            write(distance_ + j, V(sum * inverse));
          } else {
            using namespace math;
            const V distance = sqrt(sum);
            write(inverse_ + j, V(V(T(1)) / distance));
            write(distance_ + j, distance);
          }
        }
        for (int j = 0; j < chunk; j += lanes) {
          const int at = begin + j;
          const V d0 = x0 - read<V>(column_.x0 + at);
          const V d1 = x1 - read<V>(column_.x1 + at);
          const V distance = read<V>(distance_ + j);
          const detail::Mask<V> same = id == read<V>(column_.id + at);
          const V residual = distance - choose(same, same_target, different_target);
          const V weighted = choose(same, same_weight, different_weight) * residual;
          penalty_sum = multiply_add(weighted, residual, penalty_sum);
          distance_sum = distance_sum + distance;
          same_distance_sum = same_distance_sum + keep_where(same, distance);
          const V coefficient = weighted * read<V>(inverse_ + j);
          gradient0 = multiply_add(coefficient, d0, gradient0);
          gradient1 = multiply_add(coefficient, d1, gradient1);
          write(column_.gradient0 + at,
                V(multiply_add(coefficient, d0, read<V>(column_.gradient0 + at))));
          write(column_.gradient1 + at,
                V(multiply_add(coefficient, d1, read<V>(column_.gradient1 + at))));
        }
      }
      write(row_.gradient0 + i * lanes, gradient0);
      write(row_.gradient1 + i * lanes, gradient1);
    }
    write(sums_, penalty_sum);
    write(sums_ + lanes, distance_sum);
    write(sums_ + 2 * lanes, same_distance_sum);
  }

 private:
  template <int Size, int GradientSize>
  struct Samples {
    alignas(64) T x0[Size] = {};
    alignas(64) T x1[Size] = {};
    alignas(64) T id[Size] = {};
    alignas(64) T gradient0[GradientSize] = {};
    alignas(64) T gradient1[GradientSize] = {};

    void set(int at, T first, T second, int class_id) {
      x0[at] = first;
      x1[at] = second;
      id[at] = static_cast<T>(class_id);
    }
  };

  Samples<columns, columns> column_;
  Samples<rows, rows * lanes> row_;
  alignas(64) T inverse_[chunk];
  alignas(64) T distance_[chunk];
  alignas(64) T sums_[3 * lanes];
  // Members, so that the compiler does not know the values: same class, different classes.
  T targets_[2] = {0, 1};
  T weights_[2] = {T(0.5), T(1.5)};
};

}  // namespace ldmat::bench
