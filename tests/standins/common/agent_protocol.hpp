// What a stand-in and the agent inside one of its sandboxes say to each other over a socket: frames to the agent, reports
// of fixed size back. Plain data.
#pragma once

#include <cstdint>

namespace standin {

/// Before every frame to the agent. Then `length` bytes of texts, each with a final '\0'. To start a process: its working
/// directory, then arguments, then variables; its stdin, stdout and stderr go with the header as descriptors.
struct FrameHeader {
    enum Kind : std::uint32_t { start = 1, start_as_root = 2, signal = 3, signal_group = 4 };
    std::uint32_t kind;
    std::uint32_t number;  ///< of the process, the stand-in's own
    std::uint32_t length;
    std::uint32_t arguments;  ///< how many; or the signal
};

struct Report {
    enum Kind : std::uint32_t { started = 1, no_directory = 2, no_program = 3, ended = 4 };
    std::uint32_t kind;
    std::uint32_t number;
    std::int32_t value;  ///< errno, or the exit code as shells count
    std::uint32_t cpu_milliseconds;
};

}  // namespace standin
