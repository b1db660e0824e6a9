// The part of the control interface that speaks of Daytona's objects: the clock, the behaviour, what exists.
#pragma once

#include "world.hpp"

namespace standin::daytona {

[[nodiscard]] Answer daytona_control(World& world, Clock& clock, const Request& request);

}  // namespace standin::daytona
