#pragma once

#include <ldmat/checks.hpp>
#include <ldmat/kernel/distances.hpp>
#include <ldmat/labels.hpp>
#include <ldmat/regularizer.hpp>
#include <ldmat/target.hpp>

/// D, L and T as whole n x n matrices: for people who want to look at them, and for the tests. A
/// Loss never makes any of them. Outputs are overwritten, an empty Eigen matrix is resized; every
/// function throws std::invalid_argument for shapes that do not agree, before anything is written.

namespace ldmat {

namespace detail {

inline constexpr const char* square_rule = "one row and column per sample is needed";

#if defined(__GNUC__)
#define LDMAT_DETAIL_NOINLINE [[gnu::noinline]]
#elif defined(_MSC_VER)
#define LDMAT_DETAIL_NOINLINE __declspec(noinline)
#else
#define LDMAT_DETAIL_NOINLINE
#endif

/// Not part of the loop around it, in which compilers would fuse its products for one layout of the
/// output and not for another.
template <class Value>
LDMAT_DETAIL_NOINLINE double value_at(const Value& value, Index i, Index j) {
  return value(i, j);
}

/// out(i, j) = out(j, i) = value(i, j), 0 on the diagonal.
template <class G, class Value>
void fill_symmetric(MatrixView<G> out, const Value& value) {
  for (Index i = 0; i < out.rows; ++i) {
    out(i, i) = G(0);
    for (Index j = i + 1; j < out.rows; ++j) {
      out(i, j) = out(j, i) = static_cast<G>(value_at(value, i, j));
    }
  }
}

template <FeatureMatrix F>
using AccumulatorOf = Accumulator<std::remove_const_t<ViewElement<const F>>>;
template <FeatureMatrix F>
using MatrixOf = Eigen::Matrix<AccumulatorOf<F>, Eigen::Dynamic, Eigen::Dynamic>;

template <class G>
concept Writable = WritableMatrix<std::remove_reference_t<G>>;

}  // namespace detail

/// D_ij = rho(f_i, f_j), D_ii = 0 (n x n), from features (n x d, borrowed), in the accumulator of
/// their type and with one thread. Symmetric to the last bit; a NaN stays in the rows and columns of
/// its samples. Computed from differences; metrics of |x - y|^2 in 32 dimensions or more from
/// products, which cost digits (largest relative errors seen: 1.5e-5 in float, 3e-14 in double), but
/// again from differences for near-duplicates, which so keep theirs, and where products could
/// overflow. O(n^2 d) time, O(n d) memory.
template <FeatureMatrix F, class Out, Metric M = Euclidean, class Backend = detail::DefaultBackend>
requires(WritableMatrix<std::remove_reference_t<Out>> &&
         !Metric<std::remove_cvref_t<Out>>) void feature_distances(const F& features,
                                                                   Out&& distances,
                                                                   const M& metric = {}) {
  if constexpr (requires { metric.validate(); }) metric.validate();
  const auto x = detail::const_view(features);
  detail::require_strides("features", x);
  const auto out =
      detail::sized_output("distances", distances, x.rows, x.rows, detail::square_rule);
  if (detail::overlap(x, out)) detail::throw_invalid("distances overlaps features");
  detail::pairwise_distances<Backend, detail::AccumulatorOf<F>>(x, metric, out);
}
/// The same, returned.
template <FeatureMatrix F, Metric M = Euclidean, class Backend = detail::DefaultBackend>
detail::MatrixOf<F> feature_distances(const F& features, const M& metric = {}) {
  detail::MatrixOf<F> distances;
  feature_distances<F, detail::MatrixOf<F>&, M, Backend>(features, distances, metric);
  return distances;
}

/// @cond
// What the functions above do not take, and the sentence that says so.
template <class F, class... Rest>
requires(!FeatureMatrix<F>) auto feature_distances(const F& /*features*/, Rest&&... /*rest*/) {
  static_assert(FeatureMatrix<F>, LDMAT_DETAIL_NEEDS_FEATURES);
  return Eigen::MatrixXd{};
}
template <FeatureMatrix F, class Out, class M>
requires(!detail::Writable<Out> || !Metric<M>) void feature_distances(const F& /*features*/,
                                                                      Out&& /*distances*/,
                                                                      const M& /*metric*/) {
  static_assert(detail::Writable<Out>, LDMAT_DETAIL_NEEDS_DISTANCES);
  static_assert(Metric<M>, LDMAT_DETAIL_NEEDS_METRIC);
}
template <FeatureMatrix F, class Out>
requires(!detail::Writable<Out> &&
         !Metric<std::remove_cvref_t<Out>>) auto feature_distances(const F& /*features*/,
                                                                   Out&& /*distances*/) {
  constexpr bool output = detail::EigenDense<Out> || detail::Addressable<Out>;
  static_assert(!output || detail::Writable<Out>, LDMAT_DETAIL_NEEDS_DISTANCES);
  static_assert(output || Metric<std::remove_cvref_t<Out>>, LDMAT_DETAIL_NEEDS_METRIC);
  return Eigen::MatrixXd{};
}
/// @endcond

/// L_ij = class_distance where y_i != y_j, else 0 (n x n), from n class ids. O(n^2).
template <ClassLabels Y, class Out>
requires WritableMatrix<std::remove_reference_t<Out>>
void label_distances(const Y& labels, Out&& distances, double class_distance = 1) {
  detail::require_non_negative({"class_distance"}, class_distance);
  const Index n = detail::label_count(labels);
  Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1> ids(n);
  detail::read_labels("labels", labels, 0, ids.data());
  const auto out = detail::sized_output("distances", distances, n, n, detail::square_rule);
  detail::fill_symmetric(out,
                         [&](Index i, Index j) { return ids(i) == ids(j) ? 0 : class_distance; });
}
/// The same, returned.
template <ClassLabels Y>
Eigen::MatrixXd label_distances(const Y& labels, double class_distance = 1) {
  Eigen::MatrixXd distances;
  label_distances(labels, distances, class_distance);
  return distances;
}

/// A K x K table of distances between classes, as an argument that no output can be mistaken for.
struct ClassTable {
  Eigen::MatrixXd distances;  ///< K x K
};

/// L_ij = table(y_i, y_j) (n x n), from n class ids and a K x K class-distance table: symmetric,
/// zero diagonal, finite, not negative. Ids from K on are refused. O(n^2 + K^2).
template <ClassLabels Y, class Out>
requires WritableMatrix<std::remove_reference_t<Out>>
void label_distances(const Y& labels, Out&& distances, const ClassTable& table) {
  const Eigen::MatrixXd& of = table.distances;
  if (of.size() == 0) detail::throw_invalid("ClassTable is empty, but needs one row per class");
  detail::require_table("ClassTable", of, true);
  const Index n = detail::label_count(labels);
  Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1> ids(n);
  detail::read_labels("labels", labels, of.rows(), ids.data());
  const auto out = detail::sized_output("distances", distances, n, n, detail::square_rule);
  detail::fill_symmetric(out, [&](Index i, Index j) { return of(ids(i), ids(j)); });
}
/// The same, returned.
template <ClassLabels Y>
Eigen::MatrixXd label_distances(const Y& labels, const ClassTable& table) {
  Eigen::MatrixXd distances;
  label_distances(labels, distances, table);
  return distances;
}

/// L_ij = rho_L(l_i, l_j) (n x n), from n label vectors (n x p, borrowed), as feature_distances.
template <FeatureMatrix Y, class Out, Metric M = Euclidean, class Backend = detail::DefaultBackend>
requires(WritableMatrix<std::remove_reference_t<Out>> &&
         !Metric<std::remove_cvref_t<Out>>) void label_distances(const Y& label_vectors,
                                                                 Out&& distances,
                                                                 const M& metric = {}) {
  feature_distances<Y, Out, M, Backend>(label_vectors, std::forward<Out>(distances), metric);
}
/// The same, returned.
template <FeatureMatrix Y, Metric M = Euclidean, class Backend = detail::DefaultBackend>
detail::MatrixOf<Y> label_distances(const Y& label_vectors, const M& metric = {}) {
  return feature_distances<Y, M, Backend>(label_vectors, metric);
}

/// @cond
// What the functions above do not take, and the sentence that says so.
template <class Y, class... Rest>
requires(!ClassLabels<Y> && !FeatureMatrix<Y>) auto label_distances(const Y& /*labels*/,
                                                                    Rest&&... /*rest*/) {
  static_assert(
      ClassLabels<Y> || FeatureMatrix<Y>,
      "ldmat: labels must be class ids (a range or Eigen vector of integers or enums) or a "
      "floating-point matrix of label vectors");
  return Eigen::MatrixXd{};
}
template <class Y, class Out, class... Rest>
requires((ClassLabels<Y> || FeatureMatrix<Y>)&&detail::EigenDense<Out> &&
         !detail::Writable<Out>) auto label_distances(const Y& /*labels*/, Out&& /*distances*/,
                                                      Rest&&... /*rest*/) {
  static_assert(detail::Writable<Out>, LDMAT_DETAIL_NEEDS_DISTANCES
                "; a table of distances between classes goes in as ldmat::ClassTable{table}");
  return Eigen::MatrixXd{};
}
/// @endcond

/// The affinity regularizer, T = (1 - strength) L + strength P L P^T off the diagonal: every
/// sample's distances are mixed with those of the samples it resembles. Made by `affinity`.
template <class S>
struct Affinity {
  MatrixView<const S> rows;  ///< P, n x n, borrowed
  double strength;           ///< in [0, 1]
};

/// P is n x n with rows that are not negative and sum to 1 (borrowed); strength in [0, 1].
template <FeatureMatrix P>
auto affinity(const P& rows, double strength) {
  return Affinity<std::remove_const_t<detail::ViewElement<const P>>>{detail::const_view(rows),
                                                                     strength};
}

/// @cond
template <detail::Owning P>  // would be gone before it is read
detail::NeedsAVariableNotATemporary affinity(const P&& rows, double strength) = delete;
template <detail::NotInMemory P>
detail::NeedsAMatrixInMemory affinity(const P& rows, double strength) = delete;
/// @endcond

namespace detail {

template <class R>
struct IsAffinity : std::false_type {};
template <class S>
struct IsAffinity<Affinity<S>> : std::true_type {};

template <class S>
void require_stochastic(MatrixView<const S> p, Index n) {
  require_strides("affinity", p);
  if (p.rows != n || p.columns != n) {
    throw_shape("affinity", {p.rows, p.columns}, square_rule, {n, n});
  }
  const double tolerance = std::sqrt(static_cast<double>(Eigen::NumTraits<S>::epsilon()));
  for (Index i = 0; i < n; ++i) {
    double sum = 0;
    bool negative = false;
    for (Index j = 0; j < n; ++j) {
      sum += static_cast<double>(p(i, j));
      negative = negative || !(static_cast<double>(p(i, j)) >= 0);
    }
    if (negative || !(std::abs(sum - 1) <= tolerance)) {
      throw_invalid({"row ", i, " of affinity sums to ", sum,
                     negative ? " with negative or NaN entries" : "",
                     ", but its entries must be >= 0 and sum to 1"});
    }
  }
}

/// The n x n output of `regularize`, which may be its input but not overlap it otherwise.
template <class G, class S>
auto target_output(G& target, MatrixView<const S> input) {
  const auto out = sized_output("target", target, input.rows, input.rows, square_rule);
  const bool in_place = static_cast<const void*>(out.data) == input.data &&
                        out.row_stride == input.row_stride &&
                        out.column_stride == input.column_stride;
  if (!in_place && overlap(input, out)) {
    throw_invalid("target overlaps label_distances, but must be the same matrix or another one");
  }
  return out;
}

template <FeatureMatrix L>
auto square_view(const L& distances) {
  const auto l = const_view(distances);
  require_strides("label_distances", l);
  if (l.rows != l.columns) {
    throw_invalid({"label_distances is ", Shape{l.rows, l.columns}, ", but must be square"});
  }
  return l;
}

}  // namespace detail

/// T = R(L) (n x n), 0 on the diagonal: each pair of different samples by the formula of the
/// regularizer, with mean(L) over those pairs. L is symmetric (its upper triangle is read); T may
/// be L itself. A regularizer of running distances is refused: it needs the classes of a Loss.
/// O(n^2).
template <FeatureMatrix L, RegularizerPolicy R, class Out>
requires WritableMatrix<std::remove_reference_t<Out>>
void regularize(const L& distances, const R& regularizer, Out&& target) {
  regularizer.validate();
  if (regularizer.uses_running()) {
    detail::throw_invalid("an adaptive regularizer learns class distances: use it in a Loss");
  }
  const auto l = detail::square_view(distances);
  const Index n = l.rows;
  const auto out = detail::target_output(target, l);
  double sum = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = i + 1; j < n; ++j) sum += static_cast<double>(l(i, j));
  }
  const double mean = n < 2 ? 0 : sum / (static_cast<double>(n) * static_cast<double>(n - 1) / 2);
  detail::fill_symmetric(out, [&](Index i, Index j) {
    const auto distance = static_cast<double>(l(i, j));
    return regularizer(LabelPair<double>{distance, mean, distance});
  });
}

