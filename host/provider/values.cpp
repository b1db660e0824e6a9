#include "values.hpp"

#include <string_view>

namespace berth::inline host_v1 {

std::string_view name_of(SandboxState state) noexcept {
    switch (state) {
        case SandboxState::initializing:
            return "initializing";
        case SandboxState::ready:
            return "ready";
        case SandboxState::busy:
            return "busy";
        case SandboxState::stopped:
            return "stopped";
        case SandboxState::error:
            return "error";
    }
    return "error";
}

std::string_view name_of(ProcessStatus status) noexcept {
    switch (status) {
        case ProcessStatus::completed:
            return "completed";
        case ProcessStatus::failed:
            return "failed";
        case ProcessStatus::killed:
            return "killed";
        case ProcessStatus::timeout:
            return "timeout";
    }
    return "failed";
}

std::string_view name_of(NetworkMode network) noexcept {
    switch (network) {
        case NetworkMode::provider_default:
            return "default";
        case NetworkMode::none:
            return "none";
        case NetworkMode::host:
            return "host";
        case NetworkMode::outbound:
            return "outbound";
        case NetworkMode::allow_list:
            return "allow_list";
    }
    return "default";
}

}  // namespace berth::inline host_v1
