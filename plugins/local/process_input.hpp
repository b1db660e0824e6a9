// stdin of one process: bytes given beforehand, or a pipe of the caller's relayed as it comes. Never waits.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "descriptor.hpp"

namespace berth_local {

class ProcessInput {
public:
    // `bytes`: all of stdin, or absent. `live`: the read end of the caller's pipe, or -1.
    ProcessInput(std::optional<std::string_view> bytes, int live) : bytes_(bytes), live_(live) {}

    // The process has started; `pipe` leads to its stdin, empty when there is none.
    void start(Descriptor pipe);
    // What to poll for; descriptor -1: nothing, it is over.
    struct Wanted {
        int descriptor = -1;
        short events = 0;
    };
    [[nodiscard]] Wanted wanted() const;
    // Moves as much as goes now. At the end, or when nobody reads any more, the pipe is closed: no error.
    void feed();
    void close() { pipe_.reset(); }

private:
    void feed_bytes();
    void feed_live();

    std::optional<std::string_view> bytes_;
    int live_;
    Descriptor pipe_;
    std::size_t offset_ = 0;
    bool bytes_wait_ = false;  // the caller's pipe has some; the sandbox's must take them
};

}  // namespace berth_local
