// Views of any strides, class ids of several types, and the functions that make whole matrices: a
// call throws std::invalid_argument and leaves its output as it was, or does what it does for plain
// matrices and writes nothing beside its output.
#include "support.hpp"
#include "target.hpp"

#include <cmath>
#include <set>

namespace {

using fuzz::Input;
using ldmat::Index;

constexpr Index arena_size = 512;

/// A view that may be anything; strides and shapes of 0, below 0 and too large among them.
struct Layout {
  Index offset;
  Index rows;
  Index columns;
  Index row_stride;
  Index column_stride;
};

Index read_extent(Input& in) {
  const int kind = in.take<std::uint8_t>();
  if (kind < 240) return kind % 12;
  constexpr Index odd[] = {-1, -7, 40, Index{1} << 40, std::numeric_limits<Index>::max()};
  return odd[kind % 5];
}
Index read_stride(Input& in) {
  const int kind = in.take<std::uint8_t>();
  if (kind < 240) return kind % 24;
  constexpr Index odd[] = {-1, -3, 100, Index{1} << 40};
  return odd[kind % 4];
}
Layout read_layout(Input& in) {
  Layout l{};
  l.offset = in.take<std::uint8_t>();
  l.rows = read_extent(in);
  l.columns = read_extent(in);
  switch (in.below(3)) {
    case 0:
      l.row_stride = l.columns >= 0 ? l.columns : 0;
      l.column_stride = 1;
      break;
    case 1:
      l.row_stride = 1;
      l.column_stride = l.rows >= 0 ? l.rows : 0;
      break;
    default:
      l.row_stride = read_stride(in);
      l.column_stride = read_stride(in);
  }
  return l;
}

/// Whether all elements lie in the arena, from which alone a function may be called.
bool inside(const Layout& l) {
  if (l.rows < 0 || l.columns < 0 || l.row_stride < 0 || l.column_stride < 0) return false;
  if (l.rows > arena_size || l.columns > arena_size) return false;
  if (l.rows == 0 || l.columns == 0) return true;
  const auto last = [](Index count, Index stride) {
    return count == 1 ? Index{0} : (stride > arena_size ? arena_size : (count - 1) * stride);
  };
  return l.offset + last(l.rows, l.row_stride) + last(l.columns, l.column_stride) < arena_size;
}

std::multiset<Index> elements(const Layout& l) {
  std::multiset<Index> all;
  for (Index i = 0; i < l.rows; ++i) {
    for (Index k = 0; k < l.columns; ++k) {
      all.insert(l.offset + i * l.row_stride + k * l.column_stride);
    }
  }
  return all;
}

/// Calls; true where it was refused, with a message as it should be.
template <class Call>
bool refuses(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    FUZZ_CHECK(fuzz::is_ours(error));
    return true;
  }
  return false;
}

template <class S>
struct Arena {
  std::vector<S> values = std::vector<S>(static_cast<std::size_t>(arena_size));

  explicit Arena(std::uint8_t seed) {
    std::uint32_t state = seed;
    for (S& value : values) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<S>(static_cast<float>(state >> 24) / 16);
    }
  }
  ldmat::MatrixView<S> at(const Layout& l) {
    return {values.data() + l.offset, l.rows, l.columns, l.row_stride, l.column_stride};
  }
};

template <class S>
using Dense = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic>;

template <class S>
Dense<S> copy(const ldmat::MatrixView<S>& x) {
  return Dense<S>::NullaryExpr(x.rows, x.columns, [&](Index i, Index k) { return x(i, k); });
}

template <class S>
bool equal(const std::vector<S>& a, const std::vector<S>& b) {
  return std::memcmp(static_cast<const void*>(a.data()), static_cast<const void*>(b.data()),
                     a.size() * sizeof(S)) == 0;
}

