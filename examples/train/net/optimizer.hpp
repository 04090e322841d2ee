#pragma once

#include "net/layer.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

// Steps of the parameters in `tensors` (which must outlive the optimiser) along their gradients.
// What an optimiser remembers is in state(), so that a run can be saved and taken up bit by bit.
template <typename Scalar>
class Optimizer {
 public:
  explicit Optimizer(Tensors<Scalar> tensors) {
    for (Tensor<Scalar>& tensor : tensors) {
      if (!tensor.gradient.empty()) parameters_.push_back(std::move(tensor));
    }
  }
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  virtual void step(double rate) = 0;
  virtual Tensors<Scalar> state() = 0;

 protected:
  using Values = Eigen::Array<Scalar, Eigen::Dynamic, 1>;
  static Eigen::Map<Values> values(std::span<Scalar> span) {
    return {span.data(), static_cast<Index>(span.size())};
  }

  std::vector<Values> zeros() const {
    std::vector<Values> list;
    for (const Tensor<Scalar>& p : parameters_) {
      list.push_back(Values::Zero(static_cast<Index>(p.value.size())));
    }
    return list;
  }

  void append(const std::string& name, std::vector<Values>& list, Tensors<Scalar>& state) const {
    for (std::size_t i = 0; i < list.size(); ++i) {
      state.push_back(
          {name + "." + parameters_[i].name, as_span(list[i].data(), list[i].size()), {}, false});
    }
  }

  const Tensors<Scalar>& parameters() const { return parameters_; }

 private:
  Tensors<Scalar> parameters_;
};

struct SgdOptions {
  double momentum = 0.9;
  double weight_decay = 0;  // added to the gradient: weight_decay * w
};

// v = momentum v + g + weight_decay w;  w -= rate v.
template <typename Scalar>
class Sgd final : public Optimizer<Scalar> {
 public:
  explicit Sgd(Tensors<Scalar> tensors, SgdOptions options = {})
      : Optimizer<Scalar>(std::move(tensors)), options_(options), velocity_(this->zeros()) {}

  void step(double rate) override {
    const auto momentum = static_cast<Scalar>(options_.momentum);
    for (std::size_t i = 0; i < velocity_.size(); ++i) {
      const Tensor<Scalar>& p = this->parameters()[i];
      const auto decay = static_cast<Scalar>(p.decays ? options_.weight_decay : 0);
      auto w = this->values(p.value);
      velocity_[i] = momentum * velocity_[i] + this->values(p.gradient) + decay * w;
      w -= static_cast<Scalar>(rate) * velocity_[i];
    }
  }

  Tensors<Scalar> state() override {
    Tensors<Scalar> list;
    this->append("velocity", velocity_, list);
    return list;
  }

 private:
  SgdOptions options_;
  std::vector<typename Optimizer<Scalar>::Values> velocity_;
};

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  // decoupled: w -= rate weight_decay w
};

// Source: Kingma and Ba, "Adam", 2014; Loshchilov and Hutter, "Decoupled weight decay", 2017.
template <typename Scalar>
class Adam final : public Optimizer<Scalar> {
 public:
  explicit Adam(Tensors<Scalar> tensors, AdamOptions options = {})
      : Optimizer<Scalar>(std::move(tensors)),
        options_(options),
        first_(this->zeros()),
        second_(this->zeros()) {}

  void step(double rate) override {
    steps_ += 1;
    const auto time = static_cast<double>(steps_);
    const auto beta1 = static_cast<Scalar>(options_.beta1);
    const auto beta2 = static_cast<Scalar>(options_.beta2);
    const auto epsilon = static_cast<Scalar>(options_.epsilon);
    const auto slope = static_cast<Scalar>(rate / (1 - std::pow(options_.beta1, time)));
    const auto scale = static_cast<Scalar>(1 / std::sqrt(1 - std::pow(options_.beta2, time)));
    for (std::size_t i = 0; i < first_.size(); ++i) {
      const Tensor<Scalar>& p = this->parameters()[i];
      const auto keep = static_cast<Scalar>(1 - rate * (p.decays ? options_.weight_decay : 0));
      const auto g = this->values(p.gradient);
      auto w = this->values(p.value);
      first_[i] = beta1 * first_[i] + (1 - beta1) * g;
      second_[i] = beta2 * second_[i] + (1 - beta2) * g.square();
      w = keep * w - slope * first_[i] / (scale * second_[i].sqrt() + epsilon);
    }
  }

  Tensors<Scalar> state() override {
    Tensors<Scalar> list;
    list.push_back({"steps", as_span(&steps_, 1), {}, false});
    this->append("first", first_, list);
    this->append("second", second_, list);
    return list;
  }

 private:
  AdamOptions options_;
  Scalar steps_ = 0;  // exact up to 2^24 steps in single precision
  std::vector<typename Optimizer<Scalar>::Values> first_, second_;
};

}  // namespace tiny
