#include "records.hpp"

#include <charconv>

#include "cloud/stored_values.hpp"
#include "cloud/text.hpp"

namespace berth_daytona {

using namespace berth_cloud;

Json labels_of(const Record& record, const std::string& provider, std::string_view id) {
    Json labels{{marker_label, provider},
                {id_label, id},
                {generation_label, std::to_string(record.generation)},
                {"berth-key", record.idempotency_key}};
    if (record.name && is_utf8(*record.name)) labels["berth-name"] = *record.name;
    if (record.created_at) labels["berth-created"] = std::to_string(*record.created_at);
    Json own = Json::object();
    for (const berth::Variable& label : record.labels)
        if (is_utf8(label.name) && is_utf8(label.value)) own[label.name] = label.value;
    if (!own.empty()) labels["berth-labels"] = own.dump();
    Json run{{"persistent", record.persistent}};
    put(run, "template", record.template_name);
    put(run, "timeout_ms", record.timeout_ms);
    if (record.cwd && is_utf8(*record.cwd)) run["cwd"] = *record.cwd;
    labels["berth-run"] = run.dump();
    return labels;
}

std::int64_t generation_of(const Sandbox& sandbox) {
    std::int64_t number = 1;
    if (const auto label = sandbox.labels.find(generation_label); label != sandbox.labels.end())
        (void)std::from_chars(label->second.data(), label->second.data() + label->second.size(), number);
    return number;
}

Record record_of_labels(const Sandbox& sandbox) {
    const auto label = [&](const char* name) {
        const auto found = sandbox.labels.find(name);
        return found == sandbox.labels.end() ? std::optional<std::string>{} : std::optional(found->second);
    };
    Record record;
    record.idempotency_key = label("berth-key").value_or("");
    record.name = label("berth-name");
    record.generation = generation_of(sandbox);
    record.created_at = sandbox.created_at;
    if (const auto first = label("berth-created")) record.created_at = std::strtoll(first->c_str(), nullptr, 10);
    const Json own = parse_json(label("berth-labels").value_or("{}"));
    if (own.is_object())
        for (const auto& [name, value] : own.items())
            if (value.is_string()) record.labels.set(name, value.get<std::string>());
    const Json run = parse_json(label("berth-run").value_or("{}"));
    record.persistent = flag_in(run, "persistent");
    record.template_name = text_in(run, "template");
    record.timeout_ms = integer_in(run, "timeout_ms");
    record.cwd = text_in(run, "cwd");
    return record;
}

std::string Records::write(const Record& record) {
    Json json{{"key", record.idempotency_key},
              {"env", to_json(record.env)},
              {"labels", to_json(record.labels)},
              {"current", record.current},
              {"box", record.box},
              {"work_directory", record.work_directory},
              {"persistent", record.persistent},
              {"generation", record.generation}};
    put(json, "name", record.name);
    put(json, "template", record.template_name);
    if (record.cwd) json["cwd"] = base64(*record.cwd);
    put(json, "timeout_ms", record.timeout_ms);
    put(json, "created_at", record.created_at);
    put(json, "last_used_at", record.last_used_at);
    return json.dump();
}

Record Records::read(std::string_view text) {
    const Json json = parse_json(text);
    Record record;
    record.idempotency_key = text_in(json, "key").value_or("");
    record.env = variables_in(json, "env");
    record.labels = variables_in(json, "labels");
    record.current = text_in(json, "current").value_or("");
    record.box = text_in(json, "box").value_or("");
    record.work_directory = text_in(json, "work_directory").value_or("/");
    record.persistent = flag_in(json, "persistent");
    record.generation = integer_in(json, "generation").value_or(1);
    record.name = text_in(json, "name");
    record.template_name = text_in(json, "template");
    record.cwd = bytes_in(json, "cwd");
    record.timeout_ms = integer_in(json, "timeout_ms");
    record.created_at = integer_in(json, "created_at");
    record.last_used_at = integer_in(json, "last_used_at");
    return record;
}

std::optional<Record> Records::find(berth::Call& call, std::string_view sandbox) const {
    const auto stored = state_.get(call, "sandbox/" + std::string{sandbox});
    return stored ? std::optional(read(stored->value)) : std::nullopt;
}

void Records::forget(berth::Call& call, const std::string& key) const {
    while (const auto stored = state_.get(call, key))
        if (state_.remove(call, key, stored->revision)) return;
}

void Records::remove(berth::Call& call, std::string_view sandbox) const {
    forget(call, "sandbox/" + std::string{sandbox});
    for (const std::string& part : state_.keys(call, "log/" + std::string{sandbox} + "/"))
        forget(call, part);
}

std::optional<SnapshotRecord> Records::find_snapshot(berth::Call& call, std::string_view id) const {
    const auto stored = state_.get(call, "snapshot/" + std::string{id});
    if (!stored) return std::nullopt;
    const Json json = parse_json(stored->value);
    return SnapshotRecord{text_in(json, "name").value_or(""), text_in(json, "sandbox").value_or(""),
                          integer_in(json, "created_at").value_or(0), variables_in(json, "env")};
}

void Records::keep_snapshot(berth::Call& call, std::string_view id, const SnapshotRecord& record) const {
    state_.update(call, "snapshot/" + std::string{id}, [&](const std::optional<std::string>&) {
        return Json{{"name", record.name},
                    {"sandbox", record.sandbox},
                    {"created_at", record.created_at},
                    {"env", to_json(record.env)}}
            .dump();
    });
}

void Records::forget_snapshot(berth::Call& call, std::string_view id) const {
    forget(call, "snapshot/" + std::string{id});
}

}  // namespace berth_daytona
