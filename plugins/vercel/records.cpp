#include "records.hpp"

#include "cloud/json_fields.hpp"
#include "cloud/stored_values.hpp"
#include "cloud/text.hpp"

namespace berth_vercel {

using namespace berth_cloud;

namespace {

constexpr std::size_t longest_tag = 256;

}  // namespace

std::string write_record(const Record& record) {
    Json json{{"key", record.idempotency_key},          {"env", to_json(record.env)},
              {"labels", to_json(record.labels)},       {"session", record.session},
              {"session_cwd", record.session_cwd},      {"persistent", record.persistent},
              {"took_snapshots", record.took_snapshots}};
    put(json, "name", record.name);
    put(json, "template", record.template_name);
    if (record.cwd) json["cwd"] = base64(*record.cwd);
    put(json, "timeout_ms", record.timeout_ms);
    put(json, "last_used_at", record.last_used_at);
    return json.dump();
}

Record read_record(std::string_view text) {
    const Json json = parse_json(text);
    Record record;
    record.idempotency_key = text_in(json, "key").value_or("");
    record.env = variables_in(json, "env");
    record.labels = variables_in(json, "labels");
    record.session = text_in(json, "session").value_or("");
    record.session_cwd = text_in(json, "session_cwd").value_or("/");
    record.persistent = flag_in(json, "persistent");
    record.took_snapshots = flag_in(json, "took_snapshots");
    record.name = text_in(json, "name");
    record.template_name = text_in(json, "template");
    record.cwd = bytes_in(json, "cwd");
    record.timeout_ms = integer_in(json, "timeout_ms");
    record.last_used_at = integer_in(json, "last_used_at");
    return record;
}

std::string write_snapshot_record(const SnapshotRecord& record) {
    return Json{{"name", record.name},
                {"sandbox", record.sandbox},
                {"created_at", record.created_at},
                {"env", to_json(record.env)}}
        .dump();
}

SnapshotRecord read_snapshot_record(std::string_view text) {
    const Json json = parse_json(text);
    return {text_in(json, "name").value_or(""), text_in(json, "sandbox").value_or(""),
            integer_in(json, "created_at").value_or(0), variables_in(json, "env")};
}

std::map<std::string, std::string> tags_of(const Record& record, const std::string& provider) {
    std::map<std::string, std::string> tags{{marker_tag, provider}, {"berth-key", record.idempotency_key}};
    if (record.name) tags["berth-name"] = *record.name;
    Json labels = Json::object();
    for (const berth::Variable& label : record.labels)
        if (is_utf8(label.name) && is_utf8(label.value)) labels[label.name] = label.value;
    if (!labels.empty()) tags["berth-labels"] = labels.dump();
    Json run{{"persistent", record.persistent}};
    put(run, "template", record.template_name);
    put(run, "timeout_ms", record.timeout_ms);
    if (record.cwd && is_utf8(*record.cwd)) run["cwd"] = *record.cwd;
    tags["berth-run"] = run.dump();
    for (auto tag = tags.begin(); tag != tags.end();)
        tag = tag->second.size() > longest_tag || tag->second.empty() ? tags.erase(tag) : std::next(tag);
    return tags;
}

Record record_of_tags(const std::map<std::string, std::string>& tags) {
    const auto tag = [&](const char* name) {
        const auto found = tags.find(name);
        return found == tags.end() ? std::optional<std::string>{} : std::optional(found->second);
    };
    Record record;
    record.idempotency_key = tag("berth-key").value_or("");
    record.name = tag("berth-name");
    const Json labels = parse_json(tag("berth-labels").value_or("{}"));
    if (labels.is_object())
        for (const auto& [name, value] : labels.items())
            if (value.is_string()) record.labels.set(name, value.get<std::string>());
    const Json run = parse_json(tag("berth-run").value_or("{}"));
    record.persistent = flag_in(run, "persistent");
    record.template_name = text_in(run, "template");
    record.timeout_ms = integer_in(run, "timeout_ms");
    record.cwd = text_in(run, "cwd");
    return record;
}

std::optional<Record> Records::find(berth::Call& call, std::string_view sandbox) const {
    const auto stored = state_.get(call, key(sandbox));
    return stored ? std::optional(read_record(stored->value)) : std::nullopt;
}

void Records::forget(berth::Call& call, const std::string& key) const {
    while (const auto stored = state_.get(call, key))
        if (state_.remove(call, key, stored->revision)) return;
}

void Records::remove(berth::Call& call, std::string_view sandbox) const {
    forget(call, key(sandbox));
    for (const std::string& part : state_.keys(call, "log/" + std::string{sandbox} + "/"))
        forget(call, part);
}

std::optional<SnapshotRecord> Records::find_snapshot(berth::Call& call, std::string_view id) const {
    const auto stored = state_.get(call, "snapshot/" + std::string{id});
    return stored ? std::optional(read_snapshot_record(stored->value)) : std::nullopt;
}

void Records::keep_snapshot(berth::Call& call, std::string_view id, const SnapshotRecord& record) const {
    state_.update(call, "snapshot/" + std::string{id},
                  [&](const std::optional<std::string>&) { return write_snapshot_record(record); });
}

void Records::forget_snapshot(berth::Call& call, std::string_view id) const {
    forget(call, "snapshot/" + std::string{id});
}

std::vector<std::string> Records::snapshots(berth::Call& call) const {
    std::vector<std::string> ids;
    for (const std::string& key : state_.keys(call, "snapshot/"))
        ids.push_back(key.substr(std::string_view("snapshot/").size()));
    return ids;
}

}  // namespace berth_vercel
