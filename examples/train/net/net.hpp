#pragma once

#include "net/models.hpp"
#include "net/optimizer.hpp"
#include "net/schedule.hpp"
#include "net/softmax.hpp"
