// A plugin file and what was found out about it, for people and for programs. Looks at no file itself.
#pragma once

#include <string>

#include "../plugin/inspection.hpp"
#include "json_output.hpp"
#include "table.hpp"

namespace berth::inline host_v1::cli {

/// As `plugin ls` has it. `quarantine` may be null.
[[nodiscard]] Json json_of(const PluginFile& file, const QuarantineRecord* quarantine);
[[nodiscard]] Json json_of(const QuarantineRecord& record);
/// All of it.
[[nodiscard]] Json json_of(const Inspection& inspection);
[[nodiscard]] std::string sheet_of(const Inspection& inspection, Colour colour);

/// Whose the file is, and whether its content is pinned: "root", "you, pinned", or "no".
[[nodiscard]] Cell trust_cell(const PluginFile& file);

/// "usable", "refused" or "quarantined".
[[nodiscard]] Cell state_cell(const PluginFile& file, const QuarantineRecord* quarantine);
/// Why the file is not used; nothing when it is.
[[nodiscard]] std::optional<Error> refusal_of(const PluginFile& file, const QuarantineRecord* quarantine);

/// "16 of 16".
[[nodiscard]] std::string method_count(const Manifest& manifest);

}  // namespace berth::inline host_v1::cli
