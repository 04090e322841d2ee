#include "support.hpp"

#include <array>
#include <deque>
#include <list>

using support::Matrix;
using support::Random;

namespace {

/// The least that is mdspan-like.
template <class T, std::size_t Rank>
struct Span {
  T* pointer;
  std::array<std::size_t, Rank> extents;
  std::array<std::size_t, Rank> strides;
  static constexpr std::size_t rank() { return Rank; }
  std::size_t extent(std::size_t r) const { return extents[r]; }
  std::size_t stride(std::size_t r) const { return strides[r]; }
  T* const& data_handle() const { return pointer; }  // as std::mdspan has it
};

enum class Digit : unsigned char { zero, one, two };

constexpr Eigen::Index n = 20;
constexpr Eigen::Index d = 3;

struct Reference {
  support::Batch batch;
  Matrix gradient;
  ldmat::LossResult result;
};

/// Sums for which it matters how many pairs are counted as of one class.
ldmat::Loss<double> balanced_loss() {
  return ldmat::Loss<double>{{.weights = ldmat::class_balanced(0.3)}};
}

Reference reference() {
  Random random(41);
  Reference r{support::random_batch(random, n, d, 3), {}, {}};
  auto loss = balanced_loss();
  r.result = loss(r.batch.features, r.batch.labels, r.gradient);
  return r;
}

template <class F, class L>
void check_features(const F& features, const L& labels, const Reference& expected) {
  auto loss = balanced_loss();
  Matrix gradient;
  const ldmat::LossResult result = loss(features, labels, gradient);
  CHECK(result.value == doctest::Approx(expected.result.value).epsilon(1e-13));
  CHECK(result.same_pairs == expected.result.same_pairs);
  CHECK(result.mean_same_distance ==
        doctest::Approx(expected.result.mean_same_distance).epsilon(1e-13));
  CHECK(support::relative_error(gradient, expected.gradient) <= 1e-12);
}

template <class G>
void check_gradient(G&& gradient, const Reference& expected) {
  auto loss = balanced_loss();
  loss(expected.batch.features, expected.batch.labels, gradient);
}

}  // namespace

TEST_CASE("features come from any addressable matrix") {
  const Reference r = reference();
  const Matrix& f = r.batch.features;
  const auto& y = r.batch.labels;
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Rows by_rows = f;

  check_features(by_rows, y, r);
  check_features(Eigen::Matrix<double, n, d>(f), y, r);
  check_features(Eigen::ArrayXXd(f.array()), y, r);
  const Matrix transposed = f.transpose();
  check_features(transposed.transpose(), y, r);

  Matrix wide = Matrix::Constant(2 * n, 7, std::nan(""));
  wide.block(3, 2, n, d) = f;
  check_features(wide.block(3, 2, n, d), y, r);
  Rows wide_rows = wide;
  check_features(wide_rows.block(3, 2, n, d), y, r);
  check_features(Eigen::Ref<const Matrix>(wide.block(3, 2, n, d)), y, r);

  // Every second row and column of a larger buffer.
  std::vector<double> buffer(4 * n * d, std::nan(""));
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index k = 0; k < d; ++k) {
      buffer[static_cast<std::size_t>(2 * i * 2 * d + 2 * k)] = f(i, k);
    }
  }
  check_features(ldmat::view(buffer.data(), n, d, 4 * d, 2), y, r);
  check_features(Span<double, 2>{buffer.data(), {n, d}, {4 * d, 2}}, y, r);
  check_features(ldmat::MatrixView<const double>{buffer.data(), n, d, 4 * d, 2}, y, r);
  check_features(ldmat::view(by_rows.data(), n, d), y, r);
  check_features(ldmat::view(std::span<const double>(by_rows.data(), n * d), n, d), y, r);
  check_features(ldmat::view(f.data(), n, d, 1, n), y, r);
}

TEST_CASE("features of one dimension, of one repeated sample, and of overlapping rows") {
  Random random(42);
  const Eigen::VectorXd f = Eigen::VectorXd::NullaryExpr(n, [&](auto) { return random.normal(); });
  const std::vector<int> y(static_cast<std::size_t>(n), 0);
  ldmat::Loss<double> loss{};
  Eigen::VectorXd g;
  const Matrix as_matrix = f;
  Matrix as_matrix_gradient;
  CHECK(loss(f, y, g).value == loss(as_matrix, y, as_matrix_gradient).value);
  CHECK(g == as_matrix_gradient);

  // A row stride of zero repeats one sample n times: no distance, no gradient.
  const std::array<double, 2> sample{3, 4};
  const std::vector<int> distinct_labels{0, 1, 2};
  const auto repeated = ldmat::view(sample.data(), 3, 2, 0, 1);
  Matrix gradient;
  CHECK(loss(repeated, distinct_labels, gradient).value == 1);
  CHECK(gradient == Matrix::Zero(3, 2));

  // Rows that overlap, as windows of a series do.
  const auto windows = ldmat::view(f.data(), n - 2, 3, 1, 1);
  const Matrix dense = windows;
  const std::span<const int> labels(y.data(), static_cast<std::size_t>(n - 2));
  Matrix expected;
  Matrix of_windows;
  CHECK(loss(windows, labels, of_windows).value == loss(dense, labels, expected).value);
  CHECK(of_windows == expected);
}

