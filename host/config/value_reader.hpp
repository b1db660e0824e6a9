// Single values of berth.yaml out of the YAML tree: each function gives a value, or notes a problem with its place and
// gives nothing. Knows no key of the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/duration.hpp"
#include "config_tree.hpp"
#include "keys.hpp"
#include "problems.hpp"
#include "reference.hpp"
#include "yaml_document.hpp"

namespace berth::inline host_v1 {

/// As an upper end: as many as anybody likes.
inline constexpr std::uint64_t most_of_all = std::numeric_limits<std::int64_t>::max();

/// `what` names the key in messages, such as "providers.local.max_streams". Lives as long as `problems`.
class ValueReader {
public:
    ValueReader(Problems& problems, const YamlNode& node, std::string what)
        : problems_(problems), node_(node), what_(std::move(what)) {}

    [[nodiscard]] std::optional<std::string> text() const;
    /// Text that is the name of a plugin, provider, method or feature.
    [[nodiscard]] std::optional<std::string> name() const;
    [[nodiscard]] std::optional<std::uint64_t> whole_number(std::uint64_t least, std::uint64_t most) const;
    [[nodiscard]] std::optional<std::uint64_t> size(std::uint64_t least, std::uint64_t most) const;
    /// A size, or `none`: then the inner value is absent.
    [[nodiscard]] std::optional<std::optional<std::uint64_t>> size_or_none(std::uint64_t least,
                                                                           std::uint64_t most) const;
    [[nodiscard]] std::optional<Milliseconds> duration() const;
    /// A duration, or `none` or 0 for no limit: then the inner value is absent.
    [[nodiscard]] std::optional<std::optional<Milliseconds>> limit() const;
    [[nodiscard]] std::optional<bool> truth() const;
    /// The index of one of these words.
    [[nodiscard]] std::optional<std::size_t> word(std::initializer_list<std::string_view> words) const;
    [[nodiscard]] std::optional<std::map<std::string, std::string>> texts_by_name() const;

    /// The items of a list (none when nothing is written), or nullptr after noting that it is none.
    [[nodiscard]] const std::vector<YamlNode>* list() const;
    /// The members of a map (none when nothing is written); keys that the section does not have are noted.
    [[nodiscard]] const std::vector<YamlMember>* map(const KeySection& section) const;
    /// The members of a map whose keys are the author's.
    [[nodiscard]] const std::vector<YamlMember>* map() const;

private:
    [[nodiscard]] std::optional<std::string> scalar(std::string_view expected) const;
    void wrong_type(std::string_view expected, std::string hint) const;
    void bad_value(std::string message, std::string hint) const;

    Problems& problems_;
    const YamlNode& node_;
    std::string what_;
};

enum class References { refused, allowed };

/// Takes a text apart, and notes a malformed reference, or any where none is allowed.
[[nodiscard]] ReferencedText check_references(Problems& problems, const std::string& text, Place place,
                                              References references);

/// The free-form part: any YAML as JSON, each value with its place. `at` is the place of the tree when there is none.
[[nodiscard]] ConfigTree read_config_tree(Problems& problems, const YamlNode* node, Place at,
                                          const std::filesystem::path& directory);

}  // namespace berth::inline host_v1
