// A process of the contract as one command of a backend: what it gets from its sandbox, where its output goes, what is kept
// of it in the log. Knows no backend.
#pragma once

#include <berth/provider.hpp>

#include "command_run.hpp"

namespace berth_cloud {

// What a sandbox gives to each of its processes.
struct ProcessDefaults {
    berth::Variables env;
    std::string directory;  // absolute
    std::optional<std::int64_t> timeout_ms;
};

// Keeps lines in the sandbox's log.
using KeepLines = std::function<void(const std::string& lines)>;

// Runs it in the caller's sight. What is thrown after it was sent is never such that somebody might send it again.
[[nodiscard]] berth::ProcessEnd run_process(CommandLink& link, berth::Call& call, const ProcessDefaults& defaults,
                                            const berth::Process& process, berth::ProcessSink& sink,
                                            const KeepLines& keep);

// Runs one line of a setup, and throws execution_failed, with what it printed, when it fails.
void run_setup_line(CommandLink& link, berth::Call& call, const ProcessDefaults& defaults, std::string_view line,
                    std::uint64_t index, const KeepLines& keep);

}  // namespace berth_cloud