TEST_CASE("the gradient goes to any writable matrix") {
  const Reference r = reference();
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto same = [&](const auto& g) {
    return support::relative_error(Matrix(g), r.gradient) <= 1e-15;
  };
  Rows rows;
  check_gradient(rows, r);
  CHECK(same(rows));
  Eigen::Matrix<double, n, d> fixed;
  check_gradient(fixed, r);
  CHECK(same(fixed));

  Matrix wide = Matrix::Constant(2 * n, 7, 5.0);
  check_gradient(wide.block(3, 2, n, d), r);
  CHECK(same(wide.block(3, 2, n, d)));
  wide.block(3, 2, n, d).setConstant(5);
  CHECK(wide == Matrix::Constant(2 * n, 7, 5.0));

  std::vector<double> buffer(n * d);
  check_gradient(ldmat::view(buffer.data(), n, d), r);
  CHECK(same(ldmat::view(buffer.data(), n, d)));
  std::fill(buffer.begin(), buffer.end(), 0.0);
  check_gradient(Span<double, 2>{buffer.data(), {n, d}, {d, 1}}, r);
  CHECK(same(ldmat::view(buffer.data(), n, d)));

  // Features and gradient side by side in one matrix share memory, but no element.
  Rows both(n, 2 * d);
  both.leftCols(d) = r.batch.features;
  auto loss = balanced_loss();
  loss(both.leftCols(d), r.batch.labels, both.rightCols(d));
  CHECK(same(both.rightCols(d)));
}

TEST_CASE("class ids come from any range of integers or enumerators") {
  const Reference r = reference();
  const Matrix& f = r.batch.features;
  const auto& y = r.batch.labels;
  const auto as = [&]<class T>(T) { return std::vector<T>(y.begin(), y.end()); };
  const auto all = [&]<class... T>(T... zero) { (check_features(f, as(zero), r), ...); };
  all(char{}, static_cast<signed char>(0), static_cast<unsigned char>(0), char8_t{}, char16_t{},
      char32_t{}, wchar_t{});
  all(short{}, static_cast<unsigned short>(0), 0U, 0L, 0UL, 0LL, 0ULL);
  check_features(f, std::deque<int>(y.begin(), y.end()), r);
  check_features(f, std::list<int>(y.begin(), y.end()), r);
  check_features(f, std::span<const int>(y), r);
  check_features(f, ldmat::labels(y.data(), y.size()), r);
  check_features(f, Eigen::VectorXi(Eigen::Map<const Eigen::VectorXi>(y.data(), n)), r);
  check_features(f, Eigen::RowVectorXi(Eigen::Map<const Eigen::RowVectorXi>(y.data(), n)), r);
  check_features(f, Eigen::Map<const Eigen::VectorXi>(y.data(), n), r);
  check_features(f, Span<const int, 1>{y.data(), {n}, {1}}, r);
  std::vector<Digit> digits;
  digits.reserve(y.size());
  for (const int id : y) digits.push_back(static_cast<Digit>(id));
  check_features(f, digits, r);
  int c_array[n];
  std::copy(y.begin(), y.end(), c_array);
  check_features(f, c_array, r);

  // Only which labels are equal matters, however large they are.
  std::vector<std::int64_t> huge;
  huge.reserve(y.size());
  for (const int id : y) huge.push_back((std::int64_t{1} << 60) - 7 * id);
  check_features(f, huge, r);
}

#if defined(__SIZEOF_INT128__)
__extension__ typedef __int128 Int128;  // NOLINT(modernize-use-using): an extension, said to be one
enum class Vast : Int128 {};
static_assert(!ldmat::ClassLabels<std::vector<Vast>>, "ids would be cut off to 64 bits");
#endif

TEST_CASE("bool labels") {
  Random random(43);
  const support::Batch batch = support::random_batch(random, n, d, 2);
  const std::vector<bool> flags(batch.labels.begin(), batch.labels.end());
  ldmat::Loss<double> loss{};
  CHECK(loss(batch.features, flags).value == loss(batch.features, batch.labels).value);
}

TEST_CASE("a floating-point matrix is label vectors") {
  const Reference r = reference();
  Eigen::MatrixXf one_hot = Eigen::MatrixXf::Zero(n, 3);
  for (Eigen::Index i = 0; i < n; ++i) one_hot(i, r.batch.labels[static_cast<std::size_t>(i)]) = 1;
  ldmat::Loss<double> by_id{{.class_distance = std::sqrt(2.0)}};
  ldmat::Loss<double> by_vector{};
  Matrix expected;
  Matrix gradient;
  const auto a = by_id(r.batch.features, r.batch.labels, expected);
  const auto b = by_vector(r.batch.features, one_hot, gradient);
  CHECK(b.value == doctest::Approx(a.value).epsilon(1e-13));
  CHECK(b.same_pairs == a.same_pairs);
  CHECK(support::relative_error(gradient, expected) <= 1e-12);
  by_vector(r.batch.features, ldmat::label_vectors(one_hot), gradient);
  CHECK(support::relative_error(gradient, expected) <= 1e-12);
}

TEST_CASE("half features give a half gradient or a float one") {
  const Reference r = reference();
  const Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic> f =
      r.batch.features.cast<Eigen::half>();
  ldmat::Loss<Eigen::half> loss{{.reduction = ldmat::Reduction::sum}};
  Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic> narrow;
  Eigen::MatrixXf wide;
  loss(f, r.batch.labels, narrow);
  loss(f, r.batch.labels, wide);
  CHECK(narrow.cast<float>() == wide.cast<Eigen::half>().cast<float>());
}
