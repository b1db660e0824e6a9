// The first process of a sandbox: started, asked, found again, ended. All of it from the sandbox's directory, so that
// any process of the host can do it at any time; numbers of processes are never trusted without their start time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "call_filter.hpp"
#include "caller.hpp"
#include "descriptor.hpp"
#include "process_id.hpp"
#include "record.hpp"

namespace berth_local {

// So seldom that a thousand of them are as idle as without it.
inline constexpr std::chrono::milliseconds usual_look_each = std::chrono::minutes{1};

struct StartSettings {
    std::string bubblewrap;
    const Descriptor* init = nullptr;  // berth-init, open for reading
    const Descriptor* etc = nullptr;
    std::string root_program;                         // berth-root
    const std::vector<Descriptor>* groups = nullptr;  // control groups to join
    UserNamespaces user_namespaces = UserNamespaces::off;
    std::chrono::milliseconds look_each = usual_look_each;  // see LaunchPlan
};

struct Answer {
    std::uint32_t busy = 0;  // processes and copies under way
    pid_t pid = 0;
};

// Starts it and returns who it is when it answers. `meanwhile` is done while bubblewrap works, on another CPU where there
// is one. Throws ISOLATION_UNAVAILABLE with bubblewrap's reason, TIMEOUT, CANCELLED.
ProcessId start_first_process(const Descriptor& sandbox, const Record& record, const StartSettings& settings,
                              Caller& caller, const std::function<void()>& meanwhile);

// Tells it that the sandbox is made: idle time counts from now on. One that was made before counts from its start.
void begin_idle_time(const Descriptor& sandbox);

// Who it is, as written down when it was started; absent when it is gone.
[[nodiscard]] std::optional<ProcessId> first_process(const Descriptor& sandbox);

enum class Presence { gone, silent, answers };

struct Asked {
    Presence presence = Presence::gone;
    Answer answer;
};

// Asks it. A process that is being killed counts as gone as soon as it listens no more.
[[nodiscard]] Asked ask_first_process(const Descriptor& sandbox, std::chrono::milliseconds limit);

// Ends it and with it everything in the sandbox; returns when all of that is gone. Also when it was never written down,
// and when nothing but parts of its launch are there. Throws when something does not end. `id`: the sandbox's.
// `meanwhile` is done while the kernel ends it.
// What stands beside the sandbox, outside, then still ends by itself: `wait_for_monitor`.
[[nodiscard]] Descriptor end_first_process(const Descriptor& sandbox, const std::string& id,
                                           const std::function<void()>& meanwhile);
void wait_for_monitor(const Descriptor& monitor);
// All of it.
void stop_first_process(const Descriptor& sandbox, const std::string& id);

}  // namespace berth_local
