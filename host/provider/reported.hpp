// From the code that a provider reported to its diagnostic. Knows nothing but the two lists of numbers.
#pragma once

#include <array>
#include <cstddef>

#include "diagnostics.hpp"

namespace berth::inline host_v1::provider_diagnostics {

/// In the order of the contract's numbers.
inline constexpr std::array reported_all{
    reported_invalid_argument,
    reported_not_found,
    reported_snapshot_not_found,
    reported_template_not_found,
    reported_not_ready,
    reported_conflict,
    reported_unsupported,
    reported_timeout,
    reported_cancelled,
    reported_execution_failed,
    reported_file_not_found,
    reported_is_directory,
    reported_not_directory,
    reported_file_exists,
    reported_permission_denied,
    reported_path_escape,
    reported_resource_exhausted,
    reported_rate_limited,
    reported_auth_failed,
    reported_unavailable,
    reported_isolation_unavailable,
    reported_protocol_error,
    reported_internal,
};

[[nodiscard]] constexpr const Diagnostic& reported(Code code) noexcept {
    return reported_all[static_cast<std::size_t>(code) - 1];
}

}  // namespace berth::inline host_v1::provider_diagnostics
