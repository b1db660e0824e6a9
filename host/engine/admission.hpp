// What is checked before a plugin is entered: everything about a request that needs no backend. Plugins rely on it.
// Each function throws Error (BERTH-E-..., outcome none) naming the field, what was found and what was expected.
// Knows neither which provider it will be nor what that one offers: see feature_admission.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "../base/error.hpp"
#include "../plugin/method_table.hpp"
#include "../provider/values.hpp"

namespace berth::inline host_v1 {

/// 1-128 of [A-Za-z0-9._-], not `.` or `..`.
void admit_sandbox_id(std::string_view id);
/// What a backend calls its snapshot: at most 256 bytes of UTF-8 without control characters.
void admit_snapshot_id(std::string_view id);
/// 1-64 of [A-Za-z0-9._-].
void admit_snapshot_name(std::string_view name);
/// Of the operation: more than nothing, and no more than a hundred years.
void admit_deadline(std::optional<Milliseconds> deadline);

void admit_sandbox(const SandboxConfig& config);
/// `method` is execute or execute_stream: a live stdin and a terminal are for the second only.
void admit_process(const ProcessConfig& process, Method method);
void admit_uploads(std::span<const FileOperation> files);
void admit_downloads(std::span<const FileOperation> files);
void admit_variables(const Variables& set, std::span<const std::string> unset);

}  // namespace berth::inline host_v1
