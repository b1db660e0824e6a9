// The stand-in as a measure: commands of sessions end at once with 0 and nothing is run, so that what is left is the cost of
// whoever asks and listens. Only with the behaviour `work: none`.
#pragma once

#include "world.hpp"

namespace standin::daytona {

/// Ends it, with a log that it shares with all that are like it: no file is made for it, so that the disk is not what is
/// measured. Under the world's lock.
void end_at_once(World& world, ShellCommand& command);

}  // namespace standin::daytona
