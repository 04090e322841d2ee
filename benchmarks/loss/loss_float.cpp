#include "losses.hpp"

template void ldmat::bench::register_losses<float>(const std::string&, const Selection&);
