// `berth create`, `ls`, `inspect`, `ready`, `stats`, `restart` and `rm`.
#include <chrono>
#include <cmath>
#include <cstdio>

#include "../base/size.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "people_text.hpp"
#include "reference.hpp"

namespace berth::inline host_v1::cli {

namespace {

Tone tone_of(SandboxState state) {
    switch (state) {
        case SandboxState::ready:
            return Tone::good;
        case SandboxState::busy:
        case SandboxState::initializing:
            return Tone::attention;
        case SandboxState::stopped:
            return Tone::faint;
        case SandboxState::error:
            return Tone::bad;
    }
    return Tone::bad;
}

Moment now() {
    return std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
}

std::string variables_text(const Variables& variables) {
    std::string text;
    for (const auto& [name, value] : variables) {
        if (!text.empty()) text += '\n';
        text += one_line(name + "=" + value);
    }
    return text;
}

std::string optional_size(const std::optional<std::uint64_t>& bytes) {
    return bytes ? approximate_size_text(*bytes) : std::string();
}

void add_limits(FactSheet& sheet, const Environment& environment) {
    if (environment.memory_limit_mib) {
        sheet.add("Memory limit", *environment.memory_limit_mib == 0
                                      ? "none"
                                      : approximate_size_text(*environment.memory_limit_mib * 1024 * 1024));
    }
    if (environment.cpu_limit) {
        sheet.add("CPU limit", *environment.cpu_limit == 0 ? "none" : percent_text(*environment.cpu_limit));
    }
    if (environment.timeout) {
        sheet.add("Timeout", environment.timeout->count() == 0 ? "none" : duration_text(*environment.timeout));
    }
}

std::string sheet_of(const SandboxInfo& info, Colour colour) {
    FactSheet sheet;
    sheet.add("Sandbox", info.full_name());
    sheet.add("State", Cell(std::string(name_of(info.state)), tone_of(info.state)));
    sheet.add_if_any("Error", one_line(info.error));
    sheet.add_if_any("Name", info.name);
    sheet.add("Created", timestamp_text(info.created_at) + " (" + age_text(info.created_at, now()) + " ago)");
    if (info.last_used_at) sheet.add("Last used", timestamp_text(*info.last_used_at));
    if (info.expires_at) sheet.add("Expires", timestamp_text(*info.expires_at));
    sheet.add_if_any("Template", info.template_name);
    sheet.add("Persistent", info.persistent ? "yes" : "no");
    sheet.add("Network", std::string(name_of(info.network)));
    if (info.environment.cwd) sheet.add("Directory", one_line(*info.environment.cwd));
    add_limits(sheet, info.environment);
    sheet.add_if_any("Labels", variables_text(info.labels));
    sheet.add_if_any("Variables", variables_text(info.environment.env));
    sheet.add_if_any("Backend id", info.backend_id);
    for (const auto& [name, value] : info.facts) {
        sheet.add(one_line(name), one_line(value));
    }
    return sheet.text(colour);
}

}  // namespace

int perform(Session& session, const CreateCommand& command) {
    CreateRequest request{command.create.config, command.create.provider, command.create.require};
    request.config.persistent = true;
    ProgressLine progress(session.progress_shown());
    const auto info = session.host().create(request, session.call(progress));
    progress.clear();
    if (session.out().wants_json()) {
        session.out().object(json_of(info));
    } else {
        session.out().text(info.full_name() + "\n");
    }
    return exit_ok;
}

int perform(Session& session, const ListCommand& command) {
    const auto found = session.host().list(command.provider, session.call());
    const auto& out = session.out();
    if (out.wants_json()) {
        std::vector<Json> all;
        all.reserve(found.sandboxes.size());
        for (const auto& info : found.sandboxes) {
            all.push_back(json_of(info));
        }
        out.list(all);
    } else if (out.format() == OutputFormat::name) {
        std::string names;
        for (const auto& info : found.sandboxes) {
            names += info.full_name() + "\n";
        }
        out.text(names);
    } else {
        Table table({"SANDBOX", "STATE", "AGE", "NAME", "TEMPLATE", "LABELS"});
        for (const auto& info : found.sandboxes) {
            table.add({info.full_name(), Cell(std::string(name_of(info.state)), tone_of(info.state)),
                       age_text(info.created_at, now()), info.name, info.template_name, pairs_text(info.labels)});
        }
        out.text(table.text(out.colour()));
    }
    int code = exit_ok;
    for (const auto& failure : found.failures) {
        out.failure(failure);
        code = worse_exit_code(code, exit_code_of(failure));
    }
    return code;
}

int perform(Session& session, const InspectCommand& command) {
    const auto info = session.host().get(sandbox_named(command.sandbox), session.call());
    const auto& out = session.out();
    if (out.wants_json()) {
        out.object(json_of(info));
    } else {
        out.text(out.format() == OutputFormat::name ? info.full_name() + "\n" : sheet_of(info, out.colour()));
    }
    return exit_ok;
}

int perform(Session& session, const ReadyCommand& command) {
    const bool ready = session.host().is_ready(sandbox_named(command.sandbox), session.call());
    const auto& out = session.out();
    if (out.wants_json()) {
        out.object({{"ready", ready}});
    } else if (out.verbosity() != Verbosity::quiet) {
        out.text(ready ? "ready\n" : "not ready\n");
    }
    return ready ? exit_ok : exit_not_ready;
}

int perform(Session& session, const StatsCommand& command) {
    const auto sandbox = sandbox_named(command.sandbox);
    const auto usage = session.host().get_resource_usage(sandbox, session.call());
    const auto& out = session.out();
    if (out.wants_json()) {
        out.object(json_of(usage));
        return exit_ok;
    }
    Table table({"SANDBOX", "CPU", "MEMORY", "DISK", "PROCESSES", "RECEIVED", "SENT"});
    auto memory = optional_size(usage.memory_bytes);
    if (usage.memory_bytes && usage.memory_limit_bytes) memory += " / " + optional_size(usage.memory_limit_bytes);
    table.add({sandbox.text(), usage.cpu_percent ? percent_text(*usage.cpu_percent) : std::string(), memory,
               optional_size(usage.disk_bytes),
               usage.process_count ? std::to_string(*usage.process_count) : std::string(),
               optional_size(usage.network_received_bytes), optional_size(usage.network_sent_bytes)});
    out.text(table.text(out.colour()));
    return exit_ok;
}

int perform(Session& session, const RestartCommand& command) {
    const auto info = session.host().restart(sandbox_named(command.sandbox), session.call());
    if (session.out().wants_json()) session.out().object(json_of(info));
    if (session.out().format() == OutputFormat::name) session.out().text(info.full_name() + "\n");
    return exit_ok;
}

int perform(Session& session, const RemoveCommand& command) {
    std::vector<SandboxName> sandboxes;  // all read before the first goes
    for (const auto& text : command.sandboxes) {
        sandboxes.push_back(sandbox_named(text));
    }
    int code = exit_ok;
    for (const auto& sandbox : sandboxes) {
        if (session.ending_signal() != 0) return exit_signal_base + session.ending_signal();
        try {
            session.host().destroy(sandbox, session.call());
            if (session.out().format() == OutputFormat::name) session.out().text(sandbox.text() + "\n");
        } catch (const Error& error) {
            if (error.code() == Code::not_found && command.missing == Missing::is_ignored) continue;
            session.out().failure(error);
            code = worse_exit_code(code, exit_code_of(error));
        }
    }
    return session.ending_signal() == 0 ? code : exit_signal_base + session.ending_signal();
}

SandboxName sandbox_named(const std::string& text) {
    auto reference = parse_reference(text, "sandbox");
    return {std::move(reference.provider), std::move(reference.id)};
}

SnapshotName snapshot_named(const std::string& text) {
    auto reference = parse_reference(text, "snapshot");
    return {std::move(reference.provider), std::move(reference.id)};
}

}  // namespace berth::inline host_v1::cli
