#include "admission.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "field_check.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::size_t longest_name = 128;
constexpr std::size_t longest_label_value = 4096;
constexpr std::size_t most_labels = 256;
constexpr std::size_t longest_id = 128;
constexpr std::size_t longest_snapshot_id = 256;
constexpr std::size_t longest_snapshot_name = 64;
constexpr std::size_t longest_template = 1024;
constexpr std::size_t longest_terminal = 64;
constexpr std::size_t longest_host = 253;
constexpr std::size_t most_input_bytes = std::size_t{16} << 20U;
constexpr std::size_t most_argument_bytes = std::size_t{2} << 20U;
constexpr std::size_t most_setup_bytes = std::size_t{1} << 20U;
constexpr std::size_t most_extra_bytes = std::size_t{64} << 10U;
constexpr std::uint32_t most_rows_or_columns = 65535;
constexpr unsigned most_permissions = 0777;

Error excluding(std::string message, std::string hint) {
    return {engine_diagnostics::fields_exclude, std::move(message), std::move(hint)};
}

std::string item(std::string_view field, std::size_t index) {
    return std::string(field) + "[" + std::to_string(index) + "]";
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
}

void check_environment(const Environment& environment) {
    check_variables("env", environment.env);
    if (environment.cwd) check_path("cwd", *environment.cwd);
    check_duration("timeout", environment.timeout);
    check_mebibytes("memory_limit", environment.memory_limit_mib);
    check_percent("cpu_limit", environment.cpu_limit);
}

void check_extra(const std::vector<std::pair<std::string, std::string>>& extra) {
    std::size_t total = 0;
    for (const auto& [name, value] : extra) {
        if (name.empty()) throw bad_field("extra", "has an empty name", "names and values");
        check_label("extra", name, longest_name);
        check_bytes("extra", value);
        total += name.size() + value.size();
    }
    if (total > most_extra_bytes) throw bad_field("extra", "is too large", "at most 64 KiB together");
}

void check_labels(const Variables& labels) {
    if (labels.size() > most_labels) throw bad_field("labels", "are too many", "at most 256");
    for (const auto& [name, value] : labels) {
        if (name.empty()) throw bad_field("labels", "have an empty name", "1 to 128 bytes");
        check_label("labels", name, longest_name);
        check_label("labels." + name, value, longest_label_value);
    }
}

