#include "records.hpp"

namespace berth_vercel {

using namespace berth_cloud;

namespace {

constexpr std::size_t longest_tag = 256;

}  // namespace

std::string write_record(const Record& record) {
    Json json = to_json(record);
    json["session"] = record.session;
    json["session_cwd"] = record.session_cwd;
    json["took_snapshots"] = record.took_snapshots;
    return json.dump();
}

Record read_record(std::string_view text) {
    const Json json = parse_json(text);
    Record record{kept_in(json), text_in(json, "session").value_or(""), text_in(json, "session_cwd").value_or("/"),
                  flag_in(json, "took_snapshots")};
    return record;
}

std::map<std::string, std::string> tags_of(const Record& record, const std::string& provider) {
    std::map<std::string, std::string> tags = label_texts(record);
    tags[marker_tag] = provider;
    std::erase_if(tags, [](const auto& tag) { return tag.second.size() > longest_tag || tag.second.empty(); });
    return tags;
}

Record record_of_tags(const std::map<std::string, std::string>& tags) {
    Record record;
    static_cast<KeptSandbox&>(record) = kept_in_labels(tags);
    return record;
}

std::optional<Record> Records::find(berth::Call& call, std::string_view sandbox) const {
    const auto stored = state_.get(call, key_of(sandbox));
    return stored ? std::optional(read_record(stored->value)) : std::nullopt;
}

}  // namespace berth_vercel
