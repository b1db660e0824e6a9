// A process of this machine that cannot be mistaken for a later one with the same number.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"

namespace berth_local {

struct ProcessId {
    pid_t pid = 0;
    std::uint64_t start = 0;  // clock ticks since boot
    std::string boot;         // of which boot

    // Who has this number now; absent when nobody has, or only a zombie.
    static std::optional<ProcessId> of(pid_t pid);
    [[nodiscard]] bool alive() const;
    // A handle on exactly this process; empty when it is gone.
    [[nodiscard]] Descriptor open() const;
    // "pid start boot", and back.
    [[nodiscard]] std::string text() const;
    static std::optional<ProcessId> parse(const std::string& text);
};

// This boot of the machine, in a word.
[[nodiscard]] const std::string& this_boot();
// Its parent, when that has this name.
[[nodiscard]] std::optional<ProcessId> parent_called(pid_t pid, std::string_view name);
// The first process of the process namespace that `pid` lives in: itself or one it descends from. Absent: it is gone.
[[nodiscard]] std::optional<pid_t> first_in_namespace(pid_t pid);
// Those of this machine that were started with `words` in a row among their arguments.
[[nodiscard]] std::vector<ProcessId> processes_started_with(const std::vector<std::string>& words);
// SIGKILL through the handle.
void kill_through(const Descriptor& handle);
// Waits until the process behind the handle is gone; false after `limit`.
[[nodiscard]] bool wait_gone(const Descriptor& handle, std::chrono::milliseconds limit);

}  // namespace berth_local
