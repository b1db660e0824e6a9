// The stand-in as a measure: commands of sessions end at once with 0 and nothing is run, so that what is left is the cost of
// whoever asks and listens. Only with the behaviour `work: none`.
#pragma once

#include "world.hpp"

namespace standin::daytona {

/// Writes the command's log as it will stay, and ends it. Under the world's lock.
void end_at_once(World& world, ShellCommand& command);

}  // namespace standin::daytona
