// Running things in a sandbox with its own environment: for the caller, and the setup commands of a new one.
#pragma once

#include "backend.hpp"
#include "cloud/sandbox_link.hpp"

namespace berth_daytona {

// In order, until one fails: then execution_failed with all about it.
void run_setup(const Backend& backend, berth::Call& call, std::string_view id, const Record& record,
               const berth::Strings& lines);

// Makes the variables those of everything that starts in the sandbox from now on, also of what others start. Daytona forgets
// them with each stop; old daemons cannot: our own commands carry them all the same.
void give_variables(const Backend& backend, berth::Call& call, const Record& record,
                    const std::vector<std::string>& unset = {});

[[nodiscard]] berth::ProcessEnd run_process(const Backend& backend, berth::Call& call, std::string_view id,
                                            const berth::Process& process, berth::ProcessSink& sink,
                                            Listening listening);

}  // namespace berth_daytona
