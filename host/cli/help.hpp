// Help texts, made from the table of commands. Pure text.
#pragma once

#include <string>
#include <string_view>

#include "command_table.hpp"

namespace berth::inline host_v1::cli {

/// What Berth is, its commands by family, global flags, exit codes.
[[nodiscard]] std::string main_help();
/// The commands of one group, such as "snapshot".
[[nodiscard]] std::string group_help(std::string_view group);
/// Usage, sentence, flags and an example of one command.
[[nodiscard]] std::string command_help(const CommandRow& command);

}  // namespace berth::inline host_v1::cli
