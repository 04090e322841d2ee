// OpenCV: features in a cv::Mat are read where they are, also as a region of a larger one, and the
// gradient is written into a cv::Mat. Here gradient descent gathers rows into two groups.
#include <ldmat/ldmat.hpp>

#include <opencv2/core.hpp>

#include <iostream>
#include <vector>

// A matrix of one channel, read and written where it is: the step between rows is the Mat's own.
template <class T>
auto as_matrix(const cv::Mat& mat) {
  CV_Assert(mat.type() == cv::DataType<T>::type && mat.dims == 2);
  return ldmat::view(const_cast<T*>(mat.ptr<T>()), mat.rows, mat.cols,
                     static_cast<ldmat::Index>(mat.step1()));
}

int main() {
  cv::Mat image(64, 100, CV_32F);
  cv::RNG random(1);
  random.fill(image, cv::RNG::NORMAL, 0, 1);
  cv::Mat features = image(cv::Rect(10, 4, 2, 40));  // 40 rows of 2 columns within the image
  std::vector<int> labels;
  for (int i = 0; i < features.rows; ++i) labels.push_back(i % 2);

  ldmat::Loss<float> loss;
  cv::Mat gradient(features.size(), CV_32F);
  const double before = loss(as_matrix<float>(features), labels, as_matrix<float>(gradient)).value;
  ldmat::LossResult result;
  for (int step = 0; step < 200; ++step) {
    result = loss(as_matrix<float>(features), labels, as_matrix<float>(gradient));
    features -= 5 * gradient;  // OpenCV's own arithmetic, in the image itself
  }
  std::cout << "loss " << before << " -> " << result.value << ", distance "
            << result.mean_same_distance << " within classes, " << result.mean_different_distance
            << " between\n";
  const bool in_place = as_matrix<float>(features).data() == image.ptr<float>(4) + 10;
  return in_place && result.value < 0.01 ? 0 : 1;
}