/// `write` fills the layout `out` of the arena with what `dense` gives, and touches nothing else; or
/// it is refused and touches nothing, which must be so where `must_refuse`.
template <class S, class Write, class Plain>
void check_write(Arena<S>& arena, const Layout& out, bool must_refuse, const Write& write,
                 const Plain& dense) {
  const auto before = arena.values;
  const bool refused = refuses(write);
  if (refused) {
    FUZZ_CHECK(equal(before, arena.values));
    return;
  }
  FUZZ_CHECK(!must_refuse);
  const auto written = elements(out);
  for (const Index at : written) FUZZ_CHECK(written.count(at) == 1);
  for (Index at = 0; at < arena_size; ++at) {
    if (written.count(at) > 0) continue;
    const auto offset = static_cast<std::size_t>(at);
    FUZZ_CHECK(std::memcmp(static_cast<const void*>(&before[offset]),
                           static_cast<const void*>(&arena.values[offset]), sizeof(S)) == 0);
  }
  const Dense<S> expected = dense(before);
  FUZZ_CHECK(expected.rows() == out.rows && expected.cols() == out.columns);
  const auto view = arena.at(out);
  for (Index i = 0; i < out.rows; ++i) {
    for (Index k = 0; k < out.columns; ++k) {
      const auto a = static_cast<double>(view(i, k));
      const auto b = static_cast<double>(expected(i, k));
      FUZZ_CHECK(a == b || (std::isnan(a) && std::isnan(b)));
    }
  }
}

template <class S>
Dense<S> gathered(const std::vector<S>& values, const Layout& l) {
  return Dense<S>::NullaryExpr(l.rows, l.columns, [&](Index i, Index k) {
    return values[static_cast<std::size_t>(l.offset + i * l.row_stride + k * l.column_stride)];
  });
}

bool share(const Layout& a, const Layout& b) {
  const auto of_a = elements(a);
  for (const Index at : elements(b)) {
    if (of_a.count(at) > 0) return true;
  }
  return false;
}

/// Constructors of views: refused exactly where a shape, a stride or a pointer says so.
template <class S>
void constructors(Input& in) {
  Arena<std::remove_const_t<S>> arena(1);
  const Layout l = read_layout(in);
  const bool null = in.below(8) == 0;
  S* const data = null ? nullptr : arena.values.data();
  const bool negative = l.rows < 0 || l.columns < 0 || l.row_stride < 0 || l.column_stride < 0;
  const bool empty = l.rows == 0 || l.columns == 0;
  constexpr Index most = Index{1} << 48;
  const bool vast =
      l.rows > most || l.columns > most || (l.columns > 0 && l.rows > most / l.columns);
  FUZZ_CHECK(refuses([&] {
               const auto made =
                   ldmat::view(data, l.rows, l.columns, l.row_stride, l.column_stride);
               FUZZ_CHECK(made.rows() == l.rows && made.cols() == l.columns);
               FUZZ_CHECK(made.data() == data);
             }) == (negative || vast || (null && !empty)));
  const auto count = static_cast<std::size_t>(in.below(64));
  const std::span<S> span(arena.values.data(), count);
  const auto wanted = static_cast<Index>(count);
  const bool fits =
      l.rows == 0 ? count == 0 : l.rows > 0 && wanted % l.rows == 0 && wanted / l.rows == l.columns;
  FUZZ_CHECK(refuses([&] { ldmat::view(span, l.rows, l.columns); }) ==
             (l.rows < 0 || l.columns < 0 || vast || !fits));
  const std::int16_t id = 3;
  FUZZ_CHECK(refuses([&] { ldmat::labels(null ? nullptr : &id, count > 0 ? 1 : 0); }) ==
             (null && count > 0));
}

/// Distances between rows of one layout, written to another.
template <class S, class M>
void distances(Input& in) {
  Arena<S> arena(in.take<std::uint8_t>());
  const Layout x = read_layout(in);
  const Layout out = read_layout(in);
  if (!inside(x) || !inside(out)) return;
  const bool must_refuse = out.rows != x.rows || out.columns != x.rows || share(x, out);
  check_write(
      arena, out, must_refuse, [&] { ldmat::feature_distances(arena.at(x), arena.at(out), M{}); },
      [&](const std::vector<S>& before) {
        return Dense<S>(ldmat::feature_distances(gathered(before, x), M{}).template cast<S>());
      });
}

