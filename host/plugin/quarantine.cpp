#include "quarantine.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "../base/text.hpp"
#include "content_hash.hpp"
#include "diagnostics.hpp"
#include "strict_json.hpp"

namespace berth::inline host_v1 {

namespace {

using Json = nlohmann::json;

constexpr std::size_t most_records = 1000;
constexpr std::size_t longest_text = 512;
constexpr std::size_t longest_words = 4096;
constexpr std::string_view name_of_deaths = "deaths";
constexpr std::string_view name_of_first_contact = "first_contact";

/// As many bytes from its end as may be, no character cut.
std::string_view end_of(std::string_view bytes, std::size_t longest) {
    if (bytes.size() > longest) bytes.remove_prefix(bytes.size() - longest);
    bytes.remove_prefix(broken_utf8_prefix(bytes));
    return bytes;
}

/// Its end, fit for a terminal, on one line.
std::string tame(std::string_view bytes, std::size_t longest) {
    return std::string(end_of(printable(end_of(bytes, longest)), longest));
}

/// The same, lines kept.
std::string tame_lines(std::string_view bytes, std::size_t longest) {
    bytes = end_of(bytes, longest);
    std::string text;
    while (!bytes.empty()) {
        const auto end = std::min(bytes.find('\n'), bytes.size());
        text += printable(bytes.substr(0, end));
        if (end < bytes.size()) text += '\n';
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    return std::string(end_of(text, longest));
}

const std::string& text_at(const Json& object, const char* key) {
    return object.at(key).get_ref<const std::string&>();
}

Json json_of(const QuarantineRecord& record) {
    return {{"version", 1},
            {"plugin", tame(record.plugin, longest_text)},
            {"file", tame(record.file, longest_words)},
            {"size", record.size.value_or(0)},
            {"cause", record.cause == QuarantineRecord::Cause::deaths ? name_of_deaths : name_of_first_contact},
            {"deaths", record.deaths},
            {"within_s", record.within.count()},
            {"last_death", tame(record.last_death, longest_text)},
            {"stderr", tame_lines(record.last_words, longest_words)},
            {"since", tame(record.since, longest_text)}};
}

QuarantineRecord read_record(const std::string& hash, const std::string& text) {
    QuarantineRecord record;
    record.hash = hash;
    const auto json = parse_strict_json(text, 2);
    if (json.at("version").get<int>() != 1) throw JsonProblem("it is of another version of Berth");
    record.plugin = tame(text_at(json, "plugin"), longest_text);
    record.file = tame(text_at(json, "file"), longest_words);
    record.size = json.at("size").get<std::uint64_t>();
    const auto cause = json.at("cause").get<std::string>();
    if (cause != name_of_deaths && cause != name_of_first_contact) throw JsonProblem("its cause is unknown");
    record.cause = cause == name_of_deaths ? QuarantineRecord::Cause::deaths : QuarantineRecord::Cause::first_contact;
    record.deaths = json.at("deaths").get<std::uint64_t>();
    record.within = std::chrono::seconds(json.at("within_s").get<std::uint32_t>());
    record.last_death = tame(text_at(json, "last_death"), longest_text);
    record.last_words = tame_lines(text_at(json, "stderr"), longest_words);
    record.since = tame(text_at(json, "since"), longest_text);
    return record;
}

/// That the record is there says that the file is in quarantine; what it says is for people.
QuarantineRecord read_or_damaged(const std::string& hash, const RecordFolder& folder) {
    std::string damage;
    try {
        if (const auto text = folder.read(hash)) return read_record(hash, *text);
        damage = "it has just been removed";
    } catch (const JsonProblem& problem) {
        damage = problem.what();
    } catch (const Json::exception&) {
        damage = "it lacks something, or has it in another form";
    } catch (const Error& problem) {
        damage = problem.fields().message;
    }
    QuarantineRecord record;
    record.hash = hash;
    record.damage = folder.directory() + "/" + hash.substr(hash.find(':') + 1) + ".json: " + damage;
    return record;
}

/// Whether one of them may be about a file of that size.
bool has_size(std::span<const QuarantineRecord> records, std::uint64_t size) {
    return std::any_of(records.begin(), records.end(),
                       [size](const QuarantineRecord& record) { return !record.size || *record.size == size; });
}

}  // namespace

Quarantine::Quarantine(const std::string& records, const TrustRules& rules)
    : folder_(records.empty() ? std::string() : records + "/quarantine", rules) {}

std::vector<QuarantineRecord> Quarantine::records() const {
    std::vector<QuarantineRecord> records;
    for (const auto& hash : folder_.hashes())
        records.push_back(read_or_damaged(hash, folder_));
    return records;
}

std::optional<QuarantineRecord> Quarantine::find(const std::string& hash) const {
    return folder_.has(hash) ? std::optional(read_or_damaged(hash, folder_)) : std::nullopt;
}

void Quarantine::put(const QuarantineRecord& record) const {
    folder_.write(record.hash, json_of(record).dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                  most_records);
}

const QuarantineRecord* record_of(std::span<const QuarantineRecord> records, const ByteSource& file) {
    if (!has_size(records, file.size())) return nullptr;
    const auto hash = content_hash(file);
    if (!hash) return nullptr;  // it became shorter: whoever loads it will see
    const auto found = std::find_if(records.begin(), records.end(),
                                    [&](const QuarantineRecord& record) { return record.hash == *hash; });
    return found == records.end() ? nullptr : &*found;
}

const QuarantineRecord* record_of(std::span<const QuarantineRecord> records, const PluginFile& file,
                                  const TrustRules& rules) {
    if (!has_size(records, file.identity.size)) return nullptr;
    try {
        const auto opened = open_again(file, rules);
        return record_of(records, FileBytes(opened.descriptor.get(), opened.identity.size));
    } catch (const Error&) {
        return nullptr;  // another file by now, or none: whoever loads it says so
    }
}

std::string reason_of(const QuarantineRecord& record) {
    if (record.damage) return "why cannot be read, " + printable(*record.damage);
    if (record.cause == QuarantineRecord::Cause::first_contact)
        return "the process in which it was loaded for the first time " + record.last_death;
    return "its workers died " + std::to_string(record.deaths) + " times within " +
           std::to_string(record.within.count()) + " s, the last one " + record.last_death;
}

Error quarantine_refusal(const QuarantineRecord& record, const std::string& plugin) {
    ErrorFields fields;
    fields.message = "the plugin is in quarantine" + (record.since.empty() ? "" : " since " + record.since) + ": " +
                     reason_of(record);
    fields.hint = "Repair or replace the file, or let it be tried again: berth plugin clear " + printable(plugin);
    if (!record.last_words.empty()) fields.details.emplace_back("stderr", record.last_words);
    return {plugin_diagnostics::quarantined, std::move(fields)};
}

std::string moment_text(std::chrono::system_clock::time_point moment) {
    const auto seconds = std::chrono::system_clock::to_time_t(moment);
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&seconds, &parts) == nullptr) return {};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace berth::inline host_v1
