#include "manifest.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <utility>

#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "method_table.hpp"
#include "strict_json.hpp"

namespace berth::inline host_v1 {

namespace {

using nlohmann::json;
using namespace plugin_diagnostics;

/// Twice the depth of a schema (each level is "properties" and a name) and what stands around it.
constexpr std::size_t max_depth = 64;
constexpr std::size_t max_names = 256;
constexpr std::size_t max_text = 1024;

enum class Key : std::uint8_t { name, version, description, homepage, license, contract, features, provides, config };
constexpr std::array<std::string_view, 9> key_names{"name",     "version",  "description", "homepage", "license",
                                                    "contract", "features", "provides",    "config"};

/// What stands under each key, found in one walk over the object, which must outlive this.
class Members {
public:
    explicit Members(const json& manifest) {
        for (const auto& [name, value] : manifest.get_ref<const json::object_t&>()) {
            const auto known = std::find(key_names.begin(), key_names.end(), name);
            if (known != key_names.end()) {
                values_[static_cast<std::size_t>(known - key_names.begin())] = &value;
            } else if (unknown_ == nullptr) {
                unknown_ = &name;
            }
        }
    }

    /// nullptr: it has none.
    [[nodiscard]] const json* find(Key key) const noexcept { return values_[static_cast<std::size_t>(key)]; }
    /// The first key by name that stands for nothing, or nullptr.
    [[nodiscard]] const std::string* unknown() const noexcept { return unknown_; }

private:
    std::array<const json*, key_names.size()> values_{};
    const std::string* unknown_ = nullptr;
};

[[noreturn]] void refuse(Key key, const std::string& expected, const std::string& found,
                         std::string hint = "Correct the manifest in the plugin's source and build it again") {
    throw Error(manifest_field,
                "the manifest's key " + quoted(key_names[static_cast<std::size_t>(key)]) + " is wrong: expected " +
                    expected + ", found " + found,
                std::move(hint));
}

std::string found_text(const json& value) {
    if (value.is_string()) return quoted(value.get_ref<const std::string&>().substr(0, 80));
    if (value.is_structured()) return value.is_array() ? "a list" : "an object";
    return value.dump();
}

json parse_object(std::string_view text) {
    try {
        auto manifest = parse_strict_json(text, max_depth);
        if (!manifest.is_object()) throw JsonProblem("it is not an object");
        return manifest;
    } catch (const JsonProblem& problem) {
        throw Error(manifest_not_json, std::string("the manifest is not usable as JSON: ") + problem.what(),
                    "Correct the manifest in the plugin's source and build it again");
    }
}

void check_keys(const Members& manifest) {
    if (manifest.unknown() == nullptr) return;
    const auto& key = *manifest.unknown();
    const std::vector<std::string> known(key_names.begin(), key_names.end());
    const auto nearest = nearest_name(key, known);
    throw Error(manifest_field,
                "the manifest has an unknown key: expected one of " + listed(known) + ", found " + quoted(key),
                nearest ? "Did you mean " + quoted(*nearest) + "?" : "Take the key out");
}

std::string take_text(const Members& manifest, Key key) {
    const auto* const found = manifest.find(key);
    if (found == nullptr) return {};
    if (!found->is_string() || found->get_ref<const std::string&>().size() > max_text) {
        refuse(key, "a text of at most 1024 bytes", found_text(*found));
    }
    return found->get<std::string>();
}

std::string take_name(const Members& manifest) {
    if (manifest.find(Key::name) == nullptr) refuse(Key::name, "a name", "nothing");
    auto name = take_text(manifest, Key::name);
    if (!is_name(name)) refuse(Key::name, "[a-z][a-z0-9_-]{0,31}", quoted(name.substr(0, 80)));
    return name;
}

std::string take_version(const Members& manifest) {
    if (manifest.find(Key::version) == nullptr) refuse(Key::version, "a version such as 1.0.0", "nothing");
    auto version = take_text(manifest, Key::version);
    const bool fits =
        !version.empty() && version.size() <= 64 && std::all_of(version.begin(), version.end(), [](char character) {
            return std::string_view("._+-").find(character) != std::string_view::npos ||
                   (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
                   (character >= 'A' && character <= 'Z');
        });
    if (!fits) refuse(Key::version, "1 to 64 letters, digits, '.', '_', '+' and '-'", quoted(version.substr(0, 80)));
    return version;
}

std::string take_homepage(const Members& manifest) {
    auto homepage = take_text(manifest, Key::homepage);
    const bool is_web = homepage.starts_with("https://") || homepage.starts_with("http://");
    const bool plain = std::none_of(homepage.begin(), homepage.end(), [](char character) {
        return static_cast<unsigned char>(character) <= 0x20U || character == '\x7f';
    });
    if (!homepage.empty() && (!is_web || !plain)) refuse(Key::homepage, "an http(s) address", quoted(homepage));
    return homepage;
}

std::uint32_t take_contract(const Members& manifest) {
    const auto* const found = manifest.find(Key::contract);
    if (found == nullptr) return BERTH_CONTRACT_MAJOR;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() == 0 || found->get<std::uint64_t>() > 1000) {
        refuse(Key::contract, "the major version of the contract, such as 1", found_text(*found));
    }
    const auto major = found->get<std::uint32_t>();
    if (major != BERTH_CONTRACT_MAJOR) {
        throw Error(
            wrong_major,
            "the plugin is built for another contract: expected major version " + std::to_string(BERTH_CONTRACT_MAJOR) +
                ", found " + std::to_string(major),
            "Take a build of the plugin for contract 1, or a Berth that speaks contract " + std::to_string(major));
    }
    return major;
}

std::vector<std::string> take_names(const Members& manifest, Key key) {
    const auto* const found = manifest.find(key);
    if (found == nullptr) return {};
    if (!found->is_array() || found->size() > max_names) refuse(key, "a list of at most 256 names", found_text(*found));
    std::vector<std::string> names;
    names.reserve(found->size());
    for (const auto& name : *found) {
        if (!name.is_string()) refuse(key, "a list of names", found_text(name) + " in it");
        names.push_back(name.get<std::string>());
    }
    return names;
}

std::vector<std::string> split_note(std::string_view text) {
    std::vector<std::string> names;
    const auto spaces = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
    names.reserve(std::min(spaces, max_names) + 1);
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end != 0) names.emplace_back(text.substr(0, end));
        if (names.size() > max_names) refuse(Key::provides, "at most 256 names", "more");
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return names;
}

void check_features(const Manifest& manifest, std::vector<Error>& warnings) {
    for (auto place = manifest.features.begin(); place != manifest.features.end(); ++place) {
        const auto& name = *place;
        if (!is_name(name)) refuse(Key::features, "names of features", quoted(name.substr(0, 80)));
        if (std::find(manifest.features.begin(), place, name) != place)
            refuse(Key::features, "each feature once", quoted(name) + " twice");
        if (find_feature(name) != nullptr) continue;
        const auto nearest = nearest_name(name, feature_names());
        warnings.emplace_back(unknown_offer,
                              "the manifest names the feature " + quoted(name) + ", which is not known here",
                              nearest ? "Did the author mean " + quoted(*nearest) + "?" : "It is not used");
    }
}

/// A name that is nearly a method's is a slip. One that is not may be a method of a later minor version: it is kept,
/// and the loader asks the plugin which version it was built for.
void check_provided_name(const std::string& name, const MethodRow* row, std::vector<Error>& warnings) {
    if ((row != nullptr && row->extension.empty()) || is_extension_id(name)) return;
    const auto nearest = nearest_name(name, method_names());
    if (row != nullptr || nearest || !is_name(name)) {
        refuse(Key::provides, "names of methods and ids of extensions, such as " BERTH_SNAPSHOTS_EXTENSION,
               quoted(name.substr(0, 80)),
               row != nullptr ? "Name the extension instead: " + quoted(row->extension)
               : nearest      ? "Did you mean " + quoted(*nearest) + "?"
                              : "The methods are " + listed(method_names()));
    }
    warnings.emplace_back(unknown_offer,
                          "the manifest provides the method " + quoted(name) + ", which is not known here",
                          "It is not used");
}

/// Checked, and in order: methods first, as in the table; then names that are unknown here, then extension ids, by name.
std::vector<std::string> checked_names(std::vector<std::string> names, std::vector<Error>& warnings) {
    std::vector<std::pair<std::size_t, std::string>> placed;
    placed.reserve(names.size());
    for (auto& name : names) {
        const auto* row = find_method(name);
        check_provided_name(name, row, warnings);
        const auto place = row != nullptr ? static_cast<std::size_t>(row->method)
                                          : method_table.size() + (is_extension_id(name) ? 1 : 0);
        placed.emplace_back(place, std::move(name));
    }
    std::sort(placed.begin(), placed.end());
    std::transform(placed.begin(), placed.end(), names.begin(), [](auto& one) { return std::move(one.second); });
    return names;
}

std::vector<std::string> take_provides(const Members& manifest, const std::optional<std::string>& note,
                                       std::vector<Error>& warnings) {
    if (!note && manifest.find(Key::provides) == nullptr) {
        refuse(Key::provides, "the names of the methods the plugin has", "nothing",
               "In C and Rust write \"provides\" into the manifest; BERTH_PLUGIN of the C++ face does it by itself");
    }
    auto names = checked_names(note ? split_note(*note) : take_names(manifest, Key::provides), warnings);
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) refuse(Key::provides, "each name once", quoted(*twice) + " twice");
    if (note && manifest.find(Key::provides) != nullptr) {
        auto written = take_names(manifest, Key::provides);
        std::sort(written.begin(), written.end());
        auto computed = names;
        std::sort(computed.begin(), computed.end());
        if (written != computed) {
            refuse(Key::provides, "the same names as in the plugin's second note", "others",
                   "Take \"provides\" out of the manifest: the second note says it");
        }
    }
    return names;
}

