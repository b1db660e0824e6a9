// One process in a sandbox, from the host's side: request, output, stdin, events, and how it ended.
//
// The kill ladder and the time limit are the init's: they hold even when this process dies. Here stands the second net:
// an init that does not keep its word in time is reported, honestly, as an unknown outcome.
#pragma once

#include <berth/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caller.hpp"
#include "descriptor.hpp"

namespace berth_local {

struct TerminalSize {
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
};

struct ProcessRequest {
    std::string directory;                 // absolute and normal
    std::vector<std::string> arguments;    // the program first
    std::vector<std::string> environment;  // NAME=value
    std::optional<std::string_view> input;
    bool live_input = false;
    std::optional<TerminalSize> terminal;  // run on one: then all output is stdout
    bool discard_stdout = false;
    bool discard_stderr = false;
    bool kill_background = false;
    const std::vector<Descriptor>* groups = nullptr;  // control groups to join, at most three: see run_groups_shift
    std::int64_t timeout_ms = 0;                      // 0 = none
    std::int64_t kill_grace_ms = 0;
    std::int64_t drain_grace_ms = 0;
};

struct ProcessEnd {
    std::int32_t kind = 0;  // BERTH_ENDED_*
    std::int32_t exit_code = 0;
    std::int32_t signal = 0;
    std::optional<std::int64_t> duration_ms;
};

class ProcessSink {
public:
    enum class Taken { all, enough };
    virtual ~ProcessSink() = default;
    virtual void started(std::optional<std::int64_t> pid) = 0;
    // Waits while the reader is behind; what the caller says meanwhile goes to `on_event`.
    virtual Taken output(std::int32_t stream, std::string_view bytes,
                         const std::function<void(const Event&)>& on_event) = 0;
    // When it wants to do something without new output, and doing it.
    [[nodiscard]] virtual std::optional<Clock::time_point> next_turn() const { return std::nullopt; }
    virtual void take_turn() {}
};

// Runs it to its end. `ended_by_us` is asked when the init is gone in the middle: true when this sandbox was destroyed
// or restarted, which makes the answer a killed process instead of an error.
ProcessEnd run_process(int sandbox_directory, const ProcessRequest& request, Caller& caller, ProcessSink& sink,
                       const std::function<bool()>& ended_by_us);

}  // namespace berth_local
