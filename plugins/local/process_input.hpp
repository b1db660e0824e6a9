// stdin of one process: bytes given beforehand, or a pipe of the caller's relayed as it comes, into a pipe or onto a
// terminal. Never waits.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "descriptor.hpp"

namespace berth_local {

class ProcessInput {
public:
    // `bytes`: all of stdin, or absent. `live`: the read end of the caller's pipe, or -1.
    ProcessInput(std::optional<std::string_view> bytes, int live) : bytes_(bytes), live_(live) {}

    // The process has started; `pipe` leads to its stdin, empty when there is none.
    void start(Descriptor pipe);
    // It runs on a terminal, of which this is the master's end. There is always an end of input: with neither bytes nor
    // a caller's pipe it is said at once.
    void start_terminal(Descriptor master);
    // What to poll for; descriptor -1: nothing, it is over.
    struct Wanted {
        int descriptor = -1;
        short events = 0;
    };
    [[nodiscard]] Wanted wanted() const;
    // Moves as much as goes now. At the end, or when nobody reads any more, the pipe is closed: no error.
    void feed();
    void close() { target_.reset(); }

private:
    void feed_bytes();
    void feed_live();
    void feed_terminal();
    void fetch_for_terminal();
    void say_end_of_file();

    std::optional<std::string_view> bytes_;
    int live_;
    Descriptor target_;
    std::size_t offset_ = 0;
    bool bytes_wait_ = false;  // the caller's pipe has some; the sandbox's must take them

    bool terminal_ = false;
    std::string unwritten_;  // fetched, not yet taken by the terminal
    char latest_ = '\n';
    bool ended_ = false;  // end-of-file is among the unwritten, or written
};

}  // namespace berth_local
