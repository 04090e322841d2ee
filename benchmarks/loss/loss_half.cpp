#include "losses.hpp"

template void ldmat::bench::register_losses<Eigen::half>(const std::string&, const Selection&);
