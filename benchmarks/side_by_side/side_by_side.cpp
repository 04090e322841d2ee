// The C++ side of side_by_side.py: times ldmat, the same loss written plainly with Eigen, and
// Eigen's matrix product. Reads one request a line from stdin and answers each with one line, so
// that the script can let the competitors take turns:
//
//   about                                              compiler, versions, instruction set, as JSON
//   features N D KIND FILE                             writes the features, row-major float
//   check WHAT N D KIND TYPE THREADS                   value of the loss, norm of the matrix result
//   time WHAT N D KIND TYPE THREADS MILLISECONDS       median of repeats for about that long, in ms
//
// WHAT   ldmat-gradient (value and gradient), ldmat-value, ldmat-distances (the matrix D alone),
//        eigen-gradient, eigen-product (N x D times D x N), limit (pairs_in_two_dimensions.hpp,
//        for which the shape says nothing)
// KIND   normal: one cloud; trained: ten compact clusters, as a trained network gives them
// TYPE   float, double, half, bfloat16; the two of Eigen take float and double, limit float
//
// Anything that goes wrong is answered with "error: ..." By hand:
//
//   echo "time ldmat-gradient 1024 2 normal float 1 200" | side_by_side

#include "../loss/pairs_in_two_dimensions.hpp"

#include <ldmat/ldmat.hpp>

#include <xsimd/xsimd.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <concepts>
#include <exception>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace {

using Eigen::Index;

template <class T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int classes = 10;

struct Shape {
  Index n = 0;
  Index d = 0;
  std::string kind;

  bool operator==(const Shape&) const = default;
};

Eigen::ArrayXi make_labels(Index n) {
  return Eigen::ArrayXi::NullaryExpr(n, [](Index i) { return static_cast<int>(i % classes); });
}

/// Features whose distances are near 1, the distance that the loss asks of different classes. Those
/// of a trained network: class centres about 1 apart, samples of a class about 1/8 apart.
Rows<float> make_features(const Shape& shape) {
  std::mt19937_64 engine(1);
  std::normal_distribution<float> normal;
  const float scale = std::sqrt(0.5f / static_cast<float>(shape.d));
  const auto cloud = [&](Index n) {
    Rows<float> rows(n, shape.d);
    std::generate_n(rows.data(), rows.size(), [&] { return scale * normal(engine); });
    return rows;
  };
  if (shape.kind == "normal") return cloud(shape.n);
  if (shape.kind != "trained") throw std::invalid_argument("no kind " + shape.kind);
  const Rows<float> centres = cloud(classes);
  const Eigen::ArrayXi labels = make_labels(shape.n);
  Rows<float> rows = cloud(shape.n) / 8;
  for (Index i = 0; i < shape.n; ++i) rows.row(i) += centres.row(labels(i));
  return rows;
}

/// LDMAT as one would write it with Eigen: whole n x n matrices. They are kept from call to call,
/// which spares Eigen the pages of new memory.
template <class T>
class PlainEigen {
 public:
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

  T operator()(const Matrix& x, const Eigen::ArrayXi& labels, Matrix& gradient) {
    const Index n = x.rows();
    const T pairs = static_cast<T>(n) * static_cast<T>(n - 1) / 2;

    norms_ = x.rowwise().squaredNorm();
    distance_.noalias() = x * x.transpose();
    distance_ *= T(-2);
    distance_.colwise() += norms_;
    distance_.rowwise() += norms_.transpose();
    distance_ = distance_.cwiseMax(T(0)).cwiseSqrt();
    distance_.diagonal().setZero();

    target_ = (labels.replicate(1, n) != labels.transpose().replicate(n, 1)).template cast<T>();
    residual_ = distance_ - target_;
    coefficient_ = (distance_.array() > T(0))
                       .select(residual_.array() / distance_.array() * (2 / pairs), T(0));
    sums_ = coefficient_.rowwise().sum();
    gradient.noalias() = sums_.asDiagonal() * x;
    gradient.noalias() -= coefficient_ * x;
    // The matrix has every pair twice. One sum over all of it would lose four of float's digits.
    return residual_.colwise().squaredNorm().sum() / (2 * pairs);
  }

