#include <ldmat/torch/loss.hpp>

#include <ATen/Parallel.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>
#include <vector>

namespace {

using at::Tensor;

/// 24 samples of 5 components, of four classes, two of them the same.
Tensor batch(std::uint64_t seed, std::int64_t n = 24, std::int64_t d = 5) {
  at::manual_seed(seed);
  Tensor x = at::randn({n, d}, at::kDouble);
  x[3] = x[7];
  return x;
}
Tensor classes(std::int64_t n = 24) {
  return at::arange(n).remainder(4);
}

Tensor derivative(const Tensor& of, const Tensor& by, bool create_graph = false) {
  return torch::autograd::grad({of}, {by}, {}, c10::nullopt, create_graph)[0];
}

double largest(const Tensor& x) {
  return x.abs().max().item<double>();
}

/// The largest difference between autograd's gradient of f at x and central differences, over the
/// largest component of the latter.
template <class F>
double gradient_error(const F& f, const Tensor& x) {
  Tensor at_x = x.clone().requires_grad_();
  const Tensor analytic = derivative(f(at_x), at_x);
  const Tensor numeric = at::zeros_like(x);
  const double step = 1e-6;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    for (std::int64_t k = 0; k < x.size(1); ++k) {
      Tensor above = x.clone();
      Tensor below = x.clone();
      above[i][k] += step;
      below[i][k] -= step;
      numeric[i][k] = (f(above) - f(below)) / (2 * step);
    }
  }
  return largest(analytic - numeric) / largest(numeric);
}

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("autograd's gradient is that of finite differences") {
  const Tensor x = batch(1);
  x[3] += 0.3;  // where samples coincide the loss has a corner
  const Tensor y = classes();
  const Tensor weight = at::randn({5, 3}, at::kDouble);
  const Tensor vectors = at::randn({24, 3}, at::kDouble);

  ldmat::TorchLoss<> plain{{.regularizer = ldmat::offset(0.2)}};
  ldmat::TorchLoss<ldmat::Cosine, ldmat::OneSided<ldmat::Huber>> cosine{
      {.class_distance = 0.7,
       .penalty = {{.threshold = 0.2}},
       .weights = ldmat::class_balanced(),
       .reduction = ldmat::Reduction::frobenius}};
  const std::vector<std::pair<const char*, double>> errors{
      {"plain", gradient_error([&](const Tensor& f) { return plain(f, y); }, x)},
      {"cosine", gradient_error([&](const Tensor& f) { return cosine(f, y); }, x)},
      {"label vectors", gradient_error([&](const Tensor& f) { return plain(f, vectors); }, x)},
      // As one node of a larger graph, whose slope is not 1, and strided as those before it leave it.
      {"in a graph",
       gradient_error([&](const Tensor& f) { return plain(f.matmul(weight).tanh(), y).pow(2) * 3; },
                      x)},
      {"transposed",
       gradient_error([&](const Tensor& f) { return plain(f.t().contiguous().t(), y); }, x)},
      {"every second", gradient_error(
                           [&](const Tensor& f) {
                             return plain(f.slice(0, 0, 24, 2).slice(1, 1, 5, 2),
                                          y.slice(0, 0, 24, 2));
                           },
                           x)}};
  for (const auto& [name, error] : errors) {
    CAPTURE(name);
    CHECK(error < 1e-7);
  }
}

TEST_CASE("tensors are read where they are") {
  const Tensor wide = batch(3, 48, 10).to(at::kFloat);
  const Tensor x = wide.t().slice(0, 1, 10, 3).slice(1, 5, 29).t();
  const auto view = ldmat::tensor_view<float>(x);
  CHECK(view.data == x.data_ptr<float>());
  CHECK(&view(4, 2) == x[4][2].data_ptr<float>());
  ldmat::TorchLoss<> loss;
  const Tensor strided = x.detach().requires_grad_();
  const Tensor packed = x.contiguous().detach().requires_grad_();
  CHECK(at::equal(derivative(loss(strided, classes()), strided),
                  derivative(loss(packed, classes()), packed)));
  // An expanded tensor repeats one sample; a negated view is not what its memory holds.
  CHECK(loss(x[0].unsqueeze(0).expand({24, 3}), classes()).item<float>() > 0);
  const Tensor negated = at::_neg_view(x);
  REQUIRE(negated.is_neg());
  CHECK(at::equal(loss(negated, classes()), loss(-x, classes())));
}

TEST_CASE("element types, and what the value and gradient are of") {
  const Tensor coarse = batch(4).to(at::kBFloat16).to(at::kHalf);  // exact in all four types
  ldmat::TorchLoss<> loss;
  Tensor exact = coarse.to(at::kDouble).requires_grad_();
  const Tensor value = loss(exact, classes());
  const Tensor gradient = derivative(value, exact);
  CHECK((value.scalar_type() == at::kDouble));
  CHECK(value.dim() == 0);
  const std::vector<std::pair<at::ScalarType, double>> types{
      {at::kFloat, 1e-6}, {at::kHalf, 1e-3}, {at::kBFloat16, 1e-2}};
  for (const auto& [type, bound] : types) {
    CAPTURE(c10::toString(type));
    Tensor x = coarse.to(type).requires_grad_();
    const Tensor v = loss(x, classes());
    CHECK((v.scalar_type() == at::kFloat));
    CHECK(std::abs(v.item<double>() - value.item<double>()) <= 1e-6);
    const Tensor g = derivative(v, x);
    CHECK((g.scalar_type() == type));
    CHECK(largest(g.to(at::kDouble) - gradient) <= bound * largest(gradient));
  }
}

