#pragma once

/// The loss and its matrices on the CPU; nothing here reaches CUDA. Figures of a feature space are in
/// ldmat/quality.hpp and ldmat/retrieval.hpp, which most programs need not compile.

#include <ldmat/config.hpp>
#include <ldmat/loss.hpp>
#include <ldmat/matrix.hpp>
#include <ldmat/preset.hpp>
#include <ldmat/version.hpp>
