#pragma once

#include <ldmat/view.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <type_traits>

/// Class ids: one per sample, from any range of integers or enumerators (std::vector, std::span,
/// std::array, C array, Eigen vector, mdspan of rank 1), or a pointer through `labels(...)`. Ids
/// are 0, 1, 2, ...; they need not be dense unless a class count or a class table says how many
/// there are.

namespace ldmat {

namespace detail {

template <class T>
concept ClassId = (std::integral<T> || std::is_enum_v<T>)&&sizeof(T) <= 8;

template <class L>
concept EigenIds =
    EigenDense<L> && bool(Bare<L>::IsVectorAtCompileTime) && ClassId<typename Bare<L>::Scalar>;

template <class L>
concept MdspanIds = MdspanLike<const L> &&(Bare<L>::rank() == 1) &&
                    ClassId<std::remove_cvref_t<decltype(*std::declval<const L&>().data_handle())>>;

template <class L>
concept RangeIds = !EigenDense<L> && requires(const L& ids) {
  std::size(ids);
  std::begin(ids);
  requires ClassId<std::remove_cvref_t<decltype(*std::begin(ids))>>;
};

}  // namespace detail

/// One class id per sample.
template <class L>
concept ClassLabels = detail::EigenIds<L> || detail::MdspanIds<L> || detail::RangeIds<L>;

#define LDMAT_DETAIL_NEEDS_IDS                                                                    \
  "ldmat: labels must be class ids: a range, Eigen vector or mdspan of integers or enumerators, " \
  "or ldmat::labels(pointer, count); cast floating-point ids to integers first"

/// `count` class ids at `data`. Throws std::invalid_argument for null `data` with a count.
template <detail::ClassId T>
std::span<const T> labels(const T* data, std::size_t count) {
  if (data == nullptr && count > 0) {
    detail::throw_invalid({"labels: data is null, but count is ", count});
  }
  return {data, count};
}

namespace detail {

template <ClassLabels L>
Index label_count(const L& ids) {
  if constexpr (EigenIds<L>) {
    return ids.size();
  } else if constexpr (MdspanIds<L>) {
    return static_cast<Index>(ids.extent(0));
  } else {
    return static_cast<Index>(std::size(ids));
  }
}

/// Calls visit(i, id) for every label, id being an integer of the label's own type.
template <ClassLabels L, class Visit>
void for_each_label(const L& ids, Visit visit) {
  const auto integer = [](auto id) {
    if constexpr (std::is_enum_v<decltype(id)>) {
      return static_cast<std::underlying_type_t<decltype(id)>>(id);
    } else {
      return id;
    }
  };
  if constexpr (EigenIds<L>) {
    for (Index i = 0; i < ids.size(); ++i) visit(i, integer(ids.coeff(i)));
  } else if constexpr (MdspanIds<L>) {
    const Index stride = static_cast<Index>(ids.stride(0));
    const Index count = static_cast<Index>(ids.extent(0));
    for (Index i = 0; i < count; ++i) visit(i, integer(ids.data_handle()[i * stride]));
  } else {
    Index i = 0;
    for (auto at = std::begin(ids); at != std::end(ids); ++at, ++i) {
      visit(i, integer(static_cast<Bare<decltype(*at)>>(*at)));
    }
  }
}

[[noreturn]] LDMAT_DETAIL_COLD inline void throw_label(const char* argument, Index i, Piece id,
                                                       Index classes) {
  if (classes > 0) {
    throw_invalid(
        {argument, "[", i, "] is ", id, ", but class ids must be between 0 and ", classes - 1});
  }
  throw_invalid(
      {argument, "[", i, "] is ", id, ", but class ids must be 0 or greater and below 2^62"});
}

/// Copies the ids into `out`, refusing any below 0 or, where `classes` > 0, any from `classes` on.
/// Returns the largest, or -1 where there are none. Throws std::invalid_argument, naming `argument`.
template <ClassLabels L>
std::int64_t read_labels(const char* argument, const L& ids, Index classes, std::int64_t* out) {
  const std::uint64_t limit =
      classes > 0 ? static_cast<std::uint64_t>(classes) : std::uint64_t{1} << 62;
  std::int64_t largest = -1;
  for_each_label(ids, [&](Index i, auto id) {
    bool negative = false;
    if constexpr (std::is_signed_v<decltype(id)>) negative = id < 0;
    using Wide = std::conditional_t<std::is_signed_v<decltype(id)>, std::int64_t, std::uint64_t>;
    const auto value = static_cast<std::uint64_t>(static_cast<Wide>(id));
    if (negative || value >= limit) throw_label(argument, i, Piece(id), classes);
    out[i] = static_cast<std::int64_t>(value);
    if (out[i] > largest) largest = out[i];
  });
  return largest;
}

}  // namespace detail
}  // namespace ldmat
