// Free-form values out of berth.yaml (a provider's `config`) as JSON in which every node still knows its line and
// column. Knows no YAML library and no schema.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace berth::inline host_v1 {

/// Where something stands in the configuration file, counted from one in characters. Line 0: not from a file.
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    [[nodiscard]] bool known() const noexcept { return line != 0; }
    friend bool operator==(const Place&, const Place&) = default;
};

/// A provider's `config` as written: `${env:NAME}` and `${file:PATH}` are still text, so showing it shows no secret
/// that was given by reference. Plain value; any thread may read it.
struct ConfigTree {
    nlohmann::json value = nlohmann::json::object();
    /// JSON pointer -> place of the value. "" is the tree itself (or the provider's name when it has no `config`).
    std::map<std::string, Place> places;
    std::string file;                 ///< for messages; empty: from no file
    std::filesystem::path directory;  ///< what relative paths in `${file:PATH}` start from

    /// The place of a value, or of its nearest parent that has one.
    [[nodiscard]] Place place_of(std::string_view pointer) const;
    /// "file:line:column" of that place; empty when the tree comes from no file.
    [[nodiscard]] std::string location_of(std::string_view pointer) const;
};

/// "file:line:column", or just the file when the place is not known.
[[nodiscard]] std::string location_text(std::string_view file, Place place);

/// `key` as a step of a JSON pointer: "a/b~c" becomes "a~1b~0c".
[[nodiscard]] std::string pointer_step(std::string_view key);

}  // namespace berth::inline host_v1
