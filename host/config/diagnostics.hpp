// The numbers of what can be wrong with a configuration. docs/diagnostics.md explains each; a test ties both together.
#pragma once

#include "../base/diagnostic.hpp"

namespace berth::inline host_v1::config_diagnostics {

/// The file is not there or cannot be read.
inline constexpr Diagnostic unreadable_file{"BERTH-C-01", Code::invalid_argument};
/// The file belongs to somebody else or others may write it: it can name plugin paths, so it is code.
inline constexpr Diagnostic untrusted_file{"BERTH-C-02", Code::permission_denied};
/// More than 1 MiB.
inline constexpr Diagnostic too_large{"BERTH-C-03", Code::invalid_argument};
/// Not UTF-8, or control characters.
inline constexpr Diagnostic not_text{"BERTH-C-04", Code::invalid_argument};
/// Not YAML.
inline constexpr Diagnostic syntax{"BERTH-C-05", Code::invalid_argument};
/// Deeper than 64 levels, aliases expanded.
inline constexpr Diagnostic too_deep{"BERTH-C-06", Code::invalid_argument};
/// More values than a configuration can need, aliases expanded.
inline constexpr Diagnostic too_many_values{"BERTH-C-07", Code::invalid_argument};
/// An alias inside the value that it stands for.
inline constexpr Diagnostic alias_cycle{"BERTH-C-08", Code::invalid_argument};
/// A merge key (`<<`).
inline constexpr Diagnostic merge_key{"BERTH-C-09", Code::invalid_argument};
/// A tag (`!something`).
inline constexpr Diagnostic tag{"BERTH-C-10", Code::invalid_argument};
/// More than one document in the file.
inline constexpr Diagnostic several_documents{"BERTH-C-11", Code::invalid_argument};
/// The same key twice in one map.
inline constexpr Diagnostic duplicate_key{"BERTH-C-12", Code::invalid_argument};
/// A key that Berth does not know.
inline constexpr Diagnostic unknown_key{"BERTH-C-13", Code::invalid_argument};
/// A key that has to be there is not.
inline constexpr Diagnostic missing_key{"BERTH-C-14", Code::invalid_argument};
/// A list where a map belongs, text where a number belongs...
inline constexpr Diagnostic wrong_type{"BERTH-C-15", Code::invalid_argument};
/// The right type, but not a value this key can have.
inline constexpr Diagnostic bad_value{"BERTH-C-16", Code::invalid_argument};
/// Not a name of a provider, plugin, method or feature.
inline constexpr Diagnostic bad_name{"BERTH-C-17", Code::invalid_argument};
/// `select.default` names a provider that is not configured.
inline constexpr Diagnostic unknown_provider{"BERTH-C-18", Code::invalid_argument};
/// A reference that is malformed, or stands where none is allowed.
inline constexpr Diagnostic bad_reference{"BERTH-C-20", Code::invalid_argument};
/// A reference to a variable or file that is not there.
inline constexpr Diagnostic unresolved_reference{"BERTH-C-21", Code::invalid_argument};
/// A secret written into the file itself.
inline constexpr Diagnostic literal_secret{"BERTH-C-22", Code::invalid_argument};
/// A version of the file format that this Berth does not read.
inline constexpr Diagnostic unknown_version{"BERTH-C-23", Code::unsupported};
/// A number or word that YAML versions read differently, or that JSON cannot hold.
inline constexpr Diagnostic ambiguous_value{"BERTH-C-24", Code::invalid_argument};
/// A secret cannot be read at the moment it is needed.
inline constexpr Diagnostic unreadable_secret{"BERTH-C-25", Code::auth_failed};
/// Text out of a variable or file is not of the type that the plugin's schema asks for.
inline constexpr Diagnostic wrong_reference_type{"BERTH-C-26", Code::invalid_argument};

}  // namespace berth::inline host_v1::config_diagnostics
