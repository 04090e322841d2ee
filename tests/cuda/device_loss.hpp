#pragma once

#include "any_penalty.hpp"

#include <ldmat/cuda/basic_loss.hpp>

#include <Eigen/Core>

#include <memory>
#include <vector>

/// A loss of the CUDA backend behind an interface that needs no nvcc, on buffers of the host: so that the
/// same tests run on the serial device and on a GPU. `make_loss` is defined for one device per program,
/// by device_loss_impl.hpp.

namespace device_test {

using ldmat::Index;

/// Labels of one of the three kinds.
struct Labels {
  std::vector<int> ids = {};
  Eigen::MatrixXd vectors = {};
  Eigen::MatrixXd target = {};
  Eigen::MatrixXd label_distances = {};
};

template <class Scalar, class M>
class Loss {
 public:
  using Accumulator = ldmat::Accumulator<Scalar>;
  using Options = ldmat::LossOptions<M, support::AnyPenalty>;
  using Gradient = Eigen::Matrix<Accumulator, Eigen::Dynamic, Eigen::Dynamic>;

  virtual ~Loss() = default;
  /// `features` in the memory of the host, of any strides within `size` elements; the gradient, where it
  /// is asked for, is copied back with the value.
  virtual ldmat::LossResult run(ldmat::MatrixView<const Scalar> features, Index size,
                                const Labels& labels, Gradient* gradient) = 0;
  virtual ldmat::RunningDistances running_distances() = 0;
  /// The order that blocks and threads run in, where the device lets tests choose it.
  virtual void run_backwards(bool backwards) = 0;
};

template <class Scalar, class M>
std::unique_ptr<Loss<Scalar, M>> make_loss(const typename Loss<Scalar, M>::Options& options,
                                           const ldmat::cuda::Settings& settings = {});

/// False where there is no GPU that programs of this build run on; tests then have nothing to say.
bool device_is_there();

/// The types that every program has.
#define LDMAT_TEST_DEVICE_LOSSES(declare)                                     \
  declare(float, ldmat::Euclidean) declare(float, ldmat::SquaredEuclidean)    \
      declare(float, ldmat::Cosine) declare(float, ldmat::Manhattan)          \
          declare(double, ldmat::Euclidean) declare(double, ldmat::Manhattan) \
              declare(Eigen::half, ldmat::Euclidean) declare(Eigen::bfloat16, ldmat::Cosine)

#define LDMAT_TEST_DECLARE(Scalar, M)                                                            \
  template <>                                                                                    \
  std::unique_ptr<Loss<Scalar, M>> make_loss<Scalar, M>(const Loss<Scalar, M>::Options& options, \
                                                        const ldmat::cuda::Settings& settings);
LDMAT_TEST_DEVICE_LOSSES(LDMAT_TEST_DECLARE)

}  // namespace device_test
