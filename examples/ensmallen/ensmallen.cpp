// ensmallen (the optimizers of mlpack): the loss as a differentiable function, minimised by L-BFGS.
// Armadillo's matrices have a column per sample, and their columns lie one after the other: rows of
// samples, as ldmat sees them.
#include <ldmat/ldmat.hpp>

#include <ensmallen.hpp>

#include <armadillo>
#include <iostream>

// A d x n matrix of Armadillo as n samples of d components.
template <class T>
auto samples(T* data, const arma::mat& shape) {
  return ldmat::view(data, static_cast<ldmat::Index>(shape.n_cols),
                     static_cast<ldmat::Index>(shape.n_rows));
}

// What ensmallen asks of a differentiable function: value and gradient in one call.
class PairDistances {
 public:
  explicit PairDistances(const arma::Row<size_t>& labels) : labels_(labels) {}

  double EvaluateWithGradient(const arma::mat& features, arma::mat& gradient) {
    gradient.set_size(arma::size(features));
    return loss_(samples(features.memptr(), features), labels_,
                 samples(gradient.memptr(), gradient))
        .value;
  }

 private:
  const arma::Row<size_t>& labels_;
  ldmat::Loss<double> loss_;
};

int main() {
  arma::arma_rng::set_seed(1);
  arma::mat features(3, 40, arma::fill::randn);
  const arma::Row<size_t> labels = arma::regspace<arma::Row<size_t>>(0, 39) / 10;  // four classes

  PairDistances function(labels);
  ens::L_BFGS optimizer;
  arma::mat gradient;
  const double before = function.EvaluateWithGradient(features, gradient);
  const double after = optimizer.Optimize(function, features);
  std::cout << "loss " << before << " -> " << after << "\n";
  // Four points one apart from each other exist in three dimensions: the loss can be zero.
  return after < 1e-6 ? 0 : 1;
}
