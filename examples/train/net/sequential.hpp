#pragma once

#include "net/activation.hpp"
#include "net/conv.hpp"
#include "net/dense.hpp"
#include "net/layer.hpp"
#include "net/norm.hpp"
#include "net/pool.hpp"
#include "rng.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

// Layers one after another. The adding functions take the input shape from the layer before and
// return the container, so that a network reads as a list of its layers.
template <typename Scalar>
class Sequential final : public Layer<Scalar> {
 public:
  explicit Sequential(Shape in) : Layer<Scalar>(in, in) {}

  Sequential& conv(ConvOptions options, Rng& rng) { return add<Conv<Scalar>>(options, rng); }
  Sequential& max_pool(PoolOptions options = {}) { return add<MaxPool<Scalar>>(options); }
  Sequential& average_pool(PoolOptions options = {}) { return add<AveragePool<Scalar>>(options); }
  Sequential& global_average_pool() {
    if (this->out().height != this->out().width) bad_argument("global pooling of an oblong map");
    return average_pool({.kernel = this->out().height, .stride = 1});
  }
  Sequential& batch_norm(BatchNormOptions options = {}) { return add<BatchNorm<Scalar>>(options); }
  Sequential& relu() { return add<Relu<Scalar>>(); }
  Sequential& dense(DenseOptions options, Rng& rng) { return add<Dense<Scalar>>(options, rng); }

  // Adds a Type whose constructor takes the input shape and then the arguments.
  template <typename Type, typename... Arguments>
  Sequential& add(Arguments&&... arguments) {
    layers_.push_back(std::make_unique<Type>(this->out(), std::forward<Arguments>(arguments)...));
    this->set_out(layers_.back()->out());
    values_.resize(layers_.size() - 1);
    gradients_.resize(layers_.size() - 1);
    return *this;
  }

  bool empty() const { return layers_.empty(); }
  std::string name() const override { return "sequential"; }

  void forward(const Matrix<Scalar>& x, Matrix<Scalar>& y, Mode mode) override {
    if (empty()) y = x;
    const Matrix<Scalar>* in = &x;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Matrix<Scalar>& out = i + 1 < layers_.size() ? values_[i] : y;
      layers_[i]->forward(*in, out, mode);
      in = &out;
    }
  }

  void backward(const Matrix<Scalar>& x, const Matrix<Scalar>& y, const Matrix<Scalar>& dy,
                Matrix<Scalar>* dx) override {
    if (empty() && dx != nullptr) *dx = dy;
    for (std::size_t i = layers_.size(); i-- > 0;) {
      const bool last = i + 1 == layers_.size();
      layers_[i]->backward(i > 0 ? values_[i - 1] : x, last ? y : values_[i],
                           last ? dy : gradients_[i], i > 0 ? &gradients_[i - 1] : dx);
    }
  }

  void collect(const std::string& prefix, Tensors<Scalar>& tensors) override {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers_[i]->collect(prefix + std::to_string(i) + "." + layers_[i]->name() + ".", tensors);
    }
  }

 private:
  std::vector<std::unique_ptr<Layer<Scalar>>> layers_;
  std::vector<Matrix<Scalar>> values_;     // what each layer but the last one gave
  std::vector<Matrix<Scalar>> gradients_;  // by those values
};

}  // namespace tiny
