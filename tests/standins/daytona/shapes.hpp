// Daytona's objects as JSON. Knows no request.
#pragma once

#include "world.hpp"

namespace standin::daytona {

enum class Detail { whole, list_item };

/// Under the world's lock. Takes one of the empty proxy URLs that a test asked for.
[[nodiscard]] Json shape(World& world, const Sandbox& sandbox, Detail detail = Detail::whole);
[[nodiscard]] Json shape(const Snapshot& snapshot);
[[nodiscard]] Json shape(const Shell& shell);
[[nodiscard]] Json shape(const ShellCommand& command);
/// "2026-01-02T03:04:05.678Z"
[[nodiscard]] std::string time_text(Milliseconds time);

}  // namespace standin::daytona
