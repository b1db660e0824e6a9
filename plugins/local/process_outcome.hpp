// What the init's last words about a process mean in the contract's terms. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "failure.hpp"
#include "process_run.hpp"
#include "protocol.hpp"

namespace berth_local {

// From a wait status and who asked for the end. `signals_sent`: bit N = the caller sent signal N.
[[nodiscard]] ProcessEnd process_end(int status, protocol::Cause cause, std::uint64_t nanoseconds,
                                     std::uint64_t signals_sent);

// Why a process was not even tried. Not for Stage::execute: that is a result.
[[nodiscard]] Failure start_failure(protocol::Stage stage, int error, const std::string& directory);

// Exit code and reason, as a shell has them, when the program could not be executed.
struct NotExecuted {
    int exit_code;
    std::string reason;
};
[[nodiscard]] NotExecuted not_executed(std::string_view program, int error);

}  // namespace berth_local
