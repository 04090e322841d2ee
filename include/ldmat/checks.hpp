#pragma once

#include <ldmat/options.hpp>
#include <ldmat/view.hpp>

#include <cstdint>

/// The checks at the entry of public functions.

namespace ldmat::detail {

/// Refuses NaN and infinities, naming the first in row order.
template <class S>
void require_finite(const char* argument, MatrixView<const S> x, const char* rule) {
  for (Index i = 0; i < x.rows; ++i) {
    for (Index k = 0; k < x.columns; ++k) {
      if (!is_finite(x(i, k))) {
        throw_invalid({argument, i, k}, {" is ", static_cast<double>(x(i, k)), ", but ", rule});
      }
    }
  }
}

inline void require_count(const char* argument, Index given, const char* features, Index samples) {
  if (given != samples) {
    throw_invalid({argument, " has ", given, " entries, but ", features, " has ", samples,
                   " rows: one label per row is needed"});
  }
}

/// Refuses options by pair of classes where `labels` are no class ids.
template <class Options>
void require_no_tables(const Options& options, const char* labels) {
  if (uses_tables(options)) {
    throw_invalid(
        {"labels are ", labels,
         ", but a class table, a weight table and an adaptive regularizer are per pair of "
         "classes and need class ids"});
  }
}

/// Refuses a matrix that is not one of all pairs of `samples`.
template <class S>
void require_of_pairs(const char* argument, MatrixView<const S> matrix, Index samples) {
  if (matrix.rows != samples || matrix.columns != samples) {
    throw_shape(argument, {matrix.rows, matrix.columns},
                "one row and column per row of the features is needed", {samples, samples});
  }
}

/// Refuses an output whose shape differs, or two of whose elements share memory.
template <class G>
void require_output(const char* argument, MatrixView<G> out, Index rows, Index columns,
                    const char* rule) {
  if (out.rows != rows || out.columns != columns) {
    throw_shape(argument, {out.rows, out.columns}, rule, {rows, columns});
  }
  if (rows == 0 || columns == 0) return;
  const bool by_rows = rows == 1 || out.row_stride > (columns - 1) * out.column_stride;
  const bool by_columns = columns == 1 || out.column_stride > (rows - 1) * out.row_stride;
  const bool rows_distinct = rows == 1 || out.row_stride > 0;
  const bool columns_distinct = columns == 1 || out.column_stride > 0;
  if (!rows_distinct || !columns_distinct || !(by_rows || by_columns)) {
    throw_invalid({argument, " has strides ", out.row_stride, ", ", out.column_stride,
                   " for shape ", Shape{rows, columns},
                   ", but its elements must not share memory"});
  }
}

/// out = 0.
template <class G>
void fill_zero(MatrixView<G> out) noexcept {
  for (Index i = 0; i < out.rows; ++i) {
    for (Index k = 0; k < out.columns; ++k) out(i, k) = G(0);
  }
}

/// The view of an output after giving an empty Eigen matrix its shape and refusing any other that
/// does not have it.
template <class G>
auto sized_output(const char* argument, G& out, Index rows, Index columns, const char* rule) {
  if constexpr (EigenDense<G>) {
    if constexpr (std::derived_from<G, Eigen::PlainObjectBase<G>>) {
      constexpr bool free_rows = G::RowsAtCompileTime == Eigen::Dynamic;
      constexpr bool free_columns = G::ColsAtCompileTime == Eigen::Dynamic;
      if (out.size() == 0 && (free_rows || out.rows() == rows) &&
          (free_columns || out.cols() == columns)) {
        out.resize(rows, columns);
      }
    }
  }
  const auto result = as_view(out);
  require_output(argument, result, rows, columns, rule);
  return result;
}

/// Whether an element of `a` shares memory with one of `b`. Exact for equal element types and
/// strides (so that two column blocks of one matrix may stand side by side), else by address range.
template <class A, class B>
bool overlap(MatrixView<A> a, MatrixView<B> b) {
  if (a.rows == 0 || a.columns == 0 || b.rows == 0 || b.columns == 0) return false;
  const auto first = [](const auto& x) { return reinterpret_cast<std::uintptr_t>(x.data); };
  const auto last = [](const auto& x) {
    return reinterpret_cast<std::uintptr_t>(&x(x.rows - 1, x.columns - 1) + 1);
  };
  if (last(a) <= first(b) || last(b) <= first(a)) return false;
  if constexpr (std::is_same_v<std::remove_const_t<A>, std::remove_const_t<B>>) {
    const bool same_strides = a.row_stride == b.row_stride && a.column_stride == b.column_stride;
    const auto bytes = static_cast<std::intptr_t>(first(b) - first(a));
    constexpr auto size = static_cast<std::intptr_t>(sizeof(A));
    if (same_strides && bytes % size != 0) return true;
    if (same_strides && a.row_stride > 0) {
      // Is b's origin a whole number of rows away, after stepping k columns either way?
      const Index delta = static_cast<Index>(bytes / size);
      for (Index k = 1 - a.columns; k < b.columns; ++k) {
        const Index rest = delta + k * a.column_stride;
        if (rest % a.row_stride == 0 && rest / a.row_stride > -b.rows &&
            rest / a.row_stride < a.rows) {
          return true;
        }
      }
      return false;
    }
  }
  return true;
}

/// Refuses a state of running distances that is not k x k or holds what no batch can have left.
inline void require_running(const RunningDistances& state, Index k) {
  if (state.distance.rows() != k || state.distance.cols() != k || state.batches.rows() != k ||
      state.batches.cols() != k) {
    throw_shape("RunningDistances", {state.distance.rows(), state.distance.cols()},
                "its tables must be classes x classes", {k, k});
  }
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < k; ++j) {
      if (!is_finite(state.distance(i, j)) || !(state.distance(i, j) >= 0) ||
          state.batches(i, j) < 0 || state.distance(i, j) != state.distance(j, i) ||
          state.batches(i, j) != state.batches(j, i)) {
        throw_invalid({"RunningDistances", i, j},
                      {" is ", state.distance(i, j), " after ", state.batches(i, j),
                       " batches, but both must be finite, not negative and symmetric"});
      }
    }
  }
}

}  // namespace ldmat::detail
