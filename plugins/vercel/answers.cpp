#include "answers.hpp"

#include "cloud/json_fields.hpp"

namespace berth_vercel {

using namespace berth_cloud;

namespace {

const Json& part(const Json& whole, const char* name) {
    const Json* found = member(whole, name);
    return *required(found != nullptr && found->is_object() ? std::optional(found) : std::nullopt, name);
}

const Json& list_in(const Json& whole, const char* name) {
    const Json* found = member(whole, name);
    return *required(found != nullptr && found->is_array() ? std::optional(found) : std::nullopt, name);
}

Session session_of(const Json& from) {
    Session session;
    session.id = required_id(from, "id");
    session.status = required(text_in(from, "status"), "session.status");
    session.cwd = directory_in(from, "cwd").value_or("/");
    session.region = text_in(from, "region").value_or("");
    session.memory_mib = integer_in(from, "memory");
    session.vcpus = integer_in(from, "vcpus");
    session.started_at = integer_in(from, "startedAt");
    session.created_at = integer_in(from, "createdAt");
    session.timeout_ms = integer_in(from, "timeout");
    session.source_snapshot = text_in(from, "sourceSnapshotId");
    return session;
}

Sandbox sandbox_of(const Json& from) {
    Sandbox sandbox;
    sandbox.name = required_id(from, "name");
    sandbox.status = text_in(from, "status").value_or("");
    sandbox.session_id = text_in(from, "currentSessionId").value_or("");
    sandbox.snapshot_id = text_in(from, "currentSnapshotId");
    sandbox.created_at = required(integer_in(from, "createdAt"), "sandbox.createdAt");
    sandbox.persistent = flag_in(from, "persistent");
    if (const Json* tags = member(from, "tags")) sandbox.tags = texts_in(*tags);
    sandbox.region = text_in(from, "region").value_or("");
    sandbox.runtime = text_in(from, "runtime");
    sandbox.image = text_in(from, "image");
    sandbox.cwd = directory_in(from, "cwd");
    if (const Json* policy = member(from, "networkPolicy")) sandbox.network_mode = text_in(*policy, "mode");
    sandbox.memory_mib = integer_in(from, "memory");
    sandbox.vcpus = integer_in(from, "vcpus");
    sandbox.egress_bytes = integer_in(from, "totalEgressBytes");
    sandbox.ingress_bytes = integer_in(from, "totalIngressBytes");
    sandbox.active_cpu_ms = integer_in(from, "totalActiveCpuDurationMs");
    sandbox.duration_ms = integer_in(from, "totalDurationMs");
    return sandbox;
}

Snapshot snapshot_of(const Json& from) {
    Snapshot snapshot;
    snapshot.id = required_id(from, "id");
    snapshot.status = text_in(from, "status").value_or("");
    snapshot.automatic = text_in(from, "creationMethod") == "automatic";
    snapshot.created_at = integer_in(from, "createdAt").value_or(0);
    snapshot.size_bytes = integer_in(from, "sizeBytes");
    snapshot.expires_at = integer_in(from, "expiresAt");
    return snapshot;
}

Command command_of(const Json& from) {
    return {required_id(from, "id"), integer_in(from, "exitCode")};
}

std::optional<std::string> next_of(const Json& whole) {
    const Json* pagination = member(whole, "pagination");
    return pagination != nullptr ? text_in(*pagination, "next") : std::nullopt;
}

}  // namespace

SandboxAnswer read_sandbox(std::string_view body) {
    const Json whole = parse_json(body);
    SandboxAnswer answer{sandbox_of(part(whole, "sandbox")), std::nullopt};
    if (const Json* session = member(whole, "session")) answer.session = session_of(*session);
    return answer;
}

SandboxPage read_sandboxes(std::string_view body) {
    const Json whole = parse_json(body);
    SandboxPage page;
    for (const Json& item : list_in(whole, "sandboxes"))
        page.sandboxes.push_back(sandbox_of(item));
    page.next = next_of(whole);
    return page;
}

Session read_session(std::string_view body) {
    const Json whole = parse_json(body);
    return session_of(part(whole, "session"));
}

Snapshot read_snapshot(std::string_view body) {
    const Json whole = parse_json(body);
    return snapshot_of(part(whole, "snapshot"));
}

SnapshotPage read_snapshots(std::string_view body) {
    const Json whole = parse_json(body);
    SnapshotPage page;
    for (const Json& item : list_in(whole, "snapshots"))
        page.snapshots.push_back(snapshot_of(item));
    page.next = next_of(whole);
    return page;
}

Command read_command(std::string_view body) {
    const Json whole = parse_json(body);
    return command_of(part(whole, "command"));
}

StreamLine read_stream_line(std::string_view text) {
    Json whole = parse_json(text);
    if (!whole.is_object())
        throw berth::Error(berth::Code::protocol_error,
                           "Vercel sent a line that is no JSON object in a command's stream");
    StreamLine line;
    if (const Json* command = member(whole, "command")) {
        line.kind = StreamLine::Kind::command;
        line.command = command_of(*command);
        return line;
    }
    const std::string stream = text_in(whole, "stream").value_or("");
    const auto data = whole.find("data");
    if (stream == "error") {
        line.kind = StreamLine::Kind::error;
        if (data != whole.end()) {
            line.data = text_in(*data, "code").value_or("");
            line.message = text_in(*data, "message").value_or("");
        }
    } else if ((stream == "stdout" || stream == "stderr") && data != whole.end() && data->is_string()) {
        line.kind = stream == "stdout" ? StreamLine::Kind::out : StreamLine::Kind::err;
        line.data = std::move(data->get_ref<std::string&>());
    }
    return line;
}

Complaint read_complaint(std::string_view body) {
    const Json whole = parse_json(body);
    const Json* error = member(whole, "error");
    if (error == nullptr) return {};
    return {text_in(*error, "code").value_or(""), text_in(*error, "message").value_or("")};
}

}  // namespace berth_vercel
