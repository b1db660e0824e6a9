// berth.yaml, found and read: the way from files to a Configuration. Every problem carries file:line:column.
// Knows no plugin; the YAML library stays behind yaml_document.cpp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "configuration.hpp"
#include "environment.hpp"

namespace berth::inline host_v1 {

/// What reading gave: a configuration, and everything that is wrong with it (then do not use it).
struct ReadConfiguration {
    Configuration configuration;
    std::vector<Error> problems;  ///< in the order of the file
};

/// The file to read: `named` (--config), $BERTH_CONFIG, $XDG_CONFIG_HOME/berth/berth.yaml (or ~/.config/...),
/// /etc/berth/berth.yaml; the first two count when given, the others when they are there. Absent: there is none.
/// A berth.yaml in the working directory is used only when named.
/// A folder that may not be entered counts as empty. `system_directory` is another one in tests only.
[[nodiscard]] std::optional<std::filesystem::path> find_configuration(
    const std::optional<std::filesystem::path>& named, const EnvironmentVariables& environment,
    const std::filesystem::path& system_directory = "/etc");

/// Reads one file: owned by root or oneself, not writable by everybody, at most 1 MiB. Throws nothing but
/// bad_alloc: what is wrong is in `problems`, all of it where one mistake does not hide the next.
[[nodiscard]] ReadConfiguration read_configuration(const std::filesystem::path& file,
                                                   const EnvironmentVariables& environment);

/// The same for text already in memory. `file` is absolute and names it in messages; its directory is what relative
/// paths start from.
[[nodiscard]] ReadConfiguration read_configuration_text(std::string_view text, const std::filesystem::path& file,
                                                        const EnvironmentVariables& environment);

/// Finds, reads, and throws when something is wrong: the first problem, with the others in its details and their
/// number in its hint. With no file at all: built_in_configuration().
[[nodiscard]] Configuration load_configuration(const std::optional<std::filesystem::path>& named,
                                               const EnvironmentVariables& environment,
                                               const std::filesystem::path& system_directory = "/etc");

}  // namespace berth::inline host_v1