TEST_CASE("a scaled loss keeps gradients that half could not hold") {
  // Mean over 2 million pairs: components of the gradient are near half's least number, 6e-8.
  const Tensor x = (batch(5, 2048, 4) * 1e-5).to(at::kHalf).requires_grad_();
  ldmat::TorchLoss<> loss{{.class_distance = 1e-5}};
  const Tensor value = loss(x, classes(2048));
  const double scale = 65536;
  const Tensor unscaled = derivative(value * scale, x).to(at::kDouble) / scale;
  const Tensor exact = x.detach().to(at::kDouble).requires_grad_();
  const Tensor expected = derivative(loss(exact, classes(2048)), exact);
  const auto error = [&](const Tensor& g) {
    return ((g.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
  };
  CHECK(error(derivative(loss(x, classes(2048)), x)) > 0.5);  // what is to be avoided
  CHECK(error(unscaled) < 1e-3);
}

TEST_CASE("labels of every integer type, and label vectors") {
  const Tensor x = batch(6);
  ldmat::TorchLoss<> loss;
  const Tensor expected = loss(x, classes());
  for (const auto type : {at::kByte, at::kChar, at::kShort, at::kInt, at::kLong}) {
    CHECK(at::equal(loss(x, classes().to(type)), expected));
  }
  CHECK(at::equal(loss(x, at::stack({classes(), classes() + 9}, 1).select(1, 0)), expected));
  CHECK(at::equal(loss(x, classes().remainder(2).to(at::kBool)), loss(x, classes().remainder(2))));
  // One-hot vectors scaled so that different classes are 1 apart.
  const Tensor one_hot = at::one_hot(classes(), 4) / std::sqrt(2.0);
  CHECK(std::abs((loss(x, one_hot) - expected).item<double>()) < 1e-7);  // vectors of Float
  CHECK(loss.result().pairs == 276);
  CHECK(loss.result().same_pairs == 60);
}

TEST_CASE("an adaptive regularizer sees the batches that are trained on") {
  const ldmat::TorchLoss<>::Options options{.classes = 4, .regularizer = ldmat::adaptive(0.5, 0.8)};
  ldmat::TorchLoss<> loss{options};
  ldmat::Loss<double> expected{options};
  Eigen::MatrixXd gradient(24, 5);
  for (std::uint64_t step = 0; step < 3; ++step) {
    const Tensor x = batch(10 + step).requires_grad_();
    loss(x.detach(), classes());  // looked at, not trained on
    const Tensor value = loss(x, classes());
    std::vector<int> ids(24);
    for (int i = 0; i < 24; ++i) ids[static_cast<std::size_t>(i)] = i % 4;
    CHECK(value.item<double>() == expected(ldmat::tensor_view<double>(x), ids, gradient).value);
  }
  CHECK(loss.running_distances().distance == expected.running_distances().distance);
  CHECK(loss.running_distances().batches(0, 1) == 3);
  // Tensors of another type go on from the same state.
  const Tensor single = batch(13).to(at::kFloat).requires_grad_();
  loss(single, classes());
  CHECK(loss.running_distances().batches(0, 1) == 4);
  ldmat::TorchLoss<> restored{options};
  restored.restore(loss.running_distances());
  CHECK(at::equal(restored(single.detach(), classes()), loss(single.detach(), classes())));
}

TEST_CASE("a second derivative is refused, the first may be asked for with a graph") {
  ldmat::TorchLoss<> loss;
  const Tensor x = batch(7).requires_grad_();
  const Tensor first = derivative(loss(x, classes()), x, /*create_graph=*/true);
  CHECK(at::equal(first, derivative(loss(x, classes()), x)));
  CHECK(first.requires_grad());
  CHECK(has(message_of([&] { derivative(first.pow(2).sum(), x); }),
            "cannot be differentiated twice"));
}

TEST_CASE("what does not fit is refused by name") {
  ldmat::TorchLoss<> loss;
  const Tensor x = batch(8);
  const auto said = [&](const Tensor& features, const Tensor& labels) {
    return message_of([&] { loss(features, labels); });
  };
  CHECK(has(said(Tensor(), classes()), "features is an undefined tensor"));
  CHECK(has(said(x, Tensor()), "labels is an undefined tensor"));
  CHECK(has(said(x[0], classes()), "features has 1 dimensions"));
  CHECK(has(said(x.to_sparse(), classes()), "must be a dense matrix"));
  CHECK(has(said(x.to(at::kInt), classes()), "features is of Int, but must be of Float"));
  CHECK(
      has(said(x, classes().to(at::kFloat)), "labels has 1 dimensions of Float, but must be one"));
  CHECK(has(said(x, classes().unsqueeze(1)), "labels has 2 dimensions of Long"));
  CHECK(has(said(x, classes(23)), "labels has 23 entries, but features has 24 rows"));
  CHECK(has(said(x, classes() - 1), "labels[0] is -1"));
  CHECK(has(said(x, at::randn({24, 2}).requires_grad_()), "labels requires a gradient"));
  CHECK(has(said(x.to(at::kMeta), classes()), "labels is on cpu, but features is on meta"));
  CHECK(has(said(x.to(at::kMeta), classes().to(at::kMeta)),
            "features is on meta, but ldmat computes"));
}

TEST_CASE("batches of fewer than two samples") {
  ldmat::TorchLoss<> loss;
  for (std::int64_t n : {0, 1}) {
    const Tensor x = at::ones({n, 3}).requires_grad_();
    const Tensor value = loss(x, classes(n));
    CHECK(value.item<float>() == 0);
    const Tensor gradient = derivative(value, x);
    CHECK(at::equal(gradient, at::zeros({n, 3})));
  }
}