 private:
  Vector norms_, sums_;
  Matrix distance_, target_, residual_, coefficient_;
};

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Median time of a call in ms: a fifth of the budget to warm up, then repeats until it is used up.
/// One repeat is as many calls as take 20 us, so that reading the clock does not count.
template <class Call>
double median_ms(double budget, const Call& call) {
  auto start = Clock::now();
  int warm_up = 0;
  do {
    call();
    ++warm_up;
  } while (ms_since(start) < budget / 5);
  const double once = ms_since(start) / warm_up;
  const int calls = 1 + static_cast<int>(0.02 / once);

  std::vector<double> times;
  start = Clock::now();
  do {
    const auto repeat = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    times.push_back(ms_since(repeat) / calls);
  } while (ms_since(start) < budget);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

/// The competitors on the batch that was asked for last.
template <class T>
class Batch {
 public:
  void set(const Shape& shape) {
    if (shape == shape_) return;
    features_ = make_features(shape).cast<T>();
    labels_ = make_labels(shape.n);
    if constexpr (has_eigen) columns_ = features_;
    gradient_.resize(0, 0);  // ldmat sizes an empty matrix, but refuses one of another shape
    distances_.resize(0, 0);
    shape_ = shape;
  }

  /// Hands the call that `what` names to `use`; it returns the value of the loss, or 0.
  template <class Use>
  double with_call(const std::string& what, const Use& use) {
    if (what == "ldmat-gradient") {
      return use([this] { return loss_(features_, labels_, gradient_).value; });
    }
    if (what == "ldmat-value") {
      return use([this] { return loss_(features_, labels_).value; });
    }
    if (what == "ldmat-distances") {
      return use([this] {
        ldmat::feature_distances(features_, distances_);
        return 0.0;
      });
    }
    if constexpr (has_eigen) {
      if (what == "eigen-gradient") {
        return use(
            [this] { return static_cast<double>(plain_(columns_, labels_, column_gradient_)); });
      }
      if (what == "eigen-product") {
        return use([this] {
          product_.noalias() = columns_ * columns_.transpose();
          return 0.0;
        });
      }
    }
    if constexpr (std::same_as<T, float>) {
      if (what == "limit") {
        return use([this] {
          limit_();
          return 0.0;
        });
      }
    }
    throw std::invalid_argument("no " + what + " of this type");
  }

  /// Value of the loss and norm of its gradient; for the other requests 0 and norm of the matrix.
  std::pair<double, double> check(const std::string& what) {
    const auto norm = [](const auto& matrix) { return matrix.template cast<double>().norm(); };
    const double value = with_call(what, [](const auto& call) { return call(); });
    if (what == "ldmat-distances") return {value, norm(distances_)};
    if (what == "eigen-gradient") return {value, norm(column_gradient_)};
    if (what == "eigen-product") return {value, norm(product_)};
    return {value, what == "ldmat-gradient" ? norm(gradient_) : 0.0};
  }

 private:
  static constexpr bool has_eigen = std::same_as<T, float> || std::same_as<T, double>;
  using Accumulator = ldmat::Accumulator<T>;

  Shape shape_;
  Rows<T> features_, gradient_;
  Eigen::ArrayXi labels_;
  ldmat::Loss<T> loss_;
  Rows<Accumulator> distances_;
  typename PlainEigen<Accumulator>::Matrix columns_, column_gradient_, product_;
  PlainEigen<Accumulator> plain_;
  ldmat::bench::PairsInTwoDimensions<float, ldmat::bench::Inverse::estimate> limit_;
};

void set_threads(int threads) {
#ifdef _OPENMP
  omp_set_num_threads(threads);  // ldmat's and Eigen's
#else
  if (threads != 1) throw std::invalid_argument("built without OpenMP: one thread only");
#endif
}

std::string about() {
#if defined(__clang__)
  const std::string compiler = "Clang " __clang_version__;
#elif defined(__GNUC__)
  const std::string compiler = "GCC " __VERSION__;
#else
  const std::string compiler = "unknown";
#endif
#if defined(__AVX512F__)
  const char* const instructions = "AVX-512";
#elif defined(__AVX2__) && defined(__FMA__)
  const char* const instructions = "AVX2 and FMA";
#elif defined(__AVX__)
  const char* const instructions = "AVX";
#elif defined(__SSE2__)
  const char* const instructions = "SSE2";
#elif defined(__ARM_NEON)
  const char* const instructions = "NEON";
#else
  const char* const instructions = "unknown";
#endif
#ifdef _OPENMP
  const char* const openmp = "true";
#else
  const char* const openmp = "false";
#endif
#ifdef __OPTIMIZE__
  const char* const optimized = "true";
#else
  const char* const optimized = "false";
#endif
  const auto version = [](int a, int b, int c) {
    return std::to_string(a) + '.' + std::to_string(b) + '.' + std::to_string(c);
  };
  std::ostringstream out;
  out << R"({"compiler": ")" << compiler << R"(", "instructions": ")" << instructions
      << R"(", "openmp": )" << openmp << R"(, "optimized": )" << optimized << R"(, "eigen": ")"
      << version(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)
      << R"(", "xsimd": ")"
      << version(XSIMD_VERSION_MAJOR, XSIMD_VERSION_MINOR, XSIMD_VERSION_PATCH) << R"("})";
  return out.str();
}

