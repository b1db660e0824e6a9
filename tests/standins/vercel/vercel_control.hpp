// The part of the control interface that speaks of Vercel's objects: the clock, the behaviour, what exists.
#pragma once

#include "world.hpp"

namespace standin::vercel {

[[nodiscard]] Answer vercel_control(World& world, Clock& clock, const Request& request);

}  // namespace standin::vercel
