// Sessions' shells: started, given commands one at a time, ended. Knows no HTTP.
#pragma once

#include "world.hpp"

namespace standin::daytona {

/// Under the world's lock, in a sandbox that runs.
[[nodiscard]] std::shared_ptr<Shell> start_shell(World& world, const Sandbox& sandbox, const std::string& id);
/// Runs `text` when the shell has done what came before. Under the world's lock.
[[nodiscard]] std::shared_ptr<ShellCommand> queue_command(World& world, const std::shared_ptr<Shell>& shell,
                                                          const std::shared_ptr<ShellCommand>& command);
/// Ends everything that descends from the shell: SIGTERM, then after a while SIGKILL. Its files are gone afterwards.
void end_shell(World& world, const Sandbox& sandbox, const Shell& shell);

/// Behind one of these stands each line of a log.
constexpr std::string_view stdout_marker{"\x01\x01\x01", 3};
constexpr std::string_view stderr_marker{"\x02\x02\x02", 3};

/// A log taken apart again; bytes before any marker are in neither stream.
struct Streams {
    std::string merged;
    std::string output;
    std::string error;
};
[[nodiscard]] Streams streams_of(std::string_view log);

}  // namespace standin::daytona
