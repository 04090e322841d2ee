#include "losses.hpp"

template void ldmat::bench::register_losses<double>(const std::string&, const Selection&);
