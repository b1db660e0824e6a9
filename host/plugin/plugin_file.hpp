// One candidate file: what it says of itself, or why it is refused. Reading it runs none of its code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../base/error.hpp"
#include "elf_notes.hpp"
#include "manifest.hpp"
#include "pins.hpp"
#include "search.hpp"
#include "trust.hpp"

namespace berth::inline host_v1 {

/// More is no plugin: what is verified before it is loaded is read whole.
inline constexpr std::uint64_t max_plugin_bytes = std::uint64_t{512} << 20U;

/// Throws Error BERTH-P-27, without location.
void check_plugin_size(std::uint64_t bytes);

struct PluginFile {
    std::string path;  ///< absolute
    SearchOrigin origin = SearchOrigin::command_line;
    FileIdentity identity;             ///< of the bytes that were read
    std::optional<Manifest> manifest;  ///< may be there beside an error: a second file of one name
    std::optional<Error> error;        ///< why it must not be used; its location is the path
    std::vector<Error> warnings;
    std::optional<uid_t> owner;       ///< of the file that was opened
    std::optional<std::string> hash;  ///< of the same bytes; only where a pin asked for it
    std::optional<ElfNotes> notes;    ///< as they were read: what is loaded must say the same
    bool came_with_berth = false;     ///< lies in the install's own directory
    bool pinned = false;              ///< the configuration has a pin for this plugin, and it holds what that says

    [[nodiscard]] bool usable() const noexcept { return manifest.has_value() && !error.has_value(); }
    /// The manifest's name, or the file's name without ".so" while it has none.
    [[nodiscard]] std::string name() const;
};

/// Opens, checks and reads one file. What is wrong with it is kept in `error`, never thrown.
[[nodiscard]] PluginFile read_plugin_file(const TrustedDirectory& directory, const std::string& file_name,
                                          SearchOrigin origin, const TrustRules& rules, const Pins& pins,
                                          EntryHint hint = EntryHint::unknown);

/// Opens the file anew, which must still be the one that was read. Throws Error: what open_trusted_file() throws, BERTH-P-07,
/// BERTH-P-27.
[[nodiscard]] TrustedFile open_again(const PluginFile& file, const TrustRules& rules);

/// BERTH-P-07, without location.
[[nodiscard]] Error plugin_file_changed();

}  // namespace berth::inline host_v1
