// Loss on small batches with all options: value and gradient beside a plain reference in double with
// a bound on rounding for each pair, the same bits from a workspace that was used before, NaN where a
// feature is NaN, and nothing written by a call that throws.
#include "support.hpp"
#include "target.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <optional>

namespace {

using fuzz::Input;
using ldmat::Index;
using support::AnyPenalty;
using Table = Eigen::MatrixXd;

/// Row i. A matrix without columns has no memory, and Eigen must not be made to step through it.
template <class M>
auto row_of(M& matrix, Index i) {
  return matrix.row(matrix.cols() == 0 ? 0 : i);
}

enum class LabelKind { ids, ids_with_table, vectors, matrix };

/// What is wrong with a call, by intention.
enum class Fault {
  label_count,
  negative_label,
  large_label,
  gradient_shape,
  overlap,
  class_distance,
  asymmetric_table,
  empty_weights,
  another_class_count,
  table_without_ids,
  none
};

/// Everything of a case but the features, in types that do not depend on Scalar and metric.
struct Case {
  Index n = 0;
  Index d = 0;
  LabelKind kind{};
  int classes = 1;
  std::vector<std::int64_t> ids;
  Eigen::MatrixXf vectors;
  Table target;           // T_ij and L_ij of LabelKind::matrix
  Table label_distances;  // L_ij
  Table table;
  ldmat::Weights weights;
  ldmat::Regularizer regularizer;
  AnyPenalty penalty;
  ldmat::Reduction reduction{};
  double class_distance = 1;
  bool check_finite = false;
  Fault fault{};
};

Table symmetric(Input& in, Index k, bool zero_diagonal) {
  Table table(k, k);
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j <= i; ++j) table(i, j) = table(j, i) = in.below(32) / 8.0;
    if (zero_diagonal) table(i, i) = 0;
  }
  return table;
}

Case read_case(Input& in) {
  constexpr Index sizes[] = {0, 1, 2, 3, 4, 5, 7, 9, 16, 17, 33};
  constexpr Index widths[] = {0, 1, 2, 3, 4, 5, 8, 17, 24, 33};
  Case c;
  c.n = sizes[in.below(std::size(sizes))];
  c.d = widths[in.below(std::size(widths))];
  c.kind = static_cast<LabelKind>(in.below(4));
  c.classes = 1 + in.below(5);
  c.penalty = {in.below(AnyPenalty::kinds), in.flag(), (1 + in.below(16)) / 16.0};
  c.reduction = static_cast<ldmat::Reduction>(in.below(4));
  c.class_distance = in.below(64) / 16.0;
  c.check_finite = in.below(4) == 0;
  const int fault = in.below(32);
  c.fault = fault < static_cast<int>(Fault::none) ? static_cast<Fault>(fault) : Fault::none;
  const bool by_ids = c.kind == LabelKind::ids || c.kind == LabelKind::ids_with_table;
  const double strength = in.below(17) / 16.0;
  switch (in.below(by_ids ? 4 : 3)) {
    case 0:
      break;
    case 1:
      c.regularizer = ldmat::offset(strength);
      break;
    case 2:
      c.regularizer = ldmat::shrink(strength);
      break;
    default:
      c.regularizer = ldmat::adaptive(strength, in.below(17) / 16.0);
  }
  switch (in.below(by_ids ? 3 : 2)) {
    case 0:
      break;
    case 1:
      c.weights = ldmat::class_balanced(in.below(17) / 16.0);
      break;
    default:
      c.weights = ldmat::weight_table(symmetric(in, c.classes, false));
  }
  if (c.kind == LabelKind::ids_with_table) c.table = symmetric(in, c.classes, true);
  for (Index i = 0; i < c.n; ++i) c.ids.push_back(in.below(c.classes));
  const auto id = [&](Index i) { return static_cast<int>(c.ids[static_cast<std::size_t>(i)]); };
  c.vectors = Eigen::MatrixXf::NullaryExpr(
      c.n, 2, [&](Index i, Index k) { return static_cast<float>((id(i) >> k) & 1) * 0.25F; });
  c.label_distances = Table::NullaryExpr(c.n, c.n, [&](Index i, Index j) {
    if (i == j) return 0.0;
    if (c.kind == LabelKind::ids_with_table) return c.table(id(i), id(j));
    if (by_ids) return id(i) == id(j) ? 0 : c.class_distance;
    return static_cast<double>((row_of(c.vectors, i) - row_of(c.vectors, j)).cast<double>().norm());
  });
  c.target = c.label_distances * 1.5;
  return c;
}

