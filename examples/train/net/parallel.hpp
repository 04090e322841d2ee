#pragma once

#include <Eigen/Core>

#include <algorithm>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tiny {

// Number of pieces that parallel_chunks makes of `count` things: one per thread.
inline Eigen::Index chunk_count(Eigen::Index count) {
#ifdef _OPENMP
  return std::clamp<Eigen::Index>(omp_get_max_threads(), 1, std::max<Eigen::Index>(count, 1));
#else
  (void)count;
  return 1;
#endif
}

// Calls f(begin, end, chunk) for contiguous pieces of [0, count). The pieces depend only on count
// and on the number of threads, so partial results merged in chunk order are deterministic. f must
// not throw.
template <typename Function>
void parallel_chunks(Eigen::Index count, const Function& f) {
  const Eigen::Index chunks = chunk_count(count);
  if (chunks == 1) return f(Eigen::Index{0}, count, Eigen::Index{0});
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(chunks))
#endif
  for (Eigen::Index chunk = 0; chunk < chunks; ++chunk) {
    f(count * chunk / chunks, count * (chunk + 1) / chunks, chunk);
  }
}

// Calls f(i) for each i of [0, count).
template <typename Function>
void for_each_sample(Eigen::Index count, const Function& f) {
  parallel_chunks(count, [&](Eigen::Index begin, Eigen::Index end, Eigen::Index /*chunk*/) {
    for (Eigen::Index i = begin; i < end; ++i) f(i);
  });
}

}  // namespace tiny
