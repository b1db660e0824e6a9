#include "contact_records.hpp"

#include <chrono>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "quarantine.hpp"
#include "strict_json.hpp"

namespace berth::inline host_v1 {

namespace {

using Json = nlohmann::json;

constexpr std::size_t most_records = 512;
/// Grows with what is looked for: what was tried before is tried again then.
constexpr int checks = 1;

}  // namespace

ContactRecords::ContactRecords(const std::string& records, const TrustRules& rules)
    : folder_(records.empty() ? std::string() : records + "/contact", rules) {}

bool ContactRecords::has(const std::string& hash) const {
    const auto text = folder_.read(hash);
    if (!text) return false;
    std::string damage = "it lacks something, or has it in another form";
    try {
        return parse_strict_json(*text, 1).at("checks").get<int>() >= checks;
    } catch (const JsonProblem& problem) {
        damage = problem.what();
    } catch (const Json::exception&) {
    }
    throw Error(plugin_diagnostics::records_unusable, "what is remembered of a plugin cannot be read: " + damage,
                "Remove the file; the plugin is tried in a process of its own again")
        .with_location(printable(folder_.directory() + "/" + hash.substr(hash.find(':') + 1) + ".json"));
}

void ContactRecords::put(const std::string& hash, const std::string& plugin, const std::string& file) const {
    const Json record{{"checks", checks},
                      {"plugin", printable(plugin)},
                      {"file", printable(file)},
                      {"at", moment_text(std::chrono::system_clock::now())}};
    folder_.write(hash, record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", most_records);
}

}  // namespace berth::inline host_v1
