#pragma once

/// The loss and its matrices on the CPU; nothing here reaches CUDA. Figures of a feature space are in
/// ldmat/quality.hpp and ldmat/retrieval.hpp, what class distances allow in ldmat/attainable.hpp, the loss
/// against fixed anchors in ldmat/anchored.hpp: most programs need not compile them.

#include <ldmat/config.hpp>
#include <ldmat/loss.hpp>
#include <ldmat/matrix.hpp>
#include <ldmat/preset.hpp>
#include <ldmat/version.hpp>
