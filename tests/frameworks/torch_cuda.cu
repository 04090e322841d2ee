// TorchLoss for CUDA tensors: compiled by `sh cmake/run.sh pytorch`, where there is nvcc.

#include <ldmat/torch/cuda.hpp>

LDMAT_TORCH_CUDA_LOSS(ldmat::Euclidean, ldmat::Squared, ldmat::Regularizer)