void check_network(const SandboxConfig& config) {
    const auto mode = static_cast<std::int32_t>(config.network);
    if (mode < 0 || mode > static_cast<std::int32_t>(NetworkMode::allow_list))
        throw bad_field("network", "is unknown", "none, host, outbound or allow_list");
    if (!config.network_allow.empty() && config.network != NetworkMode::allow_list) {
        throw excluding("`network_allow` is given, but `network` is " + std::string(name_of(config.network)),
                        "Say network allow_list with it");
    }
    static constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:/*_-";
    for (std::size_t index = 0; index < config.network_allow.size(); ++index) {
        const auto& entry = config.network_allow[index];
        if (entry.empty() || entry.size() > longest_host || entry.find_first_not_of(allowed) != std::string::npos)
            throw bad_field(item("network_allow", index), "is no host", "a host name or a CIDR such as 10.0.0.0/8");
    }
}

void check_permissions(std::string_view field, std::optional<unsigned> permissions) {
    if (permissions && (*permissions == 0 || *permissions > most_permissions))
        throw bad_field(field, "is outside 1 to 0777", "permission bits without setuid, setgid and sticky");
}

/// Runs the check of one file operation and says which one failed.
template <class Check>
void for_each_file(std::span<const FileOperation> files, const Check& check) {
    for (std::size_t index = 0; index < files.size(); ++index) {
        try {
            check(files[index]);
        } catch (const Error& error) {
            auto fields = error.fields();
            fields.index = index;
            throw Error(Diagnostic{error.diagnostic(), error.code()}, std::move(fields));
        }
    }
}

}  // namespace

void admit_sandbox_id(std::string_view id) {
    if (is_plain_name(id, longest_id) && id != "." && id != "..") return;
    throw Error(engine_diagnostics::bad_name,
                id.empty() ? "the sandbox id is empty" : quoted(id.substr(0, longest_id)) + " is no sandbox id",
                "Expected 1 to 128 of letters, digits, `.`, `_` and `-`, as `list` shows it");
}

void admit_snapshot_id(std::string_view id) {
    if (id.empty()) throw Error(engine_diagnostics::bad_name, "the snapshot id is empty");
    check_label("snapshot", id, longest_snapshot_id);
}

void admit_snapshot_name(std::string_view name) {
    if (is_plain_name(name, longest_snapshot_name)) return;
    throw bad_field("snapshot_name", name.empty() ? "is empty" : "is " + quoted(name.substr(0, longest_name)),
                    "1 to 64 of letters, digits, `.`, `_` and `-`");
}

void admit_deadline(std::optional<Milliseconds> deadline) {
    if (deadline && *deadline == Milliseconds{0}) throw bad_field("deadline", "is 0", "more than that, or none at all");
    check_duration("deadline", deadline);
}

void admit_sandbox(const SandboxConfig& config) {
    check_environment(config.environment);
    check_label("name", config.name, longest_name);
    if (config.template_name) {
        if (config.template_name->empty()) throw bad_field("template", "is empty", "a template's name, or none");
        check_label("template", *config.template_name, longest_template);
    }
    check_labels(config.labels);
    for (const auto& name : config.secret_env) {
        if (config.environment.env.count(name) == 0) {
            throw bad_field("secret_env", "names " + quoted(name.substr(0, longest_name)),
                            "names of variables that `env` sets");
        }
    }
    check_duration("ttl", config.ttl);
    check_duration("idle_ttl", config.idle_ttl);
    check_mebibytes("disk_limit", config.disk_limit_mib);
    check_network(config);
    std::size_t setup_bytes = 0;
    for (std::size_t index = 0; index < config.setup_commands.size(); ++index) {
        check_bytes(item("setup_commands", index), config.setup_commands[index]);
        setup_bytes += config.setup_commands[index].size();
    }
    if (setup_bytes > most_setup_bytes)
        throw bad_field("setup_commands", "are too large", "at most 1 MiB; upload a script for more");
    if (!config.idempotency_key.empty() && !is_plain_name(config.idempotency_key, longest_name)) {
        throw bad_field("idempotency_key", "is malformed", "1 to 128 of letters, digits, `.`, `_` and `-`");
    }
    check_extra(config.extra);
    admit_uploads(config.initial_files);
}

void admit_process(const ProcessConfig& process, Method method) {
    check_environment(process.environment);
    if (is_blank(process.command))
        throw bad_field("command", process.command.empty() ? "is empty" : "is blank", "a program's name or path");
    check_bytes("command", process.command);
    std::size_t total = process.command.size();
    for (std::size_t index = 0; index < process.args.size(); ++index) {
        check_bytes(item("args", index), process.args[index]);
        total += process.args[index].size() + 1;
    }
    if (total > most_argument_bytes) {
        throw Error(engine_diagnostics::field_too_large, "`args` are larger than 2 MiB together",
                    "Send such an amount as `input`, or upload it as a file");
    }
    if (process.input && process.input->size() > most_input_bytes) {
        throw bad_field("input", "is larger than 16 MiB", "less, or `interactive` and execute_stream");
    }
    if (process.input && process.interactive) {
        throw excluding("`input` and `interactive` are both given",
                        "Give all of stdin as `input`, or write it while the process runs");
    }
    if (method == Method::execute && (process.interactive || process.terminal)) {
        throw excluding(std::string(process.interactive ? "`interactive`" : "`terminal`") +
                            " needs somebody who listens while the process runs",
                        "Use execute_stream");
    }
    if (process.terminal) {
        const auto& [size, name] = *process.terminal;
        const auto fits = [](std::uint32_t count) { return count >= 1 && count <= most_rows_or_columns; };
        if (!fits(size.rows) || !fits(size.columns))
            throw bad_field("terminal", "has an impossible size", "1 to 65535 rows and columns");
        if (!is_plain_name(name, longest_terminal))
            throw bad_field("terminal", "has an impossible name", "a value of TERM such as xterm-256color");
    }
    check_duration("kill_grace", process.kill_grace);
    check_duration("drain_grace", process.drain_grace);
    check_extra(process.extra);
}

void admit_uploads(std::span<const FileOperation> files) {
    for_each_file(files, [](const FileOperation& file) {
        check_path("sandbox_path", file.sandbox_path);
        if (file.content && !file.local_path.empty())
            throw excluding("`content` and `local_path` are both given", "Give one of them");
        if (!file.content) check_path("local_path", file.local_path);
        check_permissions("permissions", file.permissions);
    });
}

void admit_downloads(std::span<const FileOperation> files) {
    for_each_file(files, [](const FileOperation& file) {
        check_path("sandbox_path", file.sandbox_path);
        if (file.content) throw excluding("`content` is given for a download", "Give `local_path`");
        check_path("local_path", file.local_path);
        check_permissions("permissions", file.permissions);
    });
}

void admit_variables(const Variables& set, std::span<const std::string> unset) {
    check_variables("env", set);
    for (const auto& name : unset) {
        if (!is_variable_name(name))
            throw bad_field("unset", "has the name " + quoted(name.substr(0, longest_name)), "names of variables");
        if (set.count(name) != 0)
            throw excluding("the variable " + name + " is both set and unset", "Decide for one of them");
    }
}

}  // namespace berth::inline host_v1
