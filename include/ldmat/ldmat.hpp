#pragma once

/// The whole CPU library. Nothing here reaches CUDA.

#include <ldmat/config.hpp>
#include <ldmat/loss.hpp>
#include <ldmat/matrix.hpp>
#include <ldmat/preset.hpp>
#include <ldmat/version.hpp>
