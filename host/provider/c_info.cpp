// Reads what a plugin says of a sandbox. Apart from the sinks, because it is the longest list of checks.
#include <algorithm>
#include <utility>

#include "../service/admit.hpp"
#include "c_results.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

using provider_diagnostics::malformed;
using provider_diagnostics::wrong_id;

template <typename T>
T admitted(const T* incoming, std::string_view what) {
    const auto full = admit(incoming);
    if (!full) throw Breach(malformed, "the plugin gave " + std::string(what) + " that is missing or too short");
    return *full;
}

SandboxState read_state(std::int32_t state) {
    if (state == 0) throw Breach(malformed, "the plugin gave a sandbox without a state");
    // Rule V3: a state that this host does not know reads as an error.
    if (state < BERTH_STATE_INITIALIZING || state > BERTH_STATE_ERROR) return SandboxState::error;
    return static_cast<SandboxState>(state);
}

NetworkMode read_network(std::int32_t network) {
    if (network < BERTH_NETWORK_DEFAULT || network > BERTH_NETWORK_ALLOW_LIST) {
        throw Breach(malformed, "the plugin gave a sandbox with the unknown network " + std::to_string(network));
    }
    return static_cast<NetworkMode>(network);
}

struct ReadEnvironment {
    Environment environment;
    std::set<std::string> secret;
};

ReadEnvironment read_environment(const berth_environment* incoming, const std::set<std::string>* secret) {
    const auto full = admitted(incoming, "the environment of a sandbox");
    auto variables = read_variables(full.env, "variable of a sandbox");
    ReadEnvironment read_all{{}, std::move(variables.secret)};
    if (secret != nullptr) {
        for (const auto& name : *secret) {
            if (variables.values.count(name) != 0) read_all.secret.insert(name);
        }
    }
    for (const auto& name : read_all.secret)
        variables.values[name] = secret_mask;
    auto& environment = read_all.environment;
    environment.env = std::move(variables.values);
    if (full.cwd.data != nullptr) environment.cwd = read_bytes(full.cwd, "working directory", ReadLimits::name);
    if (const auto timeout = read(full.timeout_ms)) {
        if (*timeout < 0) throw Breach(malformed, "the plugin gave a sandbox with a negative timeout");
        environment.timeout = Milliseconds(*timeout);
    }
    environment.memory_limit_mib = read(full.memory_limit_mib);
    environment.cpu_limit = read(full.cpu_limit, "CPU limit of a sandbox");
    return read_all;
}

void check_id(const std::string& id, const InfoRules& rules) {
    if (!rules.asked_id || *rules.asked_id == id) return;
    throw Breach(wrong_id, "the plugin was asked for the sandbox \"" + std::string(*rules.asked_id) +
                               "\" and answered for \"" + id + "\"");
}

std::string read_key(berth_str key, const InfoRules& rules) {
    auto text = read_text(key, "idempotency key", ReadLimits::name);
    if (!rules.idempotency_key) return text;
    if (text.empty()) return std::string(*rules.idempotency_key);
    if (text != *rules.idempotency_key) {
        throw Breach(malformed, "the plugin gave back another idempotency key than it was given");
    }
    return text;
}

}  // namespace

ResourceUsage read_usage(const berth_usage* usage) {
    const auto full = admitted(usage, "a usage");
    ResourceUsage values;
    values.cpu_percent = read(full.cpu_percent, "CPU usage");
    values.memory_bytes = read(full.memory_bytes);
    values.disk_bytes = read(full.disk_bytes);
    values.network_received_bytes = read(full.network_received_bytes);
    values.network_sent_bytes = read(full.network_sent_bytes);
    values.process_count = read(full.process_count);
    values.memory_limit_bytes = read(full.memory_limit_bytes);
    values.cpu_limit_percent = read(full.cpu_limit_percent, "CPU limit");
    values.disk_limit_bytes = read(full.disk_limit_bytes);
    values.sampled_at = read_moment(full.sampled_at_ms, "time of a usage");
    return values;
}

SandboxInfo read_info(const berth_sandbox_info* incoming, const InfoRules& rules) {
    const auto full = admitted(incoming, "a sandbox");
    SandboxInfo info;
    info.provider = rules.provider;
    info.id = read_id(full.id, "sandbox id");
    check_id(info.id, rules);
    info.state = read_state(full.state);
    info.created_at = read_moment(full.created_at_ms, "time of creation");
    info.last_used_at = read_moment(full.last_used_at_ms, "time of last use");
    info.expires_at = read_moment(full.expires_at_ms, "time of expiry");
    auto environment = read_environment(full.environment, rules.secret);
    info.environment = std::move(environment.environment);
    info.secret_env = std::move(environment.secret);
    if (full.usage != nullptr) info.usage = read_usage(full.usage);
    info.idempotency_key = read_key(full.idempotency_key, rules);
    info.name = read_text(full.name, "name of a sandbox", ReadLimits::name);
    info.template_name = read_shown_text(full.template_name, "template of a sandbox", ReadLimits::name);
    info.persistent = (full.flags & BERTH_SANDBOX_PERSISTENT) != 0;
    info.network = read_network(full.network);
    info.labels = read_labels(full.labels, "label of a sandbox");
    info.error = read_shown_text(full.error_text, "error text of a sandbox");
    info.backend_id = read_shown_text(full.backend_id, "backend id of a sandbox", ReadLimits::name);
    info.facts = read_shown_pairs(full.facts, "fact about a sandbox");
    return info;
}

}  // namespace berth::inline host_v1
