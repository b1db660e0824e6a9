// create, list, destroy and restart. A sandbox's name, which is its id, follows from the idempotency key: Vercel itself then
// refuses a second one, and what became of a request without an answer can be asked.
#pragma once

#include "backend.hpp"

namespace berth_vercel {

[[nodiscard]] berth::SandboxInfo create_sandbox(const Backend& backend, berth::Call& call,
                                                const berth::SandboxConfig& config, berth::FileSource& files);
[[nodiscard]] berth::SandboxInfo get_sandbox(const Backend& backend, berth::Call& call, std::string_view id);
[[nodiscard]] std::vector<berth::SandboxInfo> list_sandboxes(const Backend& backend, berth::Call& call);
void destroy_sandbox(const Backend& backend, berth::Call& call, std::string_view id);
[[nodiscard]] berth::SandboxInfo restart_sandbox(const Backend& backend, berth::Call& call, std::string_view id);

// What create sends, without the project.
[[nodiscard]] Json creation_body(const Settings& settings, const berth::SandboxConfig& config, const std::string& name,
                                 const Record& record);

}  // namespace berth_vercel
