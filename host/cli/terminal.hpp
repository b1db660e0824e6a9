// The terminal Berth runs on: is there one, how large is it, may it be coloured. Knows no sandbox.
#pragma once

#include <optional>

#include "../provider/values.hpp"
#include "table.hpp"

namespace berth::inline host_v1::cli {

[[nodiscard]] bool is_terminal(int descriptor) noexcept;

/// Of the terminal behind a descriptor; absent when there is none.
[[nodiscard]] std::optional<TerminalSize> terminal_size(int descriptor) noexcept;

/// On when the descriptor is a terminal that can show it and NO_COLOR is not set.
[[nodiscard]] Colour colour_for(int descriptor, bool no_color, bool dumb_terminal) noexcept;

}  // namespace berth::inline host_v1::cli
