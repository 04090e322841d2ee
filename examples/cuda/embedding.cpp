#include "embedding.hpp"

#include "data/idx.hpp"

#include <ldmat/ldmat.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <span>

// Trains the embedding on this processor and, where there is one, on a GPU, and compares the curves.
// Fails where they part.

namespace {

class Cpu {
 public:
  using Backend = ldmat::cpu;
  using Matrix = Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

  template <class T>
  std::vector<T> copy(const std::vector<T>& from) {
    return from;
  }
  Matrix rows(const std::vector<float>& from, Index first, Index count, Index columns) {
    return {const_cast<float*>(from.data()) + first * columns, count, columns};
  }
  std::span<const int> labels(const std::vector<int>& from, Index first, Index count) {
    return {from.data() + first, static_cast<std::size_t>(count)};
  }
  void multiply(const Matrix& a, const Matrix& b, Matrix c) { c.noalias() = a * b; }
  void multiply_transposed(const Matrix& a, const Matrix& b, Matrix c) {
    c.noalias() = a.transpose() * b;
  }
  void add(const Matrix& x, float factor, Matrix y) { y += factor * x; }
};

}  // namespace

int main() try {
  const tiny::Dataset data =
      tiny::read_idx_folder(LDMAT_DIGITS_DIR, tiny::numbered_names(10)).train;
  Digits digits;
  digits.count = static_cast<Index>(data.size());
  digits.pixels = static_cast<Index>(data.shape.size());
  digits.labels = data.labels;
  for (const std::uint8_t pixel : data.pixels) {
    digits.images.push_back(static_cast<float>(pixel) / 255);
  }

  Cpu cpu;
  const std::vector<double> here = train(cpu, digits);
  const std::vector<double> there = train_on_gpu(digits);
  std::printf("step  loss on the CPU  on the GPU\n");
  double apart = 0;
  for (std::size_t at = 0; at < here.size(); ++at) {
    if (at % 10 == 9) {
      std::printf("%4zu  %15.6f  ", at + 1, here[at]);
      std::printf(there.empty() ? "no GPU\n" : "%10.6f\n", there.empty() ? 0 : there[at]);
    }
    const double error = there.empty() ? 0 : std::abs(there[at] / here[at] - 1);
    if (!(error <= apart)) apart = error;  // NaN, too
  }
  if (there.empty()) return here.back() < 0.8 * here.front() ? 0 : 1;
  std::printf("the curves are at most %.1e apart\n", apart);
  return apart < 1e-3 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