/// T = (1 - strength) L + strength P L P^T off the diagonal, 0 on it. O(n^3) time, 3 n^2 memory. T
/// may be L itself. To train with it: `loss(features, target_matrix(T, L), gradient)`.
template <FeatureMatrix L, class S, class Out>
requires WritableMatrix<std::remove_reference_t<Out>>
void regularize(const L& distances, const Affinity<S>& affinity, Out&& target) {
  detail::require_range("affinity strength", affinity.strength, 0, 1);
  const auto l = detail::square_view(distances);
  const Index n = l.rows;
  detail::require_stochastic(affinity.rows, n);
  const auto out = detail::target_output(target, l);
  const auto whole = [n](const auto& from) {
    return Eigen::MatrixXd::NullaryExpr(
        n, n, [&from](Index i, Index j) { return static_cast<double>(from(i, j)); });
  };
  const Eigen::MatrixXd p = whole(affinity.rows);
  const Eigen::MatrixXd given = whole(l);
  const Eigen::MatrixXd mixed = p * given * p.transpose();
  detail::fill_symmetric(out, [&](Index i, Index j) {
    return (1 - affinity.strength) * given(i, j) + affinity.strength * mixed(i, j);
  });
}

/// @cond
// What the functions above do not take, and the sentence that says so.
template <class L, class R, class Out>
requires(!FeatureMatrix<L> || !(RegularizerPolicy<R> || detail::IsAffinity<R>::value) ||
         !detail::Writable<Out>) void regularize(const L& /*distances*/, const R& /*regularizer*/,
                                                 Out&& /*target*/) {
  static_assert(
      FeatureMatrix<L>,
      "ldmat: label distances must be a matrix in memory of float, double, Eigen::half or "
      "Eigen::bfloat16; evaluate an expression with .eval() first");
  static_assert(RegularizerPolicy<R> || detail::IsAffinity<R>::value,
                LDMAT_DETAIL_NEEDS_REGULARIZER);
  static_assert(detail::Writable<Out>, LDMAT_DETAIL_NEEDS_DISTANCES);
}
/// @endcond

/// The same, returned; for an affinity, too.
template <class L, class R>
Eigen::MatrixXd regularize(const L& distances, const R& regularizer) {
  Eigen::MatrixXd target;
  regularize(distances, regularizer, target);
  return target;
}

}  // namespace ldmat