using Methods = std::bitset<method_table.size()>;

/// Which methods a manifest provides. Its names are in the order of the table.
Methods methods_of(const Manifest& manifest) {
    Methods provided;
    auto name = manifest.provides.begin();
    for (const auto& row : method_table) {
        if (name == manifest.provides.end()) break;
        if (*name != row.name) continue;
        provided.set(static_cast<std::size_t>(row.method));
        ++name;
    }
    return provided;
}

void check_required(const Methods& provided) {
    std::vector<std::string> missing;
    for (const auto& row : method_table) {
        if (!row.extension.empty() || row.requirement == MethodNeed::optional) continue;
        if (!provided.test(static_cast<std::size_t>(row.method))) missing.emplace_back(row.name);
    }
    if (missing.empty()) return;
    throw Error(required_missing,
                "the manifest does not provide " + std::to_string(missing.size()) +
                    " of the 11 required methods: " + listed(missing),
                "Implement them; a plugin without them cannot be used");
}

void warn_of_halves(const Methods& provided, std::vector<Error>& warnings) {
    const auto warn = [&](Method have, Method lack) {
        warnings.emplace_back(
            half_a_pair,
            "the plugin provides " + std::string(row_of(have).name) + " but not " + std::string(row_of(lack).name),
            "One is of little use without the other; tell the plugin's author");
    };
    for (const auto& [one, other] : method_pairs) {
        const bool has_one = provided.test(static_cast<std::size_t>(one));
        const bool has_other = provided.test(static_cast<std::size_t>(other));
        if (has_one && !has_other) warn(one, other);
        if (has_other && !has_one) warn(other, one);
    }
}

}  // namespace

