#include "value_reader.hpp"

#include <charconv>

#include "base/size.hpp"
#include "base/text.hpp"
#include "diagnostics.hpp"
#include "yaml_scalar.hpp"

namespace berth::inline host_v1 {

namespace {

namespace diagnostics = config_diagnostics;

bool is_scalar(const YamlNode& node) noexcept {
    return node.kind == YamlNode::Kind::plain || node.kind == YamlNode::Kind::quoted;
}

std::string one_of(std::initializer_list<std::string_view> words) {
    std::string text;
    for (const auto word : words) {
        if (!text.empty()) text += " or ";
        text += word;
    }
    return text;
}

std::string range_text(const std::string& least, const std::string& most, std::uint64_t number) {
    if (number == most_of_all) return "at least " + least;
    return "from " + least + " to " + most;
}

const std::vector<YamlNode> no_items;
const std::vector<YamlMember> no_members;

}  // namespace

void ValueReader::wrong_type(std::string_view expected, std::string hint) const {
    problems_.add(diagnostics::wrong_type, node_.place,
                  what_ + " has to be " + std::string(expected) + ", not " + found_text(node_), std::move(hint));
}

void ValueReader::bad_value(std::string message, std::string hint) const {
    problems_.add(diagnostics::bad_value, node_.place, what_ + " " + std::move(message), std::move(hint));
}

std::optional<std::string> ValueReader::scalar(std::string_view expected) const {
    if (is_scalar(node_)) return node_.text;
    wrong_type(expected, "");
    return std::nullopt;
}

std::optional<std::string> ValueReader::text() const {
    if (!is_scalar(node_)) {
        wrong_type("text", "");
        return std::nullopt;
    }
    const auto meaning = meaning_of(node_);
    if (!meaning.problem.empty() || !meaning.value.is_string()) {
        wrong_type("text", "put it in quotes");
        return std::nullopt;
    }
    const auto parts = check_references(problems_, node_.text, node_.place, References::refused);
    return parts.parts.empty() ? std::string() : parts.parts.front().text;
}

std::optional<std::string> ValueReader::name() const {
    auto found = text();
    if (!found || is_name(*found)) return found;
    problems_.add(diagnostics::bad_name, node_.place, what_ + " has to be a name, not " + found_text(node_),
                  "a name has 1 to 32 of the characters a-z 0-9 _ - and starts with a letter");
    return std::nullopt;
}

std::optional<std::uint64_t> ValueReader::whole_number(std::uint64_t least, std::uint64_t most) const {
    const auto range = range_text(std::to_string(least), std::to_string(most), most);
    const auto meaning = is_scalar(node_) ? meaning_of(node_) : ScalarMeaning{};
    if (meaning.problem.empty() && !meaning.value.is_number_integer()) {
        wrong_type("a whole number", "write a number " + range + " without quotes");
        return std::nullopt;
    }
    const auto number = meaning.problem.empty() ? meaning.value.get<std::int64_t>() : -1;
    if (number < 0 || static_cast<std::uint64_t>(number) < least || static_cast<std::uint64_t>(number) > most) {
        bad_value("cannot be " + found_text(node_), "write a number " + range);
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(number);
}

std::optional<std::uint64_t> ValueReader::size(std::uint64_t least, std::uint64_t most) const {
    const auto found = scalar("a size");
    if (!found) return std::nullopt;
    const auto bytes = parse_size(*found);
    if (bytes && *bytes >= least && *bytes <= most) return bytes;
    bad_value("cannot be " + found_text(node_), "write a whole number of bytes with a unit, such as 16MiB, " +
                                                    range_text(size_text(least), size_text(most), most));
    return std::nullopt;
}

std::optional<std::optional<std::uint64_t>> ValueReader::size_or_none(std::uint64_t least, std::uint64_t most) const {
    if (is_scalar(node_) && node_.text == "none") return std::optional<std::uint64_t>();
    const auto found = size(least, most);
    if (!found) return std::nullopt;
    return found;
}

std::optional<Milliseconds> ValueReader::duration() const {
    const auto found = scalar("a duration");
    if (!found) return std::nullopt;
    const auto result = parse_duration(*found);
    if (!result) {
        bad_value("cannot be " + found_text(node_), "write a number with a unit: 200ms, 30s, 5m, 2h or 7d");
    }
    return result;
}

std::optional<std::optional<Milliseconds>> ValueReader::limit() const {
    if (is_scalar(node_) && node_.text == "none") return std::optional<Milliseconds>();
    const auto found = duration();
    if (!found) return std::nullopt;
    if (*found == Milliseconds::zero()) return std::optional<Milliseconds>();
    return found;
}

std::optional<bool> ValueReader::truth() const {
    const auto meaning = is_scalar(node_) ? meaning_of(node_) : ScalarMeaning{};
    if (meaning.value.is_boolean()) return meaning.value.get<bool>();
    wrong_type("true or false", "write true or false, without quotes");
    return std::nullopt;
}

std::optional<std::size_t> ValueReader::word(std::initializer_list<std::string_view> words) const {
    const auto found = scalar(one_of(words));
    if (!found) return std::nullopt;
    std::size_t index = 0;
    for (const auto candidate : words) {
        if (*found == candidate) return index;
        ++index;
    }
    bad_value("cannot be " + found_text(node_), "write " + one_of(words));
    return std::nullopt;
}

std::optional<std::map<std::string, std::string>> ValueReader::texts_by_name() const {
    const auto* members = map();
    if (members == nullptr) return std::nullopt;
    std::map<std::string, std::string> texts;
    for (const auto& member : *members) {
        if (auto value = ValueReader(problems_, member.value, what_ + "." + printable(member.key)).text()) {
            texts.emplace(member.key, *std::move(value));
        }
    }
    return texts;
}

const std::vector<YamlNode>* ValueReader::list() const {
    if (node_.kind == YamlNode::Kind::list) return &node_.items;
    if (node_.kind == YamlNode::Kind::null) return &no_items;
    wrong_type("a list", "write [ONE, TWO], or each on a line of its own after -");
    return nullptr;
}

const std::vector<YamlMember>* ValueReader::map() const {
    if (node_.kind == YamlNode::Kind::map) return &node_.members;
    if (node_.kind == YamlNode::Kind::null) return &no_members;
    wrong_type("a map", "write KEY: VALUE, each on a line of its own and indented");
    return nullptr;
}

const std::vector<YamlMember>* ValueReader::map(const KeySection& section) const {
    const auto* members = map();
    if (members == nullptr) return nullptr;
    for (const auto& member : *members) {
        if (std::find(section.keys.begin(), section.keys.end(), member.key) != section.keys.end()) continue;
        const auto near = nearest_name(member.key, section.keys);
        problems_.add(diagnostics::unknown_key, member.key_place,
                      "unknown key " + berth::quoted(member.key) + " in " + what_,
                      near ? "did you mean " + *near + "?" : "known: " + listed(section.keys));
    }
    return members;
}

ReferencedText check_references(Problems& problems, const std::string& text, Place place, References references) {
    auto parts = take_apart(text);
    if (!parts.problem.empty()) {
        problems.add(diagnostics::bad_reference, place, parts.problem,
                     "write ${env:NAME} or ${file:PATH}, or $${ for the characters themselves");
    } else if (references == References::refused && parts.has_reference()) {
        problems.add(diagnostics::bad_reference, place, "a reference is not allowed here",
                     "references work in the values below a provider's config");
    }
    return parts;
}

namespace {

/// Makes JSON of a YAML tree and notes every place on the way.
class TreeReader {
public:
    TreeReader(Problems& problems, ConfigTree& tree) : problems_(problems), tree_(tree) {}

    // Recursion is bounded: parse_yaml() lets no tree through that is deeper than 64.
    nlohmann::json read(const YamlNode& node, const std::string& pointer) {
        remember(node, pointer);
        if (node.kind == YamlNode::Kind::map) {
            auto object = nlohmann::json::object();
            for (const auto& member : node.members)
                object[member.key] = read(member.value, pointer + "/" + pointer_step(member.key));
            return object;
        }
        if (node.kind == YamlNode::Kind::list) {
            auto array = nlohmann::json::array();
            for (const auto& item : node.items)
                array.push_back(read(item, pointer + "/" + std::to_string(array.size())));
            return array;
        }
        auto meaning = meaning_of(node);
        if (!meaning.problem.empty()) {
            problems_.add(diagnostics::ambiguous_value, node.place, meaning.problem,
                          "put it in quotes if it is text, or write the number plainly (0o17 is octal)");
        }
        if (meaning.value.is_string()) {
            // The text stays as it is: what it refers to may be a secret.
            static_cast<void>(check_references(problems_, node.text, node.place, References::allowed));
        }
        return std::move(meaning.value);
    }

private:
    /// Long keys above many values would make of one megabyte of file gigabytes of pointers.
    void remember(const YamlNode& node, const std::string& pointer) {
        constexpr std::size_t most_pointer_bytes = std::size_t{16} << 20U;
        pointer_bytes_ += pointer.size();
        if (pointer_bytes_ > most_pointer_bytes) {
            problems_.add(diagnostics::too_many_values, tree_.place_of(""),
                          "this config has too many values below keys that are too long", "shorten its keys");
            return;
        }
        tree_.places.emplace(pointer, node.place);
    }

    Problems& problems_;
    ConfigTree& tree_;
    std::size_t pointer_bytes_ = 0;
};

}  // namespace

ConfigTree read_config_tree(Problems& problems, const YamlNode* node, Place at,
                            const std::filesystem::path& directory) {
    ConfigTree tree;
    tree.file = problems.file();
    tree.directory = directory;
    if (node == nullptr || node->kind == YamlNode::Kind::null) {
        tree.places.emplace("", at);
        return tree;
    }
    tree.value = TreeReader(problems, tree).read(*node, "");
    return tree;
}

}  // namespace berth::inline host_v1