/// A loss of one layout with its gradient to another.
template <class S>
void loss(Input& in) {
  Arena<S> arena(in.take<std::uint8_t>());
  const Layout x = read_layout(in);
  const Layout g = in.below(4) == 0 ? Layout{in.take<std::uint8_t>(), x.rows, x.columns,
                                             x.row_stride, x.column_stride}
                                    : read_layout(in);
  if (!inside(x) || !inside(g)) return;
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(x.rows));
  for (auto& label : labels) label = static_cast<std::uint8_t>(in.below(3));
  const ldmat::Loss<S> loss{{.class_distance = 2.5}};
  ldmat::Workspace<ldmat::Accumulator<S>> workspace;
  const bool shared = share(x, g);
  const bool shape = g.rows == x.rows && g.columns == x.columns;
  ldmat::LossResult result;
  check_write(
      arena, g, !shape || shared,
      [&] { result = loss.evaluate(arena.at(x), labels, arena.at(g), workspace); },
      [&](const std::vector<S>& before) {
        Dense<S> gradient;
        const auto plain = loss.evaluate(gathered(before, x), labels, gradient, workspace);
        FUZZ_CHECK(plain.value == result.value && plain.same_pairs == result.same_pairs);
        return gradient;
      });
  // Two layouts of one kind side by side are told apart to the element.
  const auto a = elements(g);
  const bool distinct = std::set<Index>(a.begin(), a.end()).size() == a.size();
  const bool contiguous = g.row_stride == g.columns * g.column_stride && g.column_stride == 1;
  if (shape && !shared && distinct && contiguous && x.row_stride == g.row_stride &&
      x.column_stride == 1) {
    FUZZ_CHECK(!refuses([&] { loss.evaluate(arena.at(x), labels, arena.at(g), workspace); }));
  }
}

enum class Colour : std::int8_t { red, green };

/// Class ids of type Y: refused exactly where one is negative or too large.
template <class Y>
void ids(Input& in) {
  const auto count = static_cast<std::size_t>(in.below(10));
  std::vector<Y> labels(count);
  bool bad = false;
  const int classes = in.below(6);
  const auto limit = classes > 0 ? static_cast<std::uint64_t>(classes) : std::uint64_t{1} << 62;
  const bool small = in.flag();
  for (Y& label : labels) {
    label = small ? static_cast<Y>(in.below(4)) : static_cast<Y>(in.take<std::uint64_t>());
    if constexpr (std::is_signed_v<Y> || std::is_enum_v<Y>) {
      bad = bad || static_cast<std::int64_t>(label) < 0;
    }
    bad = bad || static_cast<std::uint64_t>(label) >= limit;
  }
  const auto n = static_cast<Index>(count);
  Eigen::MatrixXd out = Eigen::MatrixXd::Constant(n, n, 7);
  const bool refused = refuses([&] {
    if (classes > 0) {
      const ldmat::ClassTable table{2 * (Eigen::MatrixXd::Ones(classes, classes) -
                                         Eigen::MatrixXd::Identity(classes, classes))};
      ldmat::label_distances(labels, out, table);
    } else {
      ldmat::label_distances(ldmat::labels(labels.data(), count), out, 2);
    }
  });
  FUZZ_CHECK(refused == bad);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      const bool same = labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)];
      FUZZ_CHECK(out(i, j) == (refused ? 7.0 : (same ? 0.0 : 2.0)));
    }
  }
  // The loss counts the same pairs, however large the ids.
  if (refused || classes > 0 || n == 0) return;
  const Eigen::MatrixXf features = Eigen::MatrixXf::Zero(n, 2);
  ldmat::Loss<float> loss{};
  FUZZ_CHECK(loss(features, labels).same_pairs * 2 ==
             static_cast<std::int64_t>((out.array() == 0).count()) - n);
}