/// Values of a grid that every type holds, any bits, or a tight cloud far from the origin.
template <class Scalar>
Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> read_features(Input& in, Index n, Index d) {
  const int kind = in.below(3);
  std::uint32_t state = in.take<std::uint16_t>();
  const auto byte = [&]() -> std::uint8_t {
    if (!in.rest().empty()) return in.take<std::uint8_t>();
    state = state * 1664525u + 1013904223u;
    return static_cast<std::uint8_t>(state >> 24);
  };
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> features(n, d);
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < d; ++k) {
      if (kind == 1) {
        std::array<std::uint8_t, sizeof(Scalar)> bits{};
        for (auto& each : bits) each = byte();
        std::memcpy(static_cast<void*>(&features(i, k)), bits.data(), sizeof(Scalar));
      } else {
        const float grid = static_cast<float>(static_cast<std::int8_t>(byte()));
        features(i, k) = static_cast<Scalar>(kind == 0 ? grid / 16 : 100 + grid / 64);
      }
    }
  }
  return features;
}

/// A number and how far from it rounding may lead.
struct Bounded {
  double value = 0;
  double error = 0;
};

/// The reference: sums over pairs, each with its bound.
struct Reference {
  double value = 0;
  double value_error = 0;
  Table gradient;
  Table gradient_error;
  bool usable = true;  ///< false: beyond the range, or so ill-conditioned that nothing can be said
};

/// rho and d rho / dx_i with bounds; `rounding` is that of the accumulator.
struct PairDistance {
  Bounded distance;
  Eigen::VectorXd gradient_i;
  Eigen::VectorXd gradient_j;
  Eigen::VectorXd error_i;
  Eigen::VectorXd error_j;
};

struct Precision {
  double rounding;
  double smallest;
  double largest;
};

template <class M>
PairDistance pair_distance(const Eigen::VectorXd& x, const Eigen::VectorXd& y, double radius,
                           bool products, const Precision& type) {
  const Index d = x.size();
  PairDistance result;
  result.error_i = result.error_j = Eigen::VectorXd::Zero(d);
  const double width = static_cast<double>(d + 16);
  const double relative = (products ? 4096 : width) * type.rounding;
  if constexpr (M::of_directions) {
    result.gradient_i = result.gradient_j = Eigen::VectorXd::Zero(d);
    const double a = x.norm();
    const double b = y.norm();
    if (a == 0 || b == 0) {
      result.distance.value = a == b ? 0 : 1;
      result.distance.error = 16 * type.rounding;
      // The kernel finds the slope along the other sample and takes it off again.
      if (a > 0) result.error_i.setConstant(32 * type.rounding / a);
      if (b > 0) result.error_j.setConstant(32 * type.rounding / b);
      return result;
    }
    const Eigen::VectorXd u = x / a;
    const Eigen::VectorXd v = y / b;
    const double s = (u - v).norm();
    const double noise = (products ? 512 : 32) * type.rounding;
    result.distance = {s * s / 2, s * noise + noise * noise + relative * s * s};
    const double cosine = u.dot(v);
    result.gradient_i = (cosine * u - v) / a;
    result.gradient_j = (cosine * v - u) / b;
    result.error_i.setConstant(4 * noise / a);
    result.error_j.setConstant(4 * noise / b);
    return result;
  } else {
    const Eigen::VectorXd difference = x - y;
    if constexpr (!M::from_squared_norm) {
      result.distance = {difference.template lpNorm<1>(), 0};
      result.distance.error = relative * result.distance.value + width * type.smallest;
      result.gradient_i = difference.array().sign().matrix();
    } else {
      const double norm = difference.norm();
      const double floor = std::sqrt(type.smallest) * width;
      if constexpr (std::is_same_v<M, ldmat::SquaredEuclidean>) {
        result.distance = {norm * norm, relative * norm * norm + width * type.smallest};
        result.gradient_i = 2 * difference;
        result.error_i = relative * result.gradient_i.cwiseAbs();
        if (products) result.error_i.array() += 64 * type.rounding * radius;
      } else {
        result.distance = {norm, relative * norm + floor};
        result.gradient_i = Eigen::VectorXd::Zero(d);
        if (norm > 0) result.gradient_i = difference / norm;
        result.error_i = 2 * relative * result.gradient_i.cwiseAbs();
        if (norm > 0 && norm < 4 * floor) result.error_i.setOnes();  // may be taken for 0
        if (products && norm > 0) result.error_i.array() += 64 * type.rounding * radius / norm;
      }
    }
    result.gradient_j = -result.gradient_i;
    result.error_j = result.error_i;
  }
  return result;
}

