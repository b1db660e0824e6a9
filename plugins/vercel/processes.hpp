// Running things in a sandbox with its own environment: for the caller, and the setup commands of a new one.
#pragma once

#include "backend.hpp"

namespace berth_vercel {

// In order, until one fails: then execution_failed with all about it.
void run_setup(const Backend& backend, berth::Call& call, const Place& place, const Record& record,
               const berth::Strings& lines);

[[nodiscard]] berth::ProcessEnd run_process(const Backend& backend, berth::Call& call, std::string_view id,
                                            const berth::Process& process, berth::ProcessSink& sink);

}  // namespace berth_vercel
