// Errors of ldmat's distances and gradients, and of the plain Gram formula's, on hard data: one line
// of JSON per data set and dimension. accuracy.py makes the table of docs/reliability.md of them.
//
//   accuracy [DIR]     also writes the features to DIR, row-major, for others to be measured on

#include "../../tests/accuracy.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace {

using namespace accuracy;

/// The gradient by whole matrices, as the formula has it: diag(C 1) X - C X.
template <class T>
Rows<T> plain_gram_gradient(const Rows<T>& x, const std::vector<int>& labels) {
  const Index n = x.rows();
  const Rows<T> distances = plain_gram_distances(x);
  Rows<T> coefficients = Rows<T>::Zero(n, n);
  const T pairs = static_cast<T>(n) * static_cast<T>(n - 1) / 2;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      if (distances(i, j) == 0) continue;
      const bool same = labels[static_cast<std::size_t>(i)] == labels[static_cast<std::size_t>(j)];
      coefficients(i, j) = 2 * (distances(i, j) - T(same ? 0 : 1)) / distances(i, j) / pairs;
    }
  }
  const Eigen::Matrix<T, Eigen::Dynamic, 1> sums = coefficients.rowwise().sum();
  return sums.asDiagonal() * x - coefficients * x;
}

void print_number(const char* name, double number) {
  if (std::isfinite(number)) {
    std::printf(", \"%s\": %.3g", name, number);
  } else {
    std::printf(", \"%s\": null", name);
  }
}

template <class T>
void write_features(const std::filesystem::path& path, const Rows<T>& x) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(x.data()),
             static_cast<std::streamsize>(sizeof(T)) * x.size());
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

template <class T>
void measure(const char* type, const Data& data, Index d, const std::string& folder) {
  const Index n = 100;
  const Rows<T> x = make_features<T>(data.name, n, d);
  const auto labels = make_labels(x);
  const Rows<Exact> gradient = exact_gradient<ldmat::Euclidean>(x, labels);
  std::printf(R"({"type": "%s", "data": "%s", "said": "%s", "n": %d, "d": %d)", type, data.name,
              data.said, static_cast<int>(n), static_cast<int>(d));
  const auto distances_of = [&](const char* name, const Rows<T>& distances) {
    Rows<T> others = distances;
    others.diagonal().setZero();  // what the formula makes of the diagonal is not its point
    print_number(name, distance_error<ldmat::Euclidean>(x, others));
  };
  using ldmat::Euclidean;
  distances_of("differences", distances_by<Euclidean>(KernelChoice::direct, x));
  distances_of("products", distances_by<Euclidean>(KernelChoice::gram, x));
  distances_of("plain", plain_gram_distances(x));
  print_number("differences_gradient",
               gradient_error(gradient_by<Euclidean>(KernelChoice::direct, x, labels), gradient));
  print_number("products_gradient",
               gradient_error(gradient_by<Euclidean>(KernelChoice::gram, x, labels), gradient));
  print_number("plain_gradient", gradient_error(plain_gram_gradient(x, labels), gradient));
  std::puts("}");
  if (!folder.empty()) {
    write_features(std::filesystem::path(folder) /
                       (std::string(type) + '-' + data.name + '-' + std::to_string(d)),
                   x);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string folder = argc > 1 ? argv[1] : "";
    for (const Data& data : data_sets) {
      for (const Index d : {2, 64, 1024}) {
        measure<float>("float", data, d, folder);
        if (oracle_beyond_double) measure<double>("double", data, d, folder);
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "accuracy: %s\n", error.what());
    return 1;
  }
}