Table target_of(const Case& c, const ldmat::RunningDistances& running) {
  const Index n = c.n;
  if (c.kind == LabelKind::matrix) return c.target;
  double mean = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = i + 1; j < n; ++j) mean += c.label_distances(i, j);
  }
  if (n > 1) mean /= static_cast<double>(n * (n - 1)) / 2;
  return Table::NullaryExpr(n, n, [&](Index i, Index j) {
    const double distance = c.label_distances(i, j);
    double seen = distance;
    if (c.regularizer.uses_running()) {
      const auto a = c.ids[static_cast<std::size_t>(i)];
      const auto b = c.ids[static_cast<std::size_t>(j)];
      if (running.batches(a, b) > 0) seen = running.distance(a, b);
    }
    return c.regularizer.keep * distance + c.regularizer.offset + c.regularizer.toward_mean * mean +
           c.regularizer.toward_running * seen;
  });
}

template <class M>
Reference reference(const Case& c, const Table& f, const ldmat::RunningDistances& running,
                    const Precision& type) {
  const Index n = c.n;
  const Index d = c.d;
  Reference result;
  result.gradient = result.gradient_error = Table::Zero(n, d);
  const bool by_ids = c.kind == LabelKind::ids || c.kind == LabelKind::ids_with_table;
  const Table same = Table::NullaryExpr(n, n, [&](Index i, Index j) {
    if (!by_ids) return static_cast<double>(c.label_distances(i, j) == 0);
    return static_cast<double>(c.ids[static_cast<std::size_t>(i)] ==
                               c.ids[static_cast<std::size_t>(j)]);
  });
  const Table weight =
      support::weight_matrix(c.weights, same, std::vector<int>(c.ids.begin(), c.ids.end()));
  const Table target = target_of(c, running);
  // Differences of rows, or of directions, from their mean: what products are made of.
  double radius = 1;
  if (!M::of_directions && n > 0 && d > 0) {
    radius = (f.rowwise() - f.colwise().mean()).rowwise().norm().maxCoeff();
  }
  const bool products = M::from_squared_norm && d + 1 >= 24;
  long double penalties = 0;  // of equal terms, in double, every sum may be rounded the same way
  Bounded sum;
  long double weights = 0;
  double magnitude = 0;
  Table sizes = Table::Zero(n, d);
  for (Index i = 0; i < n; ++i) {
    for (Index j = i + 1; j < n; ++j) {
      const auto pair = pair_distance<M>(row_of(f, i), row_of(f, j), radius, products, type);
      const double w = weight(i, j);
      const double r = pair.distance.value - target(i, j);
      const double r_error =
          pair.distance.error + 8 * type.rounding * (std::abs(target(i, j)) + std::abs(r));
      const auto cost = support::penalized(c.penalty, r, same(i, j) != 0);
      const bool at_jump = c.penalty.kind == 1 && std::abs(r) <= r_error;
      const double slope_error =
          2 * r_error + 8 * type.rounding * std::abs(cost.slope) + (at_jump ? 2 : 0);
      const double cost_error =
          (std::abs(cost.slope) + slope_error) * r_error + 8 * type.rounding * cost.value;
      weights += static_cast<long double>(w);
      penalties += static_cast<long double>(w) * static_cast<long double>(cost.value);
      sum.error += w * (cost_error + 64 * type.rounding * cost.value);
      const auto add = [&](Index at, const Eigen::VectorXd& g, const Eigen::VectorXd& error) {
        row_of(result.gradient, at) += (w * cost.slope * g).transpose();
        const Eigen::VectorXd size = (w * std::abs(cost.slope) * g).cwiseAbs();
        row_of(sizes, at) += size.transpose();
        row_of(result.gradient_error, at) +=
            (w * (slope_error * (g.cwiseAbs() + error) + std::abs(cost.slope) * error)).transpose();
        if (d > 0) magnitude = std::max(magnitude, size.maxCoeff());
      };
      add(i, pair.gradient_i, pair.error_i);
      add(j, pair.gradient_j, pair.error_j);
      magnitude = std::max({magnitude, w * cost.value, cost.value, pair.distance.value});
      // A kernel multiplies slope and coordinates; a squared distance must fit, too.
      magnitude = std::max(magnitude, (row_of(f, i) - row_of(f, j)).squaredNorm());
      magnitude = std::max(magnitude, std::abs(cost.slope) * radius);
    }
  }
  sum.value = static_cast<double>(penalties);
  result.gradient_error += 64 * type.rounding * sizes;
  double scale = 1;
  double scale_error = 4 * type.rounding;  // relative
  if (c.reduction == ldmat::Reduction::mean) {
    scale = n > 1 ? 2 / (static_cast<double>(n) * static_cast<double>(n - 1)) : 0;
  }
  if (c.reduction == ldmat::Reduction::weighted_mean)
    scale = weights > 0 ? static_cast<double>(1 / weights) : 0;
  result.value = sum.value * scale;
  result.value_error = sum.error * scale + scale_error * std::abs(result.value);
  if (c.reduction == ldmat::Reduction::frobenius) {
    result.value = std::sqrt(2 * sum.value);
    result.value_error = std::sqrt(2 * sum.error);
    scale = sum.value > 0 ? 1 / result.value : 0;
    if (sum.value > 0) scale_error += sum.error / sum.value;
    result.usable = sum.value > 64 * sum.error;
  }
  result.gradient *= scale;
  result.gradient_error =
      (result.gradient_error * scale + scale_error * result.gradient.cwiseAbs()).eval();
  const double floor = type.smallest * 1e6 * std::max(1.0, scale);
  result.value_error += floor;
  result.gradient_error.array() += floor;
  // Not `>`: NaN counts. An absurd scale of the features is nobody's promise.
  if (!(magnitude * static_cast<double>(n + 1) * std::max(1.0, scale) < type.largest)) {
    result.usable = false;
  }
  if (!(f.size() == 0 || f.cwiseAbs().maxCoeff() <= 1e15)) result.usable = false;
  if (M::of_directions) {
    for (Index i = 0; i < n; ++i) {
      const double norm = row_of(f, i).norm();
      if (!(norm == 0 || norm > 1e-25)) result.usable = false;
    }
  }
  return result;
}

