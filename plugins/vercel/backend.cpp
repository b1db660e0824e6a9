#include "backend.hpp"

namespace berth_vercel {

using berth::Code;
using berth::Error;
using berth::SandboxState;

namespace {

SandboxState state_of(const std::string& status) {
    if (status == "pending") return SandboxState::initializing;
    if (status == "running") return SandboxState::ready;
    if (status == "snapshotting") return SandboxState::busy;
    if (status == "stopping" || status == "stopped") return SandboxState::stopped;
    return SandboxState::error;
}

// What our own small works print at most. Who is in the sandbox can put programs of his own in the place of sh or df.
constexpr std::size_t longest_answer = std::size_t{4} << 20U;
constexpr std::size_t longest_complaint = std::size_t{64} << 10U;

constexpr berth::PollPace starting{berth::Duration{250}, berth::Duration{2000}, berth::Duration{5 * 60'000}};

}  // namespace

berth::SandboxInfo info_of(const Sandbox& sandbox, const std::string& status, const std::optional<Session>& session,
                           const Record& record) {
    berth::SandboxInfo info;
    info.id = sandbox.name;
    info.state = state_of(status);
    if (info.state == SandboxState::error) info.error_text = "Vercel says that its session is " + status;
    info.created_at = berth::Time{berth::Duration{sandbox.created_at}};
    if (record.last_used_at) info.last_used_at = berth::Time{berth::Duration{*record.last_used_at}};
    info.environment.env = record.env;
    info.environment.cwd = record.directory();
    if (record.timeout_ms) info.environment.timeout = berth::Duration{*record.timeout_ms};
    info.network = sandbox.network_mode == "deny-all" ? berth::Network::none
                   : sandbox.network_mode == "custom" ? berth::Network::allow_list
                                                      : berth::Network::outbound;
    info.persistent = record.persistent;
    info.idempotency_key = record.idempotency_key;
    info.name = record.name;
    info.template_name = record.template_name;
    info.labels = record.labels;
    if (session) {
        info.backend_id = session->id;
        if (const auto begun = session->started_at ? session->started_at : session->created_at;
            begun && session->timeout_ms && info.state == SandboxState::ready)
            info.facts.set(sandbox.persistent ? "stops_at" : "lost_at", log_time(*begun + *session->timeout_ms));
    }
    if (!sandbox.region.empty()) info.facts.set("region", sandbox.region);
    if (sandbox.runtime) info.facts.set("runtime", *sandbox.runtime);
    if (sandbox.image) info.facts.set("image", *sandbox.image);
    if (sandbox.vcpus) info.facts.set("vcpus", std::to_string(*sandbox.vcpus));
    if (sandbox.memory_mib) info.facts.set("memory_mib", std::to_string(*sandbox.memory_mib));
    info.facts.set("keeps_files", sandbox.persistent ? "yes" : "no");
    return info;
}

SandboxAnswer Backend::look(berth::Call& call, std::string_view id) const {
    SandboxAnswer now = [&] {
        try {
            return api.get(call, id);
        } catch (const Error& error) {
            if (error.code() == Code::not_found && !error.is_recorded())
                throw Error(Code::not_found, "Vercel has no such sandbox");
            throw;
        }
    }();
    const auto marker = now.sandbox.tags.find(marker_tag);
    if (marker == now.sandbox.tags.end() || marker->second != settings.provider)
        throw Error(Code::not_found, "this sandbox was not made by this provider");
    return now;
}

Record Backend::refresh(berth::Call& call, const SandboxAnswer& now) const {
    std::optional<Record> known = records.find(call, now.sandbox.name);
    const bool fresh = !now.session || (known && known->session == now.session->id);
    if (known && fresh) return *std::move(known);
    return records.change(call, now.sandbox.name, [&](Record& record) {
        if (!known) record = record_of_tags(now.sandbox.tags);
        if (!now.session) return;
        record.session = now.session->id;
        record.session_cwd = now.session->cwd;
    });
}

Record Backend::ready_record(berth::Call& call, std::string_view id) const {
    const SandboxAnswer now = look(call, id);
    if (!now.session || (!now.runs() && now.status() != "pending"))
        throw Error(Code::not_ready, "the sandbox is " + now.status())
            .hint("restart it; its files are kept if it is persistent at Vercel");
    return refresh(call, now);
}

ShellAnswer Backend::shell(berth::Call& call, const Place& place, const std::string& program,
                           const std::vector<std::string>& args) const {
    berth::LineReader lines = api.run(call, place.session,
                                      {{"command", program},
                                       {"args", args},
                                       {"env", {{"LC_ALL", "C"}}},
                                       {"sudo", false},
                                       {"wait", true},
                                       {"logs", true}});
    ShellAnswer answer;
    std::optional<std::int64_t> exit;
    while (const auto text = lines.next()) {
        StreamLine line = read_stream_line(*text);
        if (line.kind == StreamLine::Kind::out) answer.out += line.data;
        if (line.kind == StreamLine::Kind::err) answer.err.append(line.data, 0, longest_complaint - answer.err.size());
        if (answer.out.size() > longest_answer)
            throw Error(Code::execution_failed, "the sandbox does not stop answering a small question of the plugin")
                .hint("something in it stands in the place of " + program + " or of the usual tools");
        if (line.kind == StreamLine::Kind::command) exit = line.command.exit_code;
        if (line.kind == StreamLine::Kind::error)
            throw Error(Code::unavailable, "the sandbox was stopped meanwhile (" + line.data + ")");
    }
    if (!exit) throw Error(Code::unavailable, "Vercel's stream ended before the end of a command");
    answer.exit_code = static_cast<int>(*exit & 0xff);
    return answer;
}

SandboxAnswer Backend::wait_until_running(berth::Call& call, std::string_view id) const {
    return *berth::poll_until(call, "the sandbox being ready", starting, [&]() -> std::optional<SandboxAnswer> {
        SandboxAnswer now = api.get(call, id);
        if (now.status() == "failed" || now.status() == "aborted")
            throw Error(Code::unavailable, "Vercel could not start the sandbox: its session is " + now.status());
        return now.runs() ? std::optional(std::move(now)) : std::nullopt;
    });
}

SandboxAnswer Backend::wait_until_over(berth::Call& call, std::string_view id, const std::string& session) const {
    return *berth::poll_until(call, "the sandbox being stopped", starting, [&]() -> std::optional<SandboxAnswer> {
        SandboxAnswer now = api.get(call, id);
        const std::string& status = now.status();
        const bool over = status == "stopped" || status == "failed" || status == "aborted" ||
                          (now.session && now.session->id != session);
        return over ? std::optional(std::move(now)) : std::nullopt;
    });
}

SandboxAnswer Backend::resume(berth::Call& call, std::string_view id) const {
    SandboxAnswer now = *berth::poll_until(call, "a new session", starting, [&]() -> std::optional<SandboxAnswer> {
        try {
            return api.get(call, id, Resume::yes);
        } catch (const Error& error) {
            // While the old one is still on its way down.
            if (error.code() == Code::conflict) return std::nullopt;
            throw;
        }
    });
    if (!now.runs()) now = wait_until_running(call, id);
    (void)refresh(call, now);
    return now;
}

/// Written at most once a second and host process: every command would cost a write otherwise.
void Backend::used(berth::Call& call, std::string_view id, const Record& known) const {
    const std::int64_t now = berth::now().time_since_epoch().count();
    if (!is_use_worth_keeping(known, now)) return;
    if (!records.find(call, id)) return;  // destroyed meanwhile
    (void)records.change(call, id, [&](Record& record) { record.last_used_at = now; });
}

}  // namespace berth_vercel
