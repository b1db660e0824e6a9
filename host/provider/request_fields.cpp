// Besides the two questions: the proof that no member of a request was forgotten. The structs of the contract have no
// padding, so the members named here must add up to the whole; one that is appended later and not named does not
// compile.
#include "request_fields.hpp"

#include <berth/plugin.h>

#include <cstddef>

#include "../plugin/method_table.hpp"

namespace berth::inline host_v1 {

namespace {

enum class Need { nothing, feature };

struct Member {
    std::string_view name;
    std::size_t size;
    Need need;
};

template <typename Struct, typename Value>
constexpr Member member(Value Struct::*, std::string_view name, Need need) {
    return {name, sizeof(Value), need};  // NOLINT(bugprone-sizeof-expression): of the member, pointer or not
}

// env, cwd and timeout are things every provider has; the limits in here are rows of the tables.
constexpr std::array environment_members{
    member(&berth_environment::size, "size", Need::nothing),
    member(&berth_environment::flags, "flags", Need::nothing),
    member(&berth_environment::env, "env", Need::nothing),
    member(&berth_environment::cwd, "cwd", Need::nothing),
    member(&berth_environment::timeout_ms, "timeout_ms", Need::nothing),
    member(&berth_environment::memory_limit_mib, "memory_limit_mib", Need::feature),
    member(&berth_environment::cpu_limit, "cpu_limit", Need::feature),
};

constexpr std::array sandbox_members{
    member(&berth_sandbox_config::size, "size", Need::nothing),
    member(&berth_sandbox_config::flags, "flags", Need::feature),
    member(&berth_sandbox_config::environment, "environment", Need::feature),
    member(&berth_sandbox_config::name, "name", Need::nothing),
    member(&berth_sandbox_config::template_name, "template_name", Need::feature),
    member(&berth_sandbox_config::setup_commands, "setup_commands", Need::nothing),
    member(&berth_sandbox_config::labels, "labels", Need::nothing),
    member(&berth_sandbox_config::idempotency_key, "idempotency_key", Need::nothing),
    member(&berth_sandbox_config::ttl_ms, "ttl_ms", Need::feature),
    member(&berth_sandbox_config::idle_ttl_ms, "idle_ttl_ms", Need::feature),
    member(&berth_sandbox_config::disk_limit_mib, "disk_limit_mib", Need::feature),
    member(&berth_sandbox_config::pids_limit, "pids_limit", Need::feature),
    // Only read with BERTH_NETWORK_ALLOW_LIST, which needs its feature.
    member(&berth_sandbox_config::network_allow, "network_allow", Need::nothing),
    member(&berth_sandbox_config::network, "network", Need::feature),
    member(&berth_sandbox_config::reserved, "reserved", Need::nothing),
    // The provider refuses what it does not know: INVALID_ARGUMENT.
    member(&berth_sandbox_config::extra, "extra", Need::nothing),
};

constexpr std::array process_members{
    member(&berth_process::size, "size", Need::nothing),
    member(&berth_process::flags, "flags", Need::feature),
    member(&berth_process::environment, "environment", Need::feature),
    member(&berth_process::command, "command", Need::nothing),
    member(&berth_process::args, "args", Need::nothing),
    member(&berth_process::input, "input", Need::nothing),
    member(&berth_process::kill_grace_ms, "kill_grace_ms", Need::nothing),
    member(&berth_process::drain_grace_ms, "drain_grace_ms", Need::nothing),
    // Only read with BERTH_PROCESS_TTY, which needs its feature.
    member(&berth_process::rows, "rows", Need::nothing),
    member(&berth_process::columns, "columns", Need::nothing),
    member(&berth_process::terminal, "terminal", Need::nothing),
    member(&berth_process::extra, "extra", Need::nothing),
};

template <typename Members>
constexpr std::size_t size_of_all(const Members& members) {
    std::size_t sum = 0;
    for (const auto& row : members)
        sum += row.size;
    return sum;
}

/// Every member that needs a feature has a row, and every row is of such a member.
template <typename Members, typename Rows>
constexpr bool rows_match(const Members& members, const Rows& rows) {
    for (const auto& row : rows) {
        bool found = false;
        for (const auto& one : members)
            found = found || (one.name == row.member && one.need == Need::feature);
        if (!found) return false;
    }
    for (const auto& one : members) {
        bool found = one.need == Need::nothing;
        for (const auto& row : rows)
            found = found || row.member == one.name;
        if (!found) return false;
    }
    return true;
}

template <typename Rows>
constexpr bool features_are_known(const Rows& rows) {
    for (const auto& row : rows) {
        bool found = false;
        for (const auto& feature : feature_table)
            found = found || feature.name == row.feature;
        if (!found) return false;
    }
    return true;
}

static_assert(size_of_all(environment_members) == sizeof(berth_environment),
              "a member of berth_environment is missing");
static_assert(size_of_all(sandbox_members) == sizeof(berth_sandbox_config), "a member of the configuration is missing");
static_assert(size_of_all(process_members) == sizeof(berth_process), "a member of berth_process is missing");
static_assert(rows_match(sandbox_members, sandbox_features));
static_assert(rows_match(process_members, process_features));
static_assert(features_are_known(sandbox_features) && features_are_known(process_features));

template <typename Rows, typename Request>
std::vector<NeededFeature> needed(const Rows& rows, const Request& request) {
    std::vector<NeededFeature> all;
    for (const auto& row : rows) {
        if (row.given(request)) all.push_back({row.field, row.feature});
    }
    return all;
}

}  // namespace

std::vector<NeededFeature> needed_features(const SandboxConfig& config) {
    return needed(sandbox_features, config);
}

std::vector<NeededFeature> needed_features(const ProcessConfig& process) {
    return needed(process_features, process);
}

}  // namespace berth::inline host_v1