template <class A>
bool same_bits(const A& a, const A& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         (a.size() == 0 ||
          std::memcmp(static_cast<const void*>(a.data()), static_cast<const void*>(b.data()),
                      static_cast<std::size_t>(a.size()) * sizeof(*a.data())) == 0);
}

/// Equal, or both NaN: signs and payloads of NaN may depend on the order of operands.
template <class A>
bool same_numbers(const A& a, const A& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return false;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index k = 0; k < a.cols(); ++k) {
      const auto x = static_cast<double>(a(i, k));
      const auto y = static_cast<double>(b(i, k));
      if (x != y && !(std::isnan(x) && std::isnan(y))) return false;
    }
  }
  return true;
}
bool same_number(double x, double y) {
  return x == y || (std::isnan(x) && std::isnan(y));
}

/// Puts the fault into the options; false where this case cannot have it.
template <class Options>
bool spoil_options(Case& c, Options& options) {
  const bool by_ids = c.kind == LabelKind::ids || c.kind == LabelKind::ids_with_table;
  switch (c.fault) {
    case Fault::class_distance:
      options.class_distance = -0.5;
      return true;
    case Fault::asymmetric_table:
      if (c.classes < 2) return false;
      options.class_table = Table::Zero(c.classes, c.classes);
      options.class_table(0, 1) = 1;
      return true;
    case Fault::empty_weights:
      options.weights = ldmat::weight_table({});
      return true;
    case Fault::another_class_count:
      options.weights = ldmat::weight_table(Table::Ones(c.classes + 1, c.classes + 1));
      options.classes = c.classes;
      return true;
    case Fault::table_without_ids:
      if (by_ids) return false;
      options.class_table = Table::Zero(1, 1);
      return true;
    case Fault::large_label:
    case Fault::negative_label:
      return by_ids && c.n > 0;
    default:
      return c.fault != Fault::none;
  }
}

