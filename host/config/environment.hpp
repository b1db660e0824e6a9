// The environment variables the host may look at, taken once and handed on, so that a test passes its own.
// Knows no variable by name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace berth::inline host_v1 {

/// A snapshot of variables. Immutable value; any thread.
class EnvironmentVariables {
public:
    using Variables = std::map<std::string, std::string, std::less<>>;

    EnvironmentVariables() = default;
    explicit EnvironmentVariables(Variables variables) : variables_(std::move(variables)) {}
    /// Those of this process, now. Call it before other threads change them.
    [[nodiscard]] static EnvironmentVariables of_process();

    [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
    /// The same, but an empty variable counts as absent, as shells and vendors' tools have it.
    [[nodiscard]] std::optional<std::string> get_filled(std::string_view name) const;
    [[nodiscard]] const Variables& variables() const noexcept { return variables_; }

private:
    Variables variables_;
};

}  // namespace berth::inline host_v1
