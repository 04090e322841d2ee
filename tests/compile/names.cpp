// What a program that uses ldmat gets into its object file; names.cmake looks at it.
#include <ldmat/ldmat.hpp>
#include <ldmat/quality.hpp>
#include <ldmat/retrieval.hpp>

#include <vector>

double use_most(const Eigen::MatrixXf& f, const std::vector<int>& y, Eigen::MatrixXf& g);
double use_most(const Eigen::MatrixXf& f, const std::vector<int>& y, Eigen::MatrixXf& g) {
  ldmat::Loss<float> plain;
  ldmat::Loss<float, ldmat::Cosine, ldmat::Huber> cosine(
      ldmat::LossOptions<ldmat::Cosine, ldmat::Huber>{});
  const Eigen::MatrixXd affinity = Eigen::MatrixXd::Identity(f.rows(), f.rows());
  return plain(f, y, g).value + cosine(f, y, g).value + ldmat::feature_distances(f).sum() +
         ldmat::regularize(ldmat::label_distances(y), ldmat::affinity(affinity, 0.5)).sum() +
         ldmat::silhouette(f, y) + ldmat::retrieval(f, y).map_at_r;
}