template <class Scalar, class M>
void run_case(Input& in) {
  using T = ldmat::Accumulator<Scalar>;
  using Gradient = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  constexpr Precision type{std::numeric_limits<T>::epsilon(), std::numeric_limits<T>::min(),
                           sizeof(T) == 4 ? 1e30 : 1e250};
  Case c = read_case(in);
  auto features = read_features<Scalar>(in, c.n, c.d);
  using Loss = ldmat::Loss<Scalar, M, AnyPenalty>;
  typename Loss::Options options{.class_distance = c.class_distance,
                                 .class_table = c.table,
                                 .regularizer = c.regularizer,
                                 .penalty = c.penalty,
                                 .weights = c.weights,
                                 .reduction = c.reduction,
                                 .check_finite = c.check_finite};
  const bool by_ids = c.kind == LabelKind::ids || c.kind == LabelKind::ids_with_table;
  if (by_ids && (c.regularizer.uses_running() || c.fault == Fault::large_label)) {
    options.classes = c.classes;
  }
  bool refused = spoil_options(c, options);
  std::optional<Loss> made;
  try {
    made.emplace(options);
  } catch (const std::invalid_argument& error) {
    FUZZ_CHECK(refused && fuzz::is_ours(error));
    return;
  }
  Loss& loss = *made;
  std::vector<std::int64_t> ids = c.ids;
  if (refused && c.fault == Fault::negative_label) ids.back() = -1;
  if (refused && c.fault == Fault::large_label) ids.back() = c.classes;
  if (refused && c.fault == Fault::label_count) ids.push_back(0);
  const Table& targets = c.kind == LabelKind::matrix ? c.target : c.label_distances;
  const bool finite = features.template cast<double>().array().isFinite().all();
  if (c.fault == Fault::overlap) refused = c.n > 0 && c.d > 0;
  if (c.check_finite && !finite) refused = true;

  const auto with_labels = [&](const auto& call) {
    if (c.kind == LabelKind::matrix) {
      if (c.fault == Fault::label_count) {
        const Table larger = Table::Zero(c.n + 1, c.n + 1);
        return call(ldmat::target_matrix(larger));
      }
      return call(ldmat::target_matrix(targets, c.label_distances));
    }
    if (c.kind == LabelKind::vectors) {
      if (c.fault == Fault::label_count) {
        const Eigen::MatrixXf more = Eigen::MatrixXf::Zero(c.n + 1, 2);
        return call(ldmat::label_vectors(more));
      }
      return call(ldmat::label_vectors(c.vectors));
    }
    return call(ids);
  };
  const ldmat::RunningDistances running = loss.running_distances();
  Gradient gradient = Gradient::Constant(c.n, c.d, T(77));
  if (c.fault == Fault::gradient_shape) gradient = Gradient::Constant(c.n + 1, c.d + 1, T(77));
  const Gradient before = gradient;
  const auto features_before = features;

  ldmat::LossResult result;
  bool threw = false;
  try {
    result = with_labels([&](const auto& labels) {
      if (c.fault == Fault::overlap) return loss(features, labels, features);
      return loss(features, labels, gradient);
    });
  } catch (const std::invalid_argument& error) {
    threw = true;
    FUZZ_CHECK(fuzz::is_ours(error));
  }
  FUZZ_CHECK(same_bits(features, features_before) || (c.fault == Fault::overlap && !threw));
  FUZZ_CHECK(threw == refused);
  if (threw) {
    FUZZ_CHECK(same_bits(gradient, before));
    FUZZ_CHECK(same_numbers(loss.running_distances().distance, running.distance));
    return;
  }
  if (c.fault == Fault::overlap) return;

  // A workspace that has seen other batches must leave no trace of them.
  static ldmat::Workspace<T> used;
  const Loss fresh(options);
  Gradient again;
  const auto second = with_labels(
      [&](const auto& labels) { return fresh.evaluate(features, labels, again, used); });
  FUZZ_CHECK(same_number(result.value, second.value));
  FUZZ_CHECK(c.n == 0 || c.d == 0 || same_numbers(gradient, again));
  const auto alone =
      with_labels([&](const auto& labels) { return fresh.evaluate(features, labels, used); });
  FUZZ_CHECK(same_number(result.mean_same_distance, second.mean_same_distance));
  FUZZ_CHECK(result.pairs == c.n * (c.n - 1) / 2 && alone.pairs == result.pairs);
  Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> stored(c.n, c.d);
  with_labels([&](const auto& labels) { return fresh.evaluate(features, labels, stored, used); });
  FUZZ_CHECK(same_numbers(stored, gradient.template cast<Scalar>().eval()));
  loss.restore(loss.running_distances());  // what a batch leaves is what can be restored

  const Table f = features.template cast<double>();
  if (c.n >= 2 && f.array().isNaN().any()) FUZZ_CHECK(std::isnan(result.value));
  const Reference expected = reference<M>(c, f, running, type);
  if (!finite || !expected.usable) return;
  FUZZ_CHECK(gradient.allFinite());
  FUZZ_CHECK(std::abs(result.value - expected.value) <= expected.value_error);
  FUZZ_CHECK(std::abs(alone.value - expected.value) <= expected.value_error);
  const Table error = (gradient.template cast<double>() - expected.gradient).cwiseAbs();
  FUZZ_CHECK((error.array() <= expected.gradient_error.array()).all());
}

}  // namespace

std::vector<fuzz::Bytes> fuzz::seeds() {
  std::vector<Bytes> all;
  for (std::uint64_t i = 0; i < 48; ++i) {
    Bytes bytes = noise(i % 3 == 0 ? 24 : 120, i);
    bytes[0] = static_cast<std::uint8_t>(i % 7);
    bytes[10] = static_cast<std::uint8_t>(i % 4 == 3 ? bytes[10] : 31);  // most without a fault
    all.push_back(bytes);
  }
  return all;
}

void fuzz::run(std::span<const std::uint8_t> input) {
  Input in(input);
  switch (in.below(7)) {
    case 0:
      return run_case<float, ldmat::Euclidean>(in);
    case 1:
      return run_case<double, ldmat::Euclidean>(in);
    case 2:
      return run_case<Eigen::half, ldmat::Euclidean>(in);
    case 3:
      return run_case<Eigen::bfloat16, ldmat::Euclidean>(in);
    case 4:
      return run_case<float, ldmat::Cosine>(in);
    case 5:
      return run_case<double, ldmat::Manhattan>(in);
    default:
      return run_case<float, ldmat::SquaredEuclidean>(in);
  }
}