bool Manifest::provides_name(std::string_view method_or_extension) const noexcept {
    return std::find(provides.begin(), provides.end(), method_or_extension) != provides.end();
}

bool Manifest::has_feature(std::string_view feature) const noexcept {
    return std::find(features.begin(), features.end(), feature) != features.end();
}

ReadManifest parse_manifest(std::string_view text, const std::optional<std::string>& provides_note) {
    const auto json_text = parse_object(text);
    const Members members(json_text);
    ReadManifest read;
    auto& manifest = read.manifest;
    // The contract first: a manifest of another major may hold anything.
    manifest.contract = take_contract(members);
    check_keys(members);
    manifest.name = take_name(members);
    manifest.version = take_version(members);
    manifest.description = take_text(members, Key::description);
    manifest.homepage = take_homepage(members);
    manifest.license = take_text(members, Key::license);
    manifest.features = take_names(members, Key::features);
    check_features(manifest, read.warnings);
    manifest.provides = take_provides(members, provides_note, read.warnings);
    const auto provided = methods_of(manifest);
    check_required(provided);
    warn_of_halves(provided, read.warnings);
    if (const auto* const config = members.find(Key::config)) {
        manifest.config = ConfigSchema::parse(*config);
    }
    return read;
}

}  // namespace berth::inline host_v1
