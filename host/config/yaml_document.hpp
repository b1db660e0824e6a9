// One YAML document as a tree with places, after everything that is refused for its form alone: size, depth, aliases
// that explode or bite their tail, merge keys, tags, duplicate keys. Knows no key of berth.yaml.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config_tree.hpp"
#include "problems.hpp"

namespace berth::inline host_v1 {

inline constexpr std::size_t yaml_max_bytes = std::size_t{1} << 20U;
inline constexpr std::size_t yaml_max_depth = 64;
inline constexpr std::size_t yaml_max_values = 20'000;               ///< aliases expanded
inline constexpr std::size_t yaml_max_text = std::size_t{4} << 20U;  ///< bytes, aliases expanded
inline constexpr std::size_t yaml_max_key = 128;                     ///< bytes

struct YamlMember;

/// A value. `plain` is text without quotes, whose type is still open (5, true, word); `quoted` is always text.
struct YamlNode {
    enum class Kind { null, plain, quoted, list, map };
    Kind kind = Kind::null;
    Place place;
    std::string text;
    std::vector<YamlNode> items;
    std::vector<YamlMember> members;  ///< in the order of the file, no key twice
    std::size_t values = 1;           ///< how many values this is, itself included
    std::size_t text_bytes = 0;       ///< and how much text, keys included
    std::size_t depth = 0;            ///< lists and maps inside one another, itself included
};

struct YamlMember {
    std::string key;
    Place key_place;
    YamlNode value;
};

/// Absent when nothing can be made of the text; an empty file is a null. Throws nothing but bad_alloc.
[[nodiscard]] std::optional<YamlNode> parse_yaml(std::string_view text, Problems& problems);

}  // namespace berth::inline host_v1
