#include "answers.hpp"

#include "cloud/json_fields.hpp"
#include "cloud/text.hpp"

namespace berth_daytona {

using namespace berth_cloud;

namespace {

std::optional<std::int64_t> time_in(const Json& object, const char* name) {
    const auto text = text_in(object, name);
    return text ? read_time(*text) : std::nullopt;
}

Sandbox sandbox_of(const Json& json) {
    Sandbox sandbox;
    sandbox.id = required_id(json, "id");
    sandbox.name = text_in(json, "name").value_or(sandbox.id);
    sandbox.state = text_in(json, "state").value_or("unknown");
    sandbox.desired_state = text_in(json, "desiredState").value_or("");
    sandbox.error_reason = text_in(json, "errorReason");
    sandbox.recoverable = flag_in(json, "recoverable");
    sandbox.snapshot = text_in(json, "snapshot");
    if (const Json* labels = member(json, "labels")) sandbox.labels = texts_in(*labels);
    sandbox.cpus = integer_in(json, "cpu");
    sandbox.memory_gib = integer_in(json, "memory");
    sandbox.disk_gib = integer_in(json, "disk");
    sandbox.target = text_in(json, "target");
    sandbox.auto_delete_minutes = integer_in(json, "autoDeleteInterval");
    sandbox.network_blocked = flag_in(json, "networkBlockAll");
    sandbox.network_allow_list = text_in(json, "networkAllowList").value_or("");
    sandbox.domain_allow_list = text_in(json, "domainAllowList").value_or("");
    sandbox.created_at = time_in(json, "createdAt");
    sandbox.last_activity_at = time_in(json, "lastActivityAt");
    sandbox.toolbox_url = text_in(json, "toolboxProxyUrl").value_or("");
    return sandbox;
}

Snapshot snapshot_of(const Json& json) {
    Snapshot snapshot;
    snapshot.id = required_id(json, "id");
    snapshot.name = text_in(json, "name").value_or("");
    snapshot.state = text_in(json, "state").value_or("");
    snapshot.error_reason = text_in(json, "errorReason");
    snapshot.source_sandbox = text_in(json, "sourceSandboxId");
    snapshot.created_at = time_in(json, "createdAt");
    if (const Json* size = member(json, "size"); size != nullptr && size->is_number())
        snapshot.size_gb = size->get<double>();
    return snapshot;
}

template <class Read>
auto items_of(const Json& json, Read&& read) {
    std::vector<decltype(read(json))> items;
    const Json* list = member(json, "items");
    if (list == nullptr || !list->is_array()) (void)required(std::optional<int>{}, "items");
    for (const Json& item : *list)
        items.push_back(read(item));
    return items;
}

}  // namespace

Sandbox read_sandbox(std::string_view text) {
    return sandbox_of(parse_json(text));
}

Page read_page(std::string_view text) {
    const Json json = parse_json(text);
    return {items_of(json, sandbox_of), text_in(json, "nextCursor")};
}

Snapshot read_snapshot(std::string_view text) {
    return snapshot_of(parse_json(text));
}

Snapshots read_snapshots(std::string_view text) {
    const Json json = parse_json(text);
    return {items_of(json, snapshot_of), integer_in(json, "totalPages").value_or(1)};
}

Command read_started_command(std::string_view text) {
    const Json json = parse_json(text);
    return {required_id(json, "cmdId"), integer_in(json, "exitCode")};
}

Command read_command(std::string_view text) {
    const Json json = parse_json(text);
    return {required_id(json, "id"), integer_in(json, "exitCode")};
}

CommandLogs read_logs(std::string_view text) {
    const Json json = parse_json(text);
    if (!json.is_object()) (void)required(std::optional<int>{}, "stdout and stderr");
    return {text_in(json, "stdout").value_or(""), text_in(json, "stderr").value_or("")};
}

Execution read_execution(std::string_view text) {
    const Json json = parse_json(text);
    const auto code = integer_in(json, "exitCode");
    return {required(code ? code : integer_in(json, "code"), "exitCode"), text_in(json, "result").value_or("")};
}

Complaint read_complaint(std::string_view text) {
    const Json json = parse_json(text);
    Complaint complaint;
    if (json.is_object()) {
        complaint.message = text_in(json, "message").value_or(text_in(json, "error").value_or(""));
        complaint.code = text_in(json, "code").value_or(text_in(json, "error_code").value_or(""));
        if (const Json* errors = member(json, "errors"); errors != nullptr && errors->is_array())
            for (const Json& error : *errors)
                if (error.is_string())
                    complaint.message += (complaint.message.empty() ? "" : "; ") + error.get<std::string>();
    }
    return complaint;
}

}  // namespace berth_daytona
