// Programs run inside a sandbox on the daemon's behalf. Knows no request.
#pragma once

#include "world.hpp"

namespace standin::daytona {

/// The daemon's own environment: the sandbox's creation values and what POST /env set. Under the world's lock.
[[nodiscard]] Texts daemon_environment(const Sandbox& sandbox);
[[nodiscard]] std::vector<std::string> variables_of(const Texts& environment);
[[nodiscard]] std::string home_of(const Sandbox& sandbox);
[[nodiscard]] std::shared_ptr<Machine> machine_of(World& world, const Sandbox& sandbox);

/// Runs a shell script with these words ($1 and so on) in the work folder; what a stopped sandbox loses is a Refusal.
[[nodiscard]] Machine::Said run_inside(World& world, const Sandbox& sandbox, const std::string& script,
                                       const std::vector<std::string>& words, std::string_view input = {});

}  // namespace standin::daytona
