// dlib: a loss layer like dlib's own loss_metric, computed by ldmat. dlib's tensors are rows of
// floats, one per sample: ldmat reads them and writes their gradient where they are.
#include <ldmat/ldmat.hpp>

#include <dlib/dnn.h>

#include <cmath>
#include <iostream>
#include <string>
#include <vector>

namespace dlib {

// The interface of dlib's "example loss layer".
class loss_ldmat_ {
 public:
  using training_label_type = unsigned long;
  using output_label_type = matrix<float, 0, 1>;

  template <class Subnet, class Labels>
  void to_label(const tensor& /*input*/, const Subnet& subnet, Labels labels) const {
    const tensor& output = subnet.get_output();
    for (long i = 0; i < output.num_samples(); ++i) *labels++ = trans(rowm(mat(output), i));
  }

  template <class Labels, class Subnet>
  double compute_loss_value_and_gradient(const tensor& /*input*/, Labels labels,
                                         Subnet& subnet) const {
    const tensor& output = subnet.get_output();
    const std::vector<unsigned long> ids(labels, labels + output.num_samples());
    tensor& gradient = subnet.get_gradient_input();
    return loss_(as_matrix(output.host(), output), ids,
                 as_matrix(gradient.host_write_only(), output))
        .value;
  }

  friend void serialize(const loss_ldmat_&, std::ostream& out) { serialize("loss_ldmat_", out); }
  friend void deserialize(loss_ldmat_&, std::istream& in) {
    std::string version;
    deserialize(version, in);
    if (version != "loss_ldmat_") throw serialization_error("not a loss_ldmat_ but " + version);
  }
  friend std::ostream& operator<<(std::ostream& out, const loss_ldmat_&) {
    return out << "loss_ldmat";
  }

 private:
  template <class T>
  static auto as_matrix(T* data, const tensor& shape) {
    return ldmat::view(data, shape.num_samples(), shape.k() * shape.nr() * shape.nc());
  }
  // dlib asks a constant layer; what changes in a call is only the loss's scratch memory.
  mutable ldmat::RecommendedLoss<float> loss_ = ldmat::recommended<float>();
};

template <class Subnet>
using loss_ldmat = add_loss_layer<loss_ldmat_, Subnet>;

}  // namespace dlib

int main() {
  // Points of three interleaved spiral arms, which no line separates.
  dlib::rand random(1);
  std::vector<dlib::matrix<float, 0, 1>> points;
  std::vector<unsigned long> labels;
  for (unsigned long i = 0; i < 300; ++i) {
    const unsigned long arm = i % 3;
    const double radius = random.get_random_double();
    const double angle = 4 * radius + 2.0944 * static_cast<double>(arm);
    dlib::matrix<float, 0, 1> point(2);
    point = static_cast<float>(radius * std::cos(angle)),
    static_cast<float>(radius * std::sin(angle));
    points.push_back(point);
    labels.push_back(arm);
  }

  using Network = dlib::loss_ldmat<dlib::fc<
      2,
      dlib::relu<dlib::fc<32, dlib::relu<dlib::fc<32, dlib::input<dlib::matrix<float, 0, 1>>>>>>>>;
  Network network;
  dlib::dnn_trainer<Network, dlib::adam> trainer(network, dlib::adam(0, 0.9f, 0.999f));
  trainer.set_learning_rate(0.005);
  const double before = network.compute_loss(points.begin(), points.end(), labels.begin());
  for (int step = 0; step < 1500; ++step) trainer.train_one_step(points, labels);
  trainer.get_net();
  const double after = network.compute_loss(points.begin(), points.end(), labels.begin());
  std::cout << "loss of the spirals " << before << " -> " << after << "\n";
  return after < before / 10 ? 0 : 1;
}
