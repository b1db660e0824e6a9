#include "records.hpp"

#include <algorithm>
#include <charconv>

namespace berth_daytona {

using namespace berth_cloud;

namespace {

constexpr std::int64_t most_generations = 1'000'000;

std::optional<std::int64_t> number_in(const Sandbox& sandbox, const char* name) {
    const auto label = sandbox.labels.find(name);
    if (label == sandbox.labels.end()) return std::nullopt;
    std::int64_t number = 0;
    const char* const last = label->second.data() + label->second.size();
    const auto [end, error] = std::from_chars(label->second.data(), last, number);
    return error == std::errc{} && end == last ? std::optional(number) : std::nullopt;
}

}  // namespace

Json labels_of(const Record& record, const std::string& provider, std::string_view id) {
    Json labels = label_texts(record);
    labels[marker_label] = provider;
    labels[id_label] = id;
    labels[generation_label] = std::to_string(record.generation);
    if (record.created_at) labels["berth-created"] = std::to_string(*record.created_at);
    return labels;
}

std::int64_t generation_of(const Sandbox& sandbox) {
    // Labels are text that anybody with the key can change.
    return std::clamp(number_in(sandbox, generation_label).value_or(1), std::int64_t{1}, most_generations);
}

Record record_of_labels(const Sandbox& sandbox) {
    Record record;
    static_cast<KeptSandbox&>(record) = kept_in_labels(sandbox.labels);
    record.generation = generation_of(sandbox);
    const auto first = number_in(sandbox, "berth-created");
    record.created_at = first && *first >= 0 ? first : sandbox.created_at;
    return record;
}

std::string Records::write(const Record& record) {
    Json json = to_json(record);
    json["current"] = record.current;
    json["box"] = record.box;
    json["work_directory"] = record.work_directory;
    json["generation"] = record.generation;
    if (record.created_at) json["created_at"] = *record.created_at;
    return json.dump();
}

Record Records::read(std::string_view text) {
    const Json json = parse_json(text);
    Record record;
    static_cast<KeptSandbox&>(record) = kept_in(json);
    record.current = text_in(json, "current").value_or("");
    record.box = text_in(json, "box").value_or("");
    record.work_directory = text_in(json, "work_directory").value_or("/");
    record.generation = integer_in(json, "generation").value_or(1);
    record.created_at = integer_in(json, "created_at");
    return record;
}

std::optional<Record> Records::find(berth::Call& call, std::string_view sandbox) const {
    const auto stored = state_.get(call, key_of(sandbox));
    return stored ? std::optional(read(stored->value)) : std::nullopt;
}

}  // namespace berth_daytona
