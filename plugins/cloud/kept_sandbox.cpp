#include "kept_sandbox.hpp"

#include "stored_values.hpp"
#include "text.hpp"

namespace berth_cloud {

namespace {

constexpr std::size_t largest_environment = 128U << 10;

}  // namespace

KeptSandbox kept_of(const berth::SandboxConfig& config) {
    KeptSandbox kept;
    kept.idempotency_key = config.idempotency_key();
    if (config.name()) kept.name = *config.name();
    if (config.template_name()) kept.template_name = *config.template_name();
    kept.persistent = config.persistent();
    kept.env = config.environment().env();
    if (const auto timeout = config.environment().timeout()) kept.timeout_ms = timeout->count();
    kept.labels = config.labels();
    return kept;
}

std::string id_of_key(const std::string& provider, std::string_view idempotency_key) {
    return "berth-" + digest(provider + "\n" + std::string{idempotency_key});
}

Json to_json(const KeptSandbox& kept) {
    Json json{{"key", kept.idempotency_key},
              {"env", to_json(kept.env)},
              {"labels", to_json(kept.labels)},
              {"persistent", kept.persistent}};
    put(json, "name", kept.name);
    put(json, "template", kept.template_name);
    if (kept.cwd) json["cwd"] = base64(*kept.cwd);
    put(json, "timeout_ms", kept.timeout_ms);
    put(json, "last_used_at", kept.last_used_at);
    return json;
}

KeptSandbox kept_in(const Json& record) {
    KeptSandbox kept;
    kept.idempotency_key = text_in(record, "key").value_or("");
    kept.env = variables_in(record, "env");
    kept.labels = variables_in(record, "labels");
    kept.persistent = flag_in(record, "persistent");
    kept.name = text_in(record, "name");
    kept.template_name = text_in(record, "template");
    kept.cwd = bytes_in(record, "cwd");
    kept.timeout_ms = integer_in(record, "timeout_ms");
    kept.last_used_at = integer_in(record, "last_used_at");
    return kept;
}

std::map<std::string, std::string> label_texts(const KeptSandbox& kept) {
    std::map<std::string, std::string> texts{{"berth-key", kept.idempotency_key}};
    if (kept.name && is_utf8(*kept.name)) texts["berth-name"] = *kept.name;
    Json own = Json::object();
    for (const berth::Variable& label : kept.labels)
        if (is_utf8(label.name) && is_utf8(label.value)) own[label.name] = label.value;
    if (!own.empty()) texts["berth-labels"] = own.dump();
    Json run{{"persistent", kept.persistent}};
    put(run, "template", kept.template_name);
    put(run, "timeout_ms", kept.timeout_ms);
    if (kept.cwd && is_utf8(*kept.cwd)) run["cwd"] = *kept.cwd;
    texts["berth-run"] = run.dump();
    return texts;
}

KeptSandbox kept_in_labels(const std::map<std::string, std::string>& labels) {
    const auto label = [&](const char* name) {
        const auto found = labels.find(name);
        return found == labels.end() ? std::optional<std::string>{} : std::optional(found->second);
    };
    KeptSandbox kept;
    kept.idempotency_key = label("berth-key").value_or("");
    kept.name = label("berth-name");
    for (const auto& [name, value] : texts_in(parse_json(label("berth-labels").value_or("{}"))))
        kept.labels.set(name, value);
    const Json run = parse_json(label("berth-run").value_or("{}"));
    kept.persistent = flag_in(run, "persistent");
    kept.template_name = text_in(run, "template");
    kept.timeout_ms = integer_in(run, "timeout_ms");
    kept.cwd = text_in(run, "cwd");
    return kept;
}

void change_variables(berth::Variables& env, berth::Pairs set, const std::vector<std::string>& unset) {
    for (const std::string& name : unset)
        env.unset(name);
    for (const berth::Pair pair : set) {
        const berth::Variable* before = nullptr;
        for (const berth::Variable& item : env)
            if (item.name == pair.name) before = &item;
        env.set(pair.name, pair.value, pair.secret || (before != nullptr && before->secret));
    }
    std::size_t size = 0;
    for (const berth::Variable& item : env)
        size += item.name.size() + item.value.size() + 2;
    if (size > largest_environment)
        throw berth::Error(berth::Code::resource_exhausted, "all variables together may have 128 KiB")
            .hint("put large values into files")
            .outcome(berth::Outcome::none);
}

bool is_use_worth_keeping(const KeptSandbox& kept, std::int64_t now) {
    return !kept.last_used_at || *kept.last_used_at + 1000 <= now;
}

void KeptRecords::forget(berth::Call& call, const std::string& key) const {
    while (const auto stored = state_.get(call, key))
        if (state_.remove(call, key, stored->revision)) return;
}

void KeptRecords::remove(berth::Call& call, std::string_view sandbox) const {
    forget(call, key_of(sandbox));
    for (const std::string& part : state_.keys(call, "log/" + std::string{sandbox} + "/"))
        forget(call, part);
}

std::optional<KeptSnapshot> KeptRecords::find_snapshot(berth::Call& call, std::string_view id) const {
    const auto stored = state_.get(call, "snapshot/" + std::string{id});
    if (!stored) return std::nullopt;
    const Json json = parse_json(stored->value);
    return KeptSnapshot{text_in(json, "name").value_or(""), text_in(json, "sandbox").value_or(""),
                        integer_in(json, "created_at").value_or(0), variables_in(json, "env")};
}

void KeptRecords::keep_snapshot(berth::Call& call, std::string_view id, const KeptSnapshot& snapshot) const {
    state_.update(call, "snapshot/" + std::string{id}, [&](const std::optional<std::string>&) {
        return Json{{"name", snapshot.name},
                    {"sandbox", snapshot.sandbox},
                    {"created_at", snapshot.created_at},
                    {"env", to_json(snapshot.env)}}
            .dump();
    });
}

void KeptRecords::forget_snapshot(berth::Call& call, std::string_view id) const {
    forget(call, "snapshot/" + std::string{id});
}

}  // namespace berth_cloud
