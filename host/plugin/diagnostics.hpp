// The numbered failures of plugin files: finding, trusting, reading, loading, comparing, configuring.
// Each has a row in docs/diagnostics.md; a number is never reused.
#pragma once

#include <array>

#include "../base/diagnostic.hpp"

namespace berth::inline host_v1::plugin_diagnostics {

// --- finding ---
/// No plugin of that name on the search path.
inline constexpr Diagnostic not_found{"BERTH-P-01", Code::not_found};
/// A directory of the search path cannot be used.
inline constexpr Diagnostic bad_directory{"BERTH-P-02", Code::invalid_argument};
/// Two files say the same plugin name.
inline constexpr Diagnostic duplicate_name{"BERTH-P-03", Code::conflict};
// --- trusting ---
/// Others than its owner may change the file, its directory or one above that.
inline constexpr Diagnostic writable_by_others{"BERTH-P-04", Code::permission_denied};
/// Somebody else than root or the user who runs Berth owns the file, a directory above it or a link to it.
inline constexpr Diagnostic foreign_owner{"BERTH-P-05", Code::permission_denied};
/// The file cannot be opened or read, or is not a regular file.
inline constexpr Diagnostic unreadable{"BERTH-P-06", Code::permission_denied};
/// The file is not the one that was read before.
inline constexpr Diagnostic changed{"BERTH-P-07", Code::conflict};
// --- reading ---
/// The file is not an ELF file.
inline constexpr Diagnostic not_elf{"BERTH-P-08", Code::invalid_argument};
/// An ELF file, but not a shared object for this machine.
inline constexpr Diagnostic wrong_machine{"BERTH-P-09", Code::invalid_argument};
/// The ELF file contradicts itself or is cut short.
inline constexpr Diagnostic damaged_elf{"BERTH-P-10", Code::invalid_argument};
/// A shared object without a Berth manifest.
inline constexpr Diagnostic no_manifest{"BERTH-P-11", Code::invalid_argument};
/// The manifest is not JSON, or is JSON with two keys of one name.
inline constexpr Diagnostic manifest_not_json{"BERTH-P-12", Code::invalid_argument};
/// A key of the manifest is missing, unknown or has a wrong value.
inline constexpr Diagnostic manifest_field{"BERTH-P-13", Code::invalid_argument};
/// The plugin's configuration schema uses what Berth does not accept from a plugin.
inline constexpr Diagnostic schema_refused{"BERTH-P-14", Code::invalid_argument};
/// The plugin is built for another major version of the contract.
inline constexpr Diagnostic wrong_major{"BERTH-P-15", Code::unsupported};
/// Warning: the plugin offers one half of a pair of methods.
inline constexpr Diagnostic half_a_pair{"BERTH-P-16", Code::invalid_argument};
/// Warning: the manifest names a feature, or a method, that this Berth does not know.
inline constexpr Diagnostic unknown_offer{"BERTH-P-17", Code::invalid_argument};
// --- loading ---
/// A shared library that the plugin needs is not there.
inline constexpr Diagnostic missing_library{"BERTH-P-18", Code::unavailable};
/// The plugin uses a function or library version that nobody provides.
inline constexpr Diagnostic undefined_symbol{"BERTH-P-19", Code::unavailable};
/// The system's loader refuses the file for another reason.
inline constexpr Diagnostic not_loadable{"BERTH-P-20", Code::unavailable};
/// The plugin does not export berth_plugin_v1.
inline constexpr Diagnostic no_entry{"BERTH-P-21", Code::protocol_error};
/// The entry returned nothing or threw.
inline constexpr Diagnostic entry_failed{"BERTH-P-22", Code::protocol_error};
// --- comparing ---
/// A struct of the plugin is smaller than version 1.0 of the contract says.
inline constexpr Diagnostic struct_too_small{"BERTH-P-23", Code::protocol_error};
/// Required functions are missing.
inline constexpr Diagnostic required_missing{"BERTH-P-24", Code::protocol_error};
/// What the manifest says and what the table holds differ.
inline constexpr Diagnostic offer_differs{"BERTH-P-25", Code::protocol_error};
// --- configuring ---
/// The configuration does not fit the plugin's schema.
inline constexpr Diagnostic configuration_refused{"BERTH-P-26", Code::invalid_argument};
// --- trusting, continued ---
/// The file is larger than any plugin.
inline constexpr Diagnostic too_large{"BERTH-P-27", Code::invalid_argument};
/// The file is not the one that the configuration pins.
inline constexpr Diagnostic other_content{"BERTH-P-28", Code::permission_denied};
/// The policy asks for a pin, and the plugin has none.
inline constexpr Diagnostic not_pinned{"BERTH-P-29", Code::permission_denied};
/// The bytes that were verified cannot be kept where nobody changes them until they are loaded.
inline constexpr Diagnostic no_private_copy{"BERTH-P-30", Code::unavailable};
/// Too many versions of one file were loaded into this process, one after the other.
inline constexpr Diagnostic too_many_generations{"BERTH-P-31", Code::resource_exhausted};

// --- remembering ---
/// What the file did when it ran is the reason not to run it again.
inline constexpr Diagnostic quarantined{"BERTH-P-32", Code::unavailable};
/// What is remembered of plugin files cannot be read or written.
inline constexpr Diagnostic records_unusable{"BERTH-P-33", Code::unavailable};

inline constexpr std::array all{
    not_found,
    bad_directory,
    duplicate_name,
    writable_by_others,
    foreign_owner,
    unreadable,
    changed,
    not_elf,
    wrong_machine,
    damaged_elf,
    no_manifest,
    manifest_not_json,
    manifest_field,
    schema_refused,
    wrong_major,
    half_a_pair,
    unknown_offer,
    missing_library,
    undefined_symbol,
    not_loadable,
    no_entry,
    entry_failed,
    struct_too_small,
    required_missing,
    offer_differs,
    configuration_refused,
    too_large,
    other_content,
    not_pinned,
    no_private_copy,
    too_many_generations,
    quarantined,
    records_unusable,
};

}  // namespace berth::inline host_v1::plugin_diagnostics
