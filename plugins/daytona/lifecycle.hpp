// Sandboxes from their making to their end.
#pragma once

#include "backend.hpp"

namespace berth_daytona {

[[nodiscard]] berth::SandboxInfo create_sandbox(const Backend& backend, berth::Call& call,
                                                const berth::SandboxConfig& config, berth::FileSource& files);
[[nodiscard]] berth::SandboxInfo get_sandbox(const Backend& backend, berth::Call& call, std::string_view id);
[[nodiscard]] std::vector<berth::SandboxInfo> list_sandboxes(const Backend& backend, berth::Call& call);
void destroy_sandbox(const Backend& backend, berth::Call& call, std::string_view id);
[[nodiscard]] berth::SandboxInfo restart_sandbox(const Backend& backend, berth::Call& call, std::string_view id);

// What is asked of Daytona for it. Pure.
[[nodiscard]] Json creation_body(const Settings& settings, const berth::SandboxConfig& config, std::string_view id,
                                 const Record& record);

}  // namespace berth_daytona
