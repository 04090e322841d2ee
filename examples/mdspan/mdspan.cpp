// mdspan: std::mdspan where the compiler has it (C++23), else the one of NVIDIA's CUDA C++ Core
// Libraries or of Kokkos, which need no GPU. ldmat includes none of them: it asks a matrix for rank,
// extent, stride and data_handle.
#include <ldmat/ldmat.hpp>

#include <array>
#include <iostream>
#include <vector>
#if __has_include(<mdspan>)
#include <mdspan>
#endif
#if defined(__cpp_lib_mdspan)
namespace md = std;
template <std::size_t N>
using Strides = std::array<int, N>;
#elif __has_include(<cuda/std/mdspan>)
#include <cuda/std/array>
#include <cuda/std/mdspan>
namespace md = cuda::std;
template <std::size_t N>
using Strides = cuda::std::array<int, N>;
#else
#include <mdspan/mdspan.hpp>
namespace md = Kokkos;
template <std::size_t N>
using Strides = std::array<int, N>;
#endif

int main() {
  constexpr int n = 128;
  constexpr int d = 3;
  std::vector<double> buffer(n * d);
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    buffer[i] = static_cast<double>((7 * i * i + 3 * i) % 101) / 50;
  }
  std::vector<int> ids(n);
  for (int i = 0; i < n; ++i) ids[static_cast<std::size_t>(i)] = i / 13;

  using Matrix = md::dextents<int, 2>;
  const md::mdspan<const double, Matrix> features(buffer.data(), n, d);  // rows one after the other
  const md::mdspan<const int, md::dextents<int, 1>> labels(ids.data(), n);
  std::vector<double> slopes(n * d);
  const md::mdspan<double, Matrix, md::layout_left> gradient(slopes.data(), n, d);  // by columns

  ldmat::Loss<double> loss{{.regularizer = ldmat::offset(0.1)}};
  const auto result = loss(features, labels, gradient);
  std::cout << "loss " << result.value << ", gradient of the first sample " << slopes[0] << ' '
            << slopes[n] << ' ' << slopes[2 * n] << "\n";

  // Every second sample, by strides: still the same buffer.
  using Vector = md::dextents<int, 1>;
  const md::layout_stride::mapping<Matrix> by_two(Matrix(n / 2, d), Strides<2>{2 * d, 1});
  const md::layout_stride::mapping<Vector> ids_by_two(Vector(n / 2), Strides<1>{2});
  const md::mdspan<const double, Matrix, md::layout_stride> part(buffer.data(), by_two);
  const md::mdspan<const int, Vector, md::layout_stride> part_labels(ids.data(), ids_by_two);
  const auto of_part = loss(part, part_labels);
  const Eigen::Map<const Eigen::MatrixXd, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>> map(
      buffer.data(), n / 2, d, {1, 2 * d});
  const Eigen::Map<const Eigen::ArrayXi, 0, Eigen::InnerStride<2>> map_labels(ids.data(), n / 2);
  std::cout << "of every second " << of_part.value << ", as an Eigen map of the same "
            << loss(map, map_labels).value << "\n";
  return of_part.value == loss(map, map_labels).value && result.value > 0 ? 0 : 1;
}
