#include "c_request.hpp"

#include <utility>

namespace berth::inline host_v1 {

namespace {

// What the configuration says when it says nothing (contract.md 2.4); the engine fills in its own before.
constexpr Milliseconds default_kill_grace{2000};
constexpr Milliseconds default_drain_grace{200};

const std::set<std::string>& no_names() {
    static const std::set<std::string> none;
    return none;
}

std::vector<berth_pair> c_pairs_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::vector<berth_pair> views;
    views.reserve(pairs.size());
    for (const auto& [name, value] : pairs)
        views.push_back({c_view(name), c_view(value), 0});
    return views;
}

/// For fields whose empty text means "not given".
berth_str c_view_if_given(std::string_view text) noexcept {
    return text.empty() ? berth_str{} : c_view(text);
}

berth_opt_i64 c_number(const std::optional<Milliseconds>& duration) noexcept {
    return duration ? berth_opt_i64{duration->count(), 1} : berth_opt_i64{};
}

berth_opt_u64 c_number(const std::optional<std::uint64_t>& number) noexcept {
    return number ? berth_opt_u64{*number, 1} : berth_opt_u64{};
}

std::uint32_t flags_of(const ProcessConfig& process) noexcept {
    std::uint32_t flags = 0;
    if (process.interactive) flags |= BERTH_PROCESS_LIVE_STDIN;
    if (process.terminal) flags |= BERTH_PROCESS_TTY;
    if (process.output == Capture::discard) flags |= BERTH_PROCESS_DISCARD_STDOUT;
    if (process.error == Capture::discard) flags |= BERTH_PROCESS_DISCARD_STDERR;
    if (process.kill_background) flags |= BERTH_PROCESS_KILL_BACKGROUND;
    return flags;
}

}  // namespace

berth_str c_view(std::string_view text) noexcept {
    return {text.data() == nullptr ? "" : text.data(), text.size()};
}

std::vector<berth_str> c_views(std::span<const std::string> texts) {
    std::vector<berth_str> views;
    views.reserve(texts.size());
    for (const auto& text : texts)
        views.push_back(c_view(text));
    return views;
}

std::vector<berth_pair> c_pairs(const Variables& variables, const std::set<std::string>& secret) {
    std::vector<berth_pair> views;
    views.reserve(variables.size());
    for (const auto& [name, value] : variables) {
        const std::uint64_t flags = secret.count(name) != 0 ? BERTH_PAIR_SECRET : 0;
        views.push_back({c_view(name), c_view(value), flags});
    }
    return views;
}

berth_strs c_list(const std::vector<berth_str>& views) noexcept {
    return {views.data(), views.size()};
}

berth_pairs c_list(const std::vector<berth_pair>& pairs) noexcept {
    return {pairs.data(), pairs.size()};
}

CEnvironment::CEnvironment(const Environment& environment, const std::set<std::string>& secret)
    : env_(c_pairs(environment.env, secret)) {
    face_.size = sizeof face_;
    face_.env = c_list(env_);
    if (environment.cwd) face_.cwd = c_view(*environment.cwd);
    face_.timeout_ms = c_number(environment.timeout);
    face_.memory_limit_mib = c_number(environment.memory_limit_mib);
    if (environment.cpu_limit) face_.cpu_limit = {*environment.cpu_limit, 1};
}

CSandboxConfig::CSandboxConfig(const SandboxConfig& config)
    : environment_(config.environment, config.secret_env),
      setup_commands_(c_views(config.setup_commands)),
      labels_(c_pairs(config.labels)),
      network_allow_(c_views(config.network_allow)),
      extra_(c_pairs_of(config.extra)) {
    face_.size = sizeof face_;
    if (config.persistent) face_.flags |= BERTH_SANDBOX_PERSISTENT;
    face_.environment = environment_.face();
    face_.name = c_view_if_given(config.name);
    if (config.template_name) face_.template_name = c_view(*config.template_name);
    face_.setup_commands = c_list(setup_commands_);
    face_.labels = c_list(labels_);
    face_.idempotency_key = c_view(config.idempotency_key);
    face_.ttl_ms = c_number(config.ttl);
    face_.idle_ttl_ms = c_number(config.idle_ttl);
    face_.disk_limit_mib = c_number(config.disk_limit_mib);
    face_.pids_limit = c_number(config.pids_limit);
    face_.network_allow = c_list(network_allow_);
    face_.network = static_cast<std::int32_t>(config.network);
    face_.extra = c_list(extra_);
}

CProcess::CProcess(const ProcessConfig& process)
    : environment_(process.environment, no_names()), args_(c_views(process.args)), extra_(c_pairs_of(process.extra)) {
    face_.size = sizeof face_;
    face_.flags = flags_of(process);
    face_.environment = environment_.face();
    face_.command = c_view(process.command);
    face_.args = c_list(args_);
    if (process.input) {
        const auto view = c_view(*process.input);
        face_.input = {reinterpret_cast<const std::uint8_t*>(view.data), view.size};
    }
    face_.kill_grace_ms = process.kill_grace.value_or(default_kill_grace).count();
    face_.drain_grace_ms = process.drain_grace.value_or(default_drain_grace).count();
    if (process.terminal) {
        face_.rows = process.terminal->size.rows;
        face_.columns = process.terminal->size.columns;
        face_.terminal = c_view(process.terminal->name);
    }
    face_.extra = c_list(extra_);
}

berth_log_options c_log_options(const LogOptions& options, Provider::Follow follow) noexcept {
    berth_log_options face{};
    face.size = sizeof face;
    if (follow == Provider::Follow::yes) face.flags |= BERTH_LOG_FOLLOW;
    face.lines = c_number(options.lines);
    if (options.since) face.since_ms = {options.since->time_since_epoch().count(), 1};
    return face;
}

}  // namespace berth::inline host_v1
