// The numbered failures of providers: what a plugin reported, and where it broke the contract.
// Each has a row in docs/diagnostics.md; a number is never reused.
#pragma once

#include <array>

#include "../base/diagnostic.hpp"

namespace berth::inline host_v1::provider_diagnostics {

// A provider said itself why it failed: BERTH-R-NN, where NN is the number of the code in the contract. Which of them
// it is, reported() of reported.hpp tells.
inline constexpr Diagnostic reported_invalid_argument{"BERTH-R-01", Code::invalid_argument};
inline constexpr Diagnostic reported_not_found{"BERTH-R-02", Code::not_found};
inline constexpr Diagnostic reported_snapshot_not_found{"BERTH-R-03", Code::snapshot_not_found};
inline constexpr Diagnostic reported_template_not_found{"BERTH-R-04", Code::template_not_found};
inline constexpr Diagnostic reported_not_ready{"BERTH-R-05", Code::not_ready};
inline constexpr Diagnostic reported_conflict{"BERTH-R-06", Code::conflict};
inline constexpr Diagnostic reported_unsupported{"BERTH-R-07", Code::unsupported};
inline constexpr Diagnostic reported_timeout{"BERTH-R-08", Code::timeout};
inline constexpr Diagnostic reported_cancelled{"BERTH-R-09", Code::cancelled};
inline constexpr Diagnostic reported_execution_failed{"BERTH-R-10", Code::execution_failed};
inline constexpr Diagnostic reported_file_not_found{"BERTH-R-11", Code::file_not_found};
inline constexpr Diagnostic reported_is_directory{"BERTH-R-12", Code::is_directory};
inline constexpr Diagnostic reported_not_directory{"BERTH-R-13", Code::not_directory};
inline constexpr Diagnostic reported_file_exists{"BERTH-R-14", Code::file_exists};
inline constexpr Diagnostic reported_permission_denied{"BERTH-R-15", Code::permission_denied};
inline constexpr Diagnostic reported_path_escape{"BERTH-R-16", Code::path_escape};
inline constexpr Diagnostic reported_resource_exhausted{"BERTH-R-17", Code::resource_exhausted};
inline constexpr Diagnostic reported_rate_limited{"BERTH-R-18", Code::rate_limited};
inline constexpr Diagnostic reported_auth_failed{"BERTH-R-19", Code::auth_failed};
inline constexpr Diagnostic reported_unavailable{"BERTH-R-20", Code::unavailable};
inline constexpr Diagnostic reported_isolation_unavailable{"BERTH-R-21", Code::isolation_unavailable};
inline constexpr Diagnostic reported_protocol_error{"BERTH-R-22", Code::protocol_error};
inline constexpr Diagnostic reported_internal{"BERTH-R-23", Code::internal};

// --- where a plugin broke the contract ---
/// It threw an exception (rule E1).
inline constexpr Diagnostic threw{"BERTH-R-50", Code::internal};
/// It returned OK without the result that OK stands for (rule E4).
inline constexpr Diagnostic no_result{"BERTH-R-51", Code::protocol_error};
/// It failed without saying why (rule E2). The code is the one it returned.
inline constexpr Diagnostic no_reason{"BERTH-R-52", Code::internal};
/// It returned a number that belongs to sinks, sources and services (rule E3).
inline constexpr Diagnostic inner_number{"BERTH-R-53", Code::protocol_error};
/// It returned or reported an error number that this host does not know (rule V3).
inline constexpr Diagnostic unknown_number{"BERTH-R-54", Code::internal};
/// It told the course of a process or a copy in an order that the contract forbids (rule C5).
inline constexpr Diagnostic wrong_order{"BERTH-R-55", Code::protocol_error};
/// It handed over a malformed value: a struct too short, a number out of range, text that is none.
inline constexpr Diagnostic malformed{"BERTH-R-56", Code::protocol_error};
/// It named a sandbox or snapshot by an id that is not allowed, or is not the one that was asked for.
inline constexpr Diagnostic wrong_id{"BERTH-R-57", Code::protocol_error};
/// It listed the same sandbox or snapshot twice.
inline constexpr Diagnostic listed_twice{"BERTH-R-58", Code::protocol_error};
/// It describes a feature that its manifest does not name, or one feature twice.
inline constexpr Diagnostic wrong_feature{"BERTH-R-59", Code::protocol_error};

inline constexpr std::array breaches{threw,       no_result, no_reason, inner_number, unknown_number,
                                     wrong_order, malformed, wrong_id,  listed_twice, wrong_feature};

}  // namespace berth::inline host_v1::provider_diagnostics