/// Regularized targets in any layout, in place too.
template <class S>
void regularized(Input& in) {
  Arena<S> arena(in.take<std::uint8_t>());
  const Layout l = read_layout(in);
  const Layout out = in.below(3) == 0 ? l : read_layout(in);
  const auto kind = in.below(4);
  const double strength = in.below(20) / 16.0;  // too much from 17 on
  if (!inside(l) || !inside(out)) return;
  const bool in_place = out.offset == l.offset && out.row_stride == l.row_stride &&
                        out.column_stride == l.column_stride;
  bool must_refuse = l.rows != l.columns || out.rows != l.rows || out.columns != l.rows ||
                     (share(l, out) && !in_place);
  if (kind == 3) {
    const Index n = std::max<Index>(l.rows, 0);
    Eigen::MatrixXd p = Eigen::MatrixXd::Identity(n, n);
    if (n > 1) p(0, 0) = p(0, 1) = 0.5;
    if (in.below(8) == 0 && n > 0) p(n - 1, 0) += in.flag() ? 0.5 : -0.5;
    const bool stochastic =
        (p.array() >= 0).all() && ((p.rowwise().sum().array() - 1).abs() < 1e-9).all();
    must_refuse = must_refuse || strength > 1 || !stochastic;
    check_write(
        arena, out, must_refuse,
        [&] { ldmat::regularize(arena.at(l), ldmat::affinity(p, strength), arena.at(out)); },
        [&](const std::vector<S>& before) {
          return Dense<S>(ldmat::regularize(gathered(before, l), ldmat::affinity(p, strength))
                              .template cast<S>());
        });
    return;
  }
  const ldmat::Regularizer regularizer =
      kind == 0 ? ldmat::offset(strength)
                : (kind == 1 ? ldmat::shrink(strength) : ldmat::adaptive(strength));
  must_refuse = must_refuse || (kind > 0 && strength > 1) || (kind == 2 && strength > 0);
  check_write(
      arena, out, must_refuse, [&] { ldmat::regularize(arena.at(l), regularizer, arena.at(out)); },
      [&](const std::vector<S>& before) {
        return Dense<S>(ldmat::regularize(gathered(before, l), regularizer).template cast<S>());
      });
}

}  // namespace

std::vector<fuzz::Bytes> fuzz::seeds() {
  std::vector<Bytes> all;
  for (std::uint8_t i = 0; i < 60; ++i) {
    Bytes bytes = noise(40, i);
    bytes[0] = static_cast<std::uint8_t>(i % 20);
    all.push_back(bytes);
    // Two plain layouts that stand beside each other.
    all.push_back({static_cast<std::uint8_t>(i % 20), i, 0, 5, 3, 0, 1, 100, 5, 5, 0, 1, 2, 0, 1});
    all.push_back({static_cast<std::uint8_t>(i % 20), i, 0, 5, 3, 1, 1, 100, 5, 3, 1, 1, 2, 0, 1});
    all.push_back({static_cast<std::uint8_t>(i % 20), i, 0, 6, 6, 0, 0, 9, 6, 6, 0, 1, 2, 0, 1});
  }
  return all;
}

void fuzz::run(std::span<const std::uint8_t> input) {
  Input in(input);
  switch (in.below(20)) {
    case 0:
      return constructors<float>(in);
    case 1:
      return constructors<const double>(in);
    case 2:
      return distances<float, ldmat::Euclidean>(in);
    case 3:
      return distances<double, ldmat::Manhattan>(in);
    case 4:
      return distances<Eigen::half, ldmat::Cosine>(in);
    case 5:
      return loss<float>(in);
    case 6:
      return loss<double>(in);
    case 7:
      return loss<Eigen::bfloat16>(in);
    case 8:
      return ids<std::int8_t>(in);
    case 9:
      return ids<std::uint8_t>(in);
    case 10:
      return ids<std::int16_t>(in);
    case 11:
      return ids<std::uint16_t>(in);
    case 12:
      return ids<int>(in);
    case 13:
      return ids<unsigned>(in);
    case 14:
      return ids<std::int64_t>(in);
    case 15:
      return ids<std::uint64_t>(in);
    case 16:
      return ids<Colour>(in);
    case 17:
      return regularized<float>(in);
    case 18:
      return regularized<double>(in);
    default:
      return regularized<Eigen::bfloat16>(in);
  }
}
