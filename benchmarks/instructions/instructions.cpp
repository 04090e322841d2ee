// Calls of a loss on batches of fixed shapes, for check.py, which counts their instructions:
//
//   instructions            prints which figures are this build's: compiler and libraries
//   instructions --list     prints the names of the shapes
//   instructions <shape>    a warm-up call, then the call that is counted

#include <ldmat/ldmat.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <random>
#include <string_view>
#include <vector>

namespace {

using ldmat::Index;

enum class Kind { gradient, value, table };

struct Shape {
  const char* name;
  bool in_double;
  Index n;
  Index d;
  Kind kind;
};

constexpr std::array shapes = {
    Shape{"float/n:128/d:2", false, 128, 2, Kind::gradient},
    Shape{"float/n:1024/d:2", false, 1024, 2, Kind::gradient},
    Shape{"float/n:1024/d:2/value", false, 1024, 2, Kind::value},
    Shape{"float/n:1024/d:2/table", false, 1024, 2, Kind::table},
    Shape{"float/n:1024/d:8", false, 1024, 8, Kind::gradient},
    Shape{"float/n:1024/d:32", false, 1024, 32, Kind::gradient},
    Shape{"float/n:128/d:128", false, 128, 128, Kind::gradient},
    Shape{"float/n:512/d:128", false, 512, 128, Kind::gradient},
    Shape{"float/n:512/d:128/value", false, 512, 128, Kind::value},
    Shape{"float/n:512/d:128/table", false, 512, 128, Kind::table},
    Shape{"double/n:1024/d:2", true, 1024, 2, Kind::gradient},
    Shape{"double/n:256/d:128", true, 256, 128, Kind::gradient},
};

/// What is counted: check.py tells callgrind this name. One call, since any other takes the same
/// instructions.
extern "C" [[gnu::noinline]] void measured(const std::function<void()>& call) {
  call();
}

template <class Loss>
typename Loss::Options make_options(const Shape& shape) {
  typename Loss::Options options;
  if (shape.kind == Kind::table) {
    options.class_table = Eigen::MatrixXd::Ones(10, 10) - Eigen::MatrixXd::Identity(10, 10);
  }
  options.threads = 1;
  return options;
}

template <class Scalar>
void run(const Shape& shape) {
  using Loss = ldmat::Loss<Scalar>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  std::mt19937 random(1);
  Matrix features(shape.n, shape.d);
  for (Scalar& feature : features.reshaped()) {
    feature = static_cast<Scalar>(random()) / Scalar(4294967296);  // from 0 to 1
  }
  std::vector<int> labels(static_cast<std::size_t>(shape.n));
  for (int& label : labels) label = static_cast<int>(random() % 10);

  Matrix gradient(shape.n, shape.d);
  Loss loss(make_options<Loss>(shape));
  double value = 0;
  const auto call = [&] {
    const bool value_only = shape.kind == Kind::value;
    value = (value_only ? loss(features, labels) : loss(features, labels, gradient)).value;
  };
  call();  // the first call allocates
  measured(call);
  std::printf("loss %g\n", value);  // so that no call can be left out
}

void print_key() {
#ifdef __clang__
  std::printf("clang-%d", __clang_major__);
#else
  std::printf("gcc-%d", __GNUC__);
#endif
  std::printf(" eigen-%d.%d xsimd-%d.%d\n", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION,
              XSIMD_VERSION_MAJOR, XSIMD_VERSION_MINOR);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    print_key();
    return 0;
  }
  const std::string_view asked = argv[1];
  for (const Shape& shape : shapes) {
    if (asked == "--list") {
      std::puts(shape.name);
    } else if (asked == shape.name) {
      shape.in_double ? run<double>(shape) : run<float>(shape);
      return 0;
    }
  }
  return asked == "--list" ? 0 : 1;
}
