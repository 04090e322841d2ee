#include "losses.hpp"

template void ldmat::bench::register_losses<Eigen::bfloat16>(const std::string&, const Selection&);
