#pragma once

#include <ldmat/eigen.hpp>
#include <ldmat/error.hpp>
#include <ldmat/shape.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

/// Any buffer as a matrix: what every public function accepts as features, gradient or label
/// vectors.
///
///  - Eigen dense objects with storage of their own or borrowed (Matrix, Array, Map, Ref, Block of
///    one of these; row- or column-major, strided, fixed or dynamic size);
///  - anything mdspan-like of rank 2: `extent(r)`, `stride(r)`, `data_handle()`, static `rank()`;
///  - pointers and spans through `view(...)` below.
///
/// Element types: float, double, Eigen::half, Eigen::bfloat16. Nothing is copied by a view.

namespace ldmat {

static_assert(std::same_as<Index, Eigen::Index>,
              "ldmat: EIGEN_DEFAULT_DENSE_INDEX_TYPE must be left as it is");

/// Element types that features, gradients and label vectors may have.
template <class T>
concept Storage = std::same_as<T, float> || std::same_as<T, double> ||
    std::same_as<T, Eigen::half> || std::same_as<T, Eigen::bfloat16>;

/// What sums over elements of type T are kept in: double for double, float for the others.
template <Storage T>
using Accumulator = std::conditional_t<std::same_as<T, double>, double, float>;

namespace detail {

template <class X>
using Bare = std::remove_cvref_t<X>;

template <class X>
concept EigenDense = std::derived_from<Bare<X>, Eigen::DenseBase<Bare<X>>>;

template <class X>
concept EigenAddressable = EigenDense<X> &&((Bare<X>::Flags & Eigen::DirectAccessBit) != 0) &&
                           requires(X& x) {
  x.data();
};

template <class X>
concept MdspanLike = requires(X& x) {
  { Bare<X>::rank() } -> std::convertible_to<std::size_t>;
  x.extent(0);
  x.stride(0);
  x.data_handle();
};

template <class X>
concept MdspanMatrix = MdspanLike<X> &&(Bare<X>::rank() == 2);

template <class T>
struct IsMatrixView : std::false_type {};
template <class T>
struct IsMatrixView<MatrixView<T>> : std::true_type {};

template <class X>
concept Addressable = EigenAddressable<X> || MdspanMatrix<X> || IsMatrixView<Bare<X>>::value;

/// The view of an addressable matrix; its element type is const where the buffer is.
template <Addressable X>
auto as_view(X& x) {
  if constexpr (IsMatrixView<Bare<X>>::value) {
    return x;
  } else if constexpr (EigenAddressable<X>) {
    using T = std::remove_pointer_t<decltype(x.data())>;
    const Index outer = x.IsVectorAtCompileTime ? x.size() : x.outerStride();
    const Index inner = x.innerStride();
    if constexpr (Bare<X>::IsRowMajor) {
      return MatrixView<T>{x.data(), x.rows(), x.cols(), outer, inner};
    } else {
      return MatrixView<T>{x.data(), x.rows(), x.cols(), inner, outer};
    }
  } else {
    using T = std::remove_pointer_t<Bare<decltype(x.data_handle())>>;
    return MatrixView<T>{x.data_handle(), static_cast<Index>(x.extent(0)),
                         static_cast<Index>(x.extent(1)), static_cast<Index>(x.stride(0)),
                         static_cast<Index>(x.stride(1))};
  }
}

template <class X>
using ViewElement = std::remove_pointer_t<decltype(as_view(std::declval<X&>()).data)>;

/// Refuses shapes and strides below 0, and more elements than memory holds: with strides of 0 they
/// could be asked for, and the sizes of packed copies would overflow.
inline void require_strides(const char* argument, Index rows, Index columns, Index row_stride,
                            Index column_stride) {
  if (rows < 0 || columns < 0 || row_stride < 0 || column_stride < 0) {
    throw_invalid({argument, " has shape ", Shape{rows, columns}, " and strides ", row_stride, ", ",
                   column_stride, ", but none of them may be negative"});
  }
  constexpr Index most = Index{1} << (sizeof(Index) >= 8 ? 48 : 28);
  if (rows > most || columns > most || (columns > 0 && rows > most / columns)) {
    throw_invalid({argument, " has shape ", Shape{rows, columns}, ", but may have ", most,
                   " elements at most"});
  }
}
template <class T>
void require_strides(const char* argument, MatrixView<T> x) {
  require_strides(argument, x.rows, x.columns, x.row_stride, x.column_stride);
}

}  // namespace detail

/// Features or label vectors: a matrix in memory, one row per sample.
template <class X>
concept FeatureMatrix =
    detail::Addressable<const X> && Storage<std::remove_const_t<detail::ViewElement<const X>>>;

/// A matrix in memory that may be written: what gradients and distance matrices go to.
template <class X>
concept WritableMatrix = detail::Addressable<X> && Storage<detail::ViewElement<X>>;

namespace detail {

/// The view of a matrix that is only read.
template <FeatureMatrix F>
auto const_view(const F& x) {
  const auto view = as_view(x);
  using S = std::remove_const_t<ViewElement<const F>>;
  return MatrixView<const S>{view.data, view.rows, view.columns, view.row_stride,
                             view.column_stride};
}

/// A matrix with storage of its own, a temporary of which dies with the expression it stands in.
template <class X>
concept Owning = EigenDense<X> && std::derived_from<X, Eigen::PlainObjectBase<X>>;

/// X&& or Y&& is such a temporary.
template <class X, class Y>
concept TemporaryOr = (!std::is_reference_v<X> && Owning<std::remove_const_t<X>>) ||
                      (!std::is_reference_v<Y> && Owning<std::remove_const_t<Y>>);

template <class X>
concept NotInMemory = !FeatureMatrix<X>;

// What deleted functions return: compilers show it with the error.
struct NeedsAVariableNotATemporary {};
struct NeedsAMatrixInMemory {};

// The sentences that static_asserts of several functions share.
#define LDMAT_DETAIL_NEEDS_FEATURES                                                          \
  "ldmat: features must be a matrix in memory (Eigen Matrix, Map, Ref or Block, mdspan, or " \
  "ldmat::view(pointer, rows, columns)) of float, double, Eigen::half or Eigen::bfloat16; "  \
  "evaluate an expression with .eval() first"
#define LDMAT_DETAIL_NEEDS_DISTANCES                                                               \
  "ldmat: distances must be a writable matrix in memory (not const, not an expression) of float, " \
  "double, Eigen::half or Eigen::bfloat16"

}  // namespace detail

/// `rows` x `columns` elements at `data` as an Eigen map, row i starting at data + i * row_stride.
/// The map borrows the buffer. Strides are in elements; without them the rows lie one behind the
/// other. Throws std::invalid_argument for a negative shape or stride, more than 2^48 elements, or a
/// null `data` with elements. Cost: none.
template <class T>
auto view(T* data, Index rows, Index columns, Index row_stride, Index column_stride = 1) {
  using Matrix =
      Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Element = std::conditional_t<std::is_const_v<T>, const Matrix, Matrix>;
  using Strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  detail::require_strides("view", rows, columns, row_stride, column_stride);
  if (data == nullptr && rows > 0 && columns > 0) {
    detail::throw_invalid({"view: data is null, but the shape is ", detail::Shape{rows, columns}});
  }
  return Eigen::Map<Element, Eigen::Unaligned, Strides>(data, rows, columns,
                                                        Strides(row_stride, column_stride));
}

/// The same with rows that lie one behind the other.
template <class T>
auto view(T* data, Index rows, Index columns) {
  return view(data, rows, columns, columns, 1);
}

/// The same over a span, whose size must be rows * columns: std::invalid_argument otherwise.
template <class T>
auto view(std::span<T> data, Index rows, Index columns) {
  detail::require_strides("view", rows, columns, columns, 1);
  const auto size = static_cast<Index>(data.size());
  const bool fits = rows == 0 ? size == 0 : size % rows == 0 && size / rows == columns;
  if (!fits) {
    detail::throw_invalid({"view: the span holds ", size, " elements, but the shape is ",
                           detail::Shape{rows, columns}});
  }
  return view(data.data(), rows, columns);
}

}  // namespace ldmat
