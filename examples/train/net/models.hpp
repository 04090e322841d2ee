#pragma once

#include "net/network.hpp"
#include "net/unit_length.hpp"

#include <memory>
#include <utility>

namespace tiny {

/// What comes after the last dense layer: nothing, features scaled to length 1, or batch normalisation,
/// which gives every feature a mean and a deviation of its own whatever the dense layer does.
enum class LastLayer { dense, unit_length, batch_norm };

namespace detail {

template <typename Scalar>
void add_last(Sequential<Scalar>& layers, LastLayer last) {
  if (last == LastLayer::unit_length) layers.template add<UnitLength<Scalar>>();
  if (last == LastLayer::batch_norm) layers.batch_norm();
}

}  // namespace detail

// Two 5x5 convolutions and two dense layers, after LeCun et al., 1998; for 28x28 digits.
template <typename Scalar>
Network<Scalar> lenet(Shape in, Index d, Rng& rng, LastLayer last = LastLayer::dense) {
  auto layers = std::make_unique<Sequential<Scalar>>(in);
  layers->conv({.channels = 16, .kernel = 5, .bias = false}, rng)
      .max_pool()
      .batch_norm()
      .relu()
      .conv({.channels = 32, .kernel = 5, .bias = false}, rng)
      .max_pool()
      .batch_norm()
      .relu()
      .dense({.units = 128}, rng)
      .relu()
      .dense({.units = d, .gain = 1}, rng);
  detail::add_last(*layers, last);
  return Network<Scalar>(std::move(layers));
}

// A convolution and three residual blocks (nine convolutions), after He et al., 2015; for 32x32
// colour images.
template <typename Scalar>
Network<Scalar> resnet(Shape in, Index d, Rng& rng, LastLayer last = LastLayer::dense) {
  auto layers = std::make_unique<Sequential<Scalar>>(in);
  layers->conv({.channels = 16, .kernel = 3, .padding = 1, .bias = false}, rng)
      .batch_norm()
      .relu()
      .template add<Residual<Scalar>>(16, 1, rng)
      .template add<Residual<Scalar>>(32, 2, rng)
      .template add<Residual<Scalar>>(64, 2, rng)
      .global_average_pool()
      .dense({.units = d, .gain = 1}, rng);
  detail::add_last(*layers, last);
  return Network<Scalar>(std::move(layers));
}

}  // namespace tiny