template <class T>
T next(std::istringstream& words, const char* name) {
  T word{};
  if (!(words >> word)) throw std::invalid_argument(std::string("needs ") + name);
  return word;
}

Shape next_shape(std::istringstream& words) {
  Shape shape;
  shape.n = next<Index>(words, "N");
  shape.d = next<Index>(words, "D");
  shape.kind = next<std::string>(words, "KIND");
  if (shape.n < 2 || shape.d < 1) throw std::invalid_argument("N must be >= 2, D >= 1");
  return shape;
}

class Server {
 public:
  std::string answer(const std::string& line) {
    std::istringstream words(line);
    const auto request = next<std::string>(words, "a request");
    if (request == "about") return about();
    if (request == "features") {
      const Rows<float> features = make_features(next_shape(words));
      std::ofstream file(next<std::string>(words, "FILE"), std::ios::binary);
      file.write(reinterpret_cast<const char*>(features.data()),
                 static_cast<std::streamsize>(sizeof(float)) * features.size());
      file.close();
      if (!file) throw std::runtime_error("the file could not be written");
      return "ok";
    }
    if (request != "check" && request != "time") throw std::invalid_argument("no " + request);
    const auto what = next<std::string>(words, "WHAT");
    const Shape shape = next_shape(words);
    const auto type = next<std::string>(words, "TYPE");
    set_threads(next<int>(words, "THREADS"));

    if (request == "check") {
      return with_batch(what, type, shape, [&](auto& batch) {
        const auto [value, norm] = batch.check(what);
        return number(value) + ' ' + number(norm);
      });
    }
    const auto budget = next<double>(words, "MILLISECONDS");
    return with_batch(what, type, shape, [&](auto& batch) {
      return number(
          batch.with_call(what, [&](const auto& call) { return median_ms(budget, call); }));
    });
  }

 private:
  template <class Use>
  std::string with_batch(const std::string& what, const std::string& type, const Shape& shape,
                         const Use& use) {
    // What takes turns keeps a batch of its own, so that no turn begins with making the features.
    const bool alone = what == "eigen-product" || what == "limit";
    const std::string slot = alone ? what : shape.kind;
    const auto with = [&](auto& batches) {
      auto& batch = batches[slot];
      batch.set(shape);
      return use(batch);
    };
    if (type == "float") return with(float_);
    if (type == "double") return with(double_);
    if (type == "half") return with(half_);
    if (type == "bfloat16") return with(bfloat16_);
    throw std::invalid_argument("no type " + type);
  }

  static std::string number(double value) {
    std::ostringstream out;
    out << std::setprecision(9) << value;
    return out.str();
  }

  template <class T>
  using Batches = std::map<std::string, Batch<T>>;

  Batches<float> float_;
  Batches<double> double_;
  Batches<Eigen::half> half_;
  Batches<Eigen::bfloat16> bfloat16_;
};

}  // namespace

int main() {
  Server server;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << server.answer(line) << std::endl;
    } catch (const std::exception& error) {
      std::cout << "error: " << error.what() << std::endl;
    }
  }
}
