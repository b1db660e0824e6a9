// Every key that berth.yaml can have, in one table: the reader refuses others, the schema for editors lists the same.
// Knows neither YAML nor what a key means.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace berth::inline host_v1 {

/// One map of the file. "*" in `where` is a name that the author of the file chooses.
struct KeySection {
    std::string_view where;  ///< such as "providers.*"; "" is the whole file
    std::span<const std::string> keys;
};

namespace section {
[[nodiscard]] KeySection whole();
[[nodiscard]] KeySection plugins();
[[nodiscard]] KeySection provider();
[[nodiscard]] KeySection worker();
[[nodiscard]] KeySection deadlines();
[[nodiscard]] KeySection select();
[[nodiscard]] KeySection defaults();
[[nodiscard]] KeySection download();
[[nodiscard]] KeySection http();
[[nodiscard]] std::array<KeySection, 9> all();
}  // namespace section

/// The version of the file format that this Berth reads: `version: 1`.
inline constexpr int configuration_version = 1;

}  // namespace berth::inline host_v1
