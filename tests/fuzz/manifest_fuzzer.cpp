// Feeds the manifest and the configuration schema in it with anything, then a configuration to that schema. Checks what
// has to hold whatever comes in: it ends, problems are one line with a number, and what is said about options is
// consistent. Input: the manifest, a line "---", the configuration as JSON.
// Built with BERTH_PLANTED_FAULT it has a buffer that is too small, which a working fuzzer finds.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "plugin/manifest.hpp"
#include "plugin/schema_check.hpp"
#include "plugin/strict_json.hpp"

namespace {

constexpr std::string_view separator = "\n---\n";
const std::string methods =
    "create get list destroy execute execute_stream upload_files download_files "
    "get_resource_usage is_ready restart";

void require(bool holds, std::string_view what, std::string_view text) {
    if (holds) return;
    std::cerr << "broken: " << what << "\n" << text << "\n";
    std::abort();
}

#ifdef BERTH_PLANTED_FAULT
/// The fault: the column of a syntax error is thought to have at most two digits.
void planted(std::string_view line) {
    const auto column = line.find("column ");
    if (column == std::string_view::npos) return;
    std::vector<char> digits(2);
    std::size_t count = 0;
    for (const char digit : line.substr(column + 7)) {
        if (digit < '0' || digit > '9') break;
        digits.data()[count++] = digit;
    }
    require(count != 0, "a column without a number", line);
}
#endif

void check_error(const berth::Error& error) {
    const std::string_view line = error.what();
#ifdef BERTH_PLANTED_FAULT
    planted(line);
#endif
    require(error.diagnostic().starts_with("BERTH-P-"), "another diagnostic", line);
    require(berth::is_utf8(line) && line.find('\n') == std::string_view::npos, "a problem is not one line", line);
}

/// Options, rules and table are three views of one schema.
void check_options(const berth::ConfigSchema& schema) {
    const auto options = schema.options();
    const auto rules = schema.setting_rules();
    require(options.size() == rules.size(), "options and rules differ", schema.json().dump());
    for (std::size_t index = 0; index < options.size(); ++index) {
        require(options[index].pointer == rules[index].pointer, "another pointer", options[index].pointer);
        require(options[index].secret == (rules[index].secrecy == berth::Secrecy::secret), "another secrecy",
                options[index].pointer);
    }
    const auto table = berth::option_table(schema);
    const auto lines = static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n'));
    require(lines == (options.empty() ? 1 : options.size() + 2), "a row is not one line", table);
}

void check_configuration(const berth::ConfigSchema& schema, std::string_view text) {
    berth::CheckInput input;
    try {
        input.values = berth::parse_strict_json(text, 64);
    } catch (const berth::JsonProblem&) {
        return;
    }
    for (const auto& option : schema.options()) {
        if (option.secret) input.secrets.insert(option.pointer);
    }
    for (const auto& problem : berth::check_configuration(schema, input))
        check_error(problem);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto end = text.find(separator);
    const auto manifest_text = std::string_view(text).substr(0, end);
    const auto configuration =
        end == std::string::npos ? std::string_view("{}") : std::string_view(text).substr(end + separator.size());
    try {
        const bool says_provides = manifest_text.find("\"provides\"") != std::string_view::npos;
        const auto read = berth::parse_manifest(manifest_text, says_provides ? std::nullopt : std::optional(methods));
        for (const auto& warning : read.warnings)
            check_error(warning);
        require(berth::is_name(read.manifest.name), "a name that is none", read.manifest.name);
        require(berth::is_utf8(read.manifest.description), "bytes that are no text", read.manifest.name);
        // What was accepted is accepted again and means the same.
        const auto& schema = read.manifest.config;
        require(berth::ConfigSchema::parse(schema.json()).json() == schema.json(), "another schema", text);
        check_options(schema);
        check_configuration(schema, configuration);
    } catch (const berth::Error& error) {
        check_error(error);
    }
    return 0;
}
