// The terminal Berth runs on: is there one, how large is it, raw and back again. Knows no sandbox.
#pragma once

#include <termios.h>

#include <mutex>
#include <optional>

#include "../provider/values.hpp"
#include "table.hpp"

namespace berth::inline host_v1::cli {

[[nodiscard]] bool is_terminal(int descriptor) noexcept;

/// Of the terminal behind a descriptor; absent when there is none.
[[nodiscard]] std::optional<TerminalSize> terminal_size(int descriptor) noexcept;

/// On when the descriptor is a terminal that can show it and NO_COLOR is not set.
[[nodiscard]] Colour colour_for(int descriptor, bool no_color, bool dumb_terminal) noexcept;

/// Every key goes through as it is while this lives. Does nothing on what is no terminal.
class RawTerminal {
public:
    explicit RawTerminal(int descriptor);
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal() { restore(); }
    /// As it was before; any thread, twice is fine.
    void restore() noexcept;

private:
    int descriptor_;
    std::mutex mutex_;
    std::optional<termios> before_;
};

}  // namespace berth::inline host_v1::cli
