// From parsed words to one typed command: what values mean, with an error that names the flag. Pure but for the
// variables and the working directory it is told of; knows no CLI11, no sandbox.
#pragma once

#include <string>
#include <string_view>

#include "../config/environment.hpp"
#include "command.hpp"
#include "command_line.hpp"

namespace berth::inline host_v1::cli {

/// Throws Error BERTH-X-01 to BERTH-X-03. `variables` is where `-e K` looks.
[[nodiscard]] Invocation build_invocation(const ParsedLine& line, const EnvironmentVariables& variables, Moment now);

/// The path a file lands at: `target` as it is, or below it when it ends in a slash. "a/b" into "/x/" is "/x/b".
[[nodiscard]] std::string path_in_target(std::string_view source, std::string_view target);

}  // namespace berth::inline host_v1::cli
