// The numbered failures of the engine: requests it refuses, calls it ends, files it will not copy.
// Each has a row in docs/diagnostics.md; a number is never reused.
#pragma once

#include "../base/diagnostic.hpp"

namespace berth::inline host_v1::engine_diagnostics {

// --- admission: nothing has happened yet ---
/// A name is not `provider/id`, or the id in it is malformed.
inline constexpr Diagnostic bad_name{"BERTH-E-01", Code::invalid_argument};
/// berth.yaml has no provider of that name.
inline constexpr Diagnostic unknown_provider{"BERTH-E-02", Code::invalid_argument};
/// No provider was named and berth.yaml selects none.
inline constexpr Diagnostic no_provider{"BERTH-E-03", Code::invalid_argument};
/// A field of a request is missing, malformed or out of range.
inline constexpr Diagnostic bad_field{"BERTH-E-04", Code::invalid_argument};
/// Two fields of a request exclude each other, or one belongs to another method.
inline constexpr Diagnostic fields_exclude{"BERTH-E-05", Code::invalid_argument};
/// A field of a request is larger than Berth takes.
inline constexpr Diagnostic field_too_large{"BERTH-E-06", Code::resource_exhausted};
/// The provider does not have an optional method.
inline constexpr Diagnostic method_missing{"BERTH-E-07", Code::unsupported};
/// A field or act needs a feature that the provider does not offer here.
inline constexpr Diagnostic feature_missing{"BERTH-E-08", Code::unsupported};
/// The provider lacks what this request requires.
inline constexpr Diagnostic request_unmet{"BERTH-E-09", Code::unsupported};
/// The provider lacks what `requires` in berth.yaml asks for.
inline constexpr Diagnostic requires_unmet{"BERTH-E-10", Code::unsupported};
/// No provider of berth.yaml can be used.
inline constexpr Diagnostic no_usable_provider{"BERTH-E-11", Code::invalid_argument};
/// `restart` would lose files, and berth.yaml does not allow that.
inline constexpr Diagnostic restart_loses_files{"BERTH-E-12", Code::unsupported};
/// A snapshot belongs to another provider than the sandbox.
inline constexpr Diagnostic foreign_snapshot{"BERTH-E-13", Code::invalid_argument};

// --- calls ---
/// The call was given up by its caller, or the Host ends.
inline constexpr Diagnostic cancelled{"BERTH-E-14", Code::cancelled};
/// The call ran over its deadline.
inline constexpr Diagnostic timed_out{"BERTH-E-15", Code::timeout};
/// The provider's answer breaks the contract.
inline constexpr Diagnostic bad_answer{"BERTH-E-16", Code::protocol_error};
/// Something that is not one of Berth's errors was thrown.
inline constexpr Diagnostic unexpected{"BERTH-E-17", Code::internal};
/// The system gives no thread, pipe or descriptor.
inline constexpr Diagnostic no_system_resource{"BERTH-E-18", Code::resource_exhausted};
/// The process does not read its stdin any more.
inline constexpr Diagnostic stdin_closed{"BERTH-E-19", Code::execution_failed};
/// The log is larger than Berth collects.
inline constexpr Diagnostic log_too_large{"BERTH-E-20", Code::resource_exhausted};

// --- reloading ---
/// A plugin cannot take the place of what was loaded before, which goes on; the code says why.
inline constexpr Diagnostic not_reloaded{"BERTH-E-21", Code::internal};
/// No provider of the configuration is of the plugin that was to be reloaded.
inline constexpr Diagnostic plugin_not_used{"BERTH-E-22", Code::invalid_argument};

// --- files ---
/// A host file cannot be read; the code says why.
inline constexpr Diagnostic cannot_read{"BERTH-F-01", Code::internal};
/// A fifo, socket or device was to be copied.
inline constexpr Diagnostic special_file{"BERTH-F-02", Code::unsupported};
/// A file changed while it was copied.
inline constexpr Diagnostic changed_meanwhile{"BERTH-F-03", Code::conflict};
/// A sandbox sent a name that would leave the target.
inline constexpr Diagnostic hostile_name{"BERTH-F-04", Code::path_escape};
/// A link on the host stands in the way of what is to be written.
inline constexpr Diagnostic link_in_the_way{"BERTH-F-05", Code::path_escape};
/// A host file cannot be written; the code says why.
inline constexpr Diagnostic cannot_write{"BERTH-F-06", Code::internal};
/// The target is a directory, and a file is to be put there.
inline constexpr Diagnostic target_is_directory{"BERTH-F-07", Code::is_directory};
/// The target is a file, and a directory is to be put there.
inline constexpr Diagnostic target_not_directory{"BERTH-F-08", Code::not_directory};
/// A download is larger than berth.yaml allows.
inline constexpr Diagnostic download_too_large{"BERTH-F-09", Code::resource_exhausted};
/// A provider sent files in an order that the contract excludes.
inline constexpr Diagnostic files_out_of_order{"BERTH-F-10", Code::protocol_error};

}  // namespace berth::inline host_v1::engine_diagnostics
