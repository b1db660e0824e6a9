// The numbered failures of providers: what a plugin reported, and where it broke the contract.
// Each has a row in docs/diagnostics.md; a number is never reused.
#pragma once

#include <array>
#include <cstddef>

#include "../base/diagnostic.hpp"

namespace berth::inline host_v1::provider_diagnostics {

/// A provider said itself why it failed: BERTH-R-NN, where NN is the number of the code in the contract.
inline constexpr std::array<Diagnostic, 23> reported_all{{
    {"BERTH-R-01", Code::invalid_argument},
    {"BERTH-R-02", Code::not_found},
    {"BERTH-R-03", Code::snapshot_not_found},
    {"BERTH-R-04", Code::template_not_found},
    {"BERTH-R-05", Code::not_ready},
    {"BERTH-R-06", Code::conflict},
    {"BERTH-R-07", Code::unsupported},
    {"BERTH-R-08", Code::timeout},
    {"BERTH-R-09", Code::cancelled},
    {"BERTH-R-10", Code::execution_failed},
    {"BERTH-R-11", Code::file_not_found},
    {"BERTH-R-12", Code::is_directory},
    {"BERTH-R-13", Code::not_directory},
    {"BERTH-R-14", Code::file_exists},
    {"BERTH-R-15", Code::permission_denied},
    {"BERTH-R-16", Code::path_escape},
    {"BERTH-R-17", Code::resource_exhausted},
    {"BERTH-R-18", Code::rate_limited},
    {"BERTH-R-19", Code::auth_failed},
    {"BERTH-R-20", Code::unavailable},
    {"BERTH-R-21", Code::isolation_unavailable},
    {"BERTH-R-22", Code::protocol_error},
    {"BERTH-R-23", Code::internal},
}};

[[nodiscard]] constexpr const Diagnostic& reported(Code code) noexcept {
    return reported_all[static_cast<std::size_t>(code) - 1];
}

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
