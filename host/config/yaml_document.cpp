#include "yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

namespace diagnostics = config_diagnostics;

/// Turns byte offsets and yaml-cpp's marks (zero-based, columns in bytes) into lines and characters from one.
class Places {
public:
    explicit Places(std::string_view text) {
        characters_.reserve(text.size() + 1);
        std::uint32_t count = 0;
        for (std::size_t index = 0; index < text.size(); ++index) {
            characters_.push_back(count);
            if ((static_cast<unsigned char>(text[index]) & 0xC0U) != 0x80U) ++count;
            if (text[index] == '\n') starts_.push_back(index + 1);
        }
        characters_.push_back(count);
    }

    [[nodiscard]] Place of_offset(std::size_t offset) const {
        const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
        const auto line = static_cast<std::size_t>(after - starts_.begin()) - 1;
        return of_line(line, offset - starts_[line]);
    }

    [[nodiscard]] Place of_mark(const YAML::Mark& mark) const {
        if (mark.is_null() || mark.line < 0 || mark.column < 0) return Place{};
        return of_line(static_cast<std::size_t>(mark.line), static_cast<std::size_t>(mark.column));
    }

private:
    [[nodiscard]] Place of_line(std::size_t line, std::size_t bytes) const {
        const auto start = starts_[std::min(line, starts_.size() - 1)];
        const auto end = std::min(start + bytes, characters_.size() - 1);
        return Place{static_cast<std::uint32_t>(line + 1), characters_[end] - characters_[start] + 1};
    }

    std::vector<std::size_t> starts_{0};     ///< of lines
    std::vector<std::uint32_t> characters_;  ///< how many begin before each byte
};

/// Ends the parser from inside an event; the problem is already noted.
struct Stop {};

/// Builds the tree out of yaml-cpp's events. Events instead of its nodes: those lose duplicate keys and the difference
/// between an alias and a copy, and they recurse before anybody has looked at the depth. What makes going on
/// pointless or dangerous ends the parser; the rest is collected.
class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(const Places& places, Problems& problems) : places_(places), problems_(problems) {}

    [[nodiscard]] YamlNode take() { return std::move(root_); }

    /// The innermost thing that is not complete: a key without its value, a list, a map.
    [[nodiscard]] Place incomplete() const {
        if (open_.empty()) return Place{1, 1};
        const Open& innermost = open_.back();
        return innermost.member ? innermost.member->key_place : innermost.node.place;
    }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ == 0) return;
        fail(diagnostics::several_documents, places_.of_mark(mark), "a second document starts here",
             "keep one document in the file and remove the line ---");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(leaf(YamlNode::Kind::null, places_.of_mark(mark), {}), anchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        const Place place = places_.of_mark(mark);
        check_tag(place, tag);
        check_text(place, value);
        add(leaf(tag == "?" ? YamlNode::Kind::plain : YamlNode::Kind::quoted, place, value), anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(places_.of_mark(mark), tag, anchor, YamlNode::Kind::list);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(places_.of_mark(mark), tag, anchor, YamlNode::Kind::map);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const Place place = places_.of_mark(mark);
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            fail(diagnostics::alias_cycle, place, "this alias stands inside the value that it repeats",
                 "write the value out instead of repeating it inside itself");
        }
        const YamlNode& original = found->second;
        if (open_.size() + original.depth > yaml_max_depth) fail_depth(place);
        spend(place, original.values, original.text_bytes);
        add(original, YAML::anchor_t{0});
    }

private:
    /// A list or map that is not complete yet.
    struct Open {
        YamlNode node;
        YAML::anchor_t anchor = 0;
        std::optional<YamlMember> member;   ///< a key that waits for its value
        std::map<std::string, Place> keys;  ///< where each stands first
        bool skip_value = false;            ///< of a key that was refused
    };

    [[noreturn]] void fail(const Diagnostic& diagnostic, Place place, std::string message, std::string hint) {
        problems_.add(diagnostic, place, std::move(message), std::move(hint));
        throw Stop{};
    }

    [[noreturn]] void fail_depth(Place place) {
        fail(diagnostics::too_deep, place,
             "lists and maps stand more than " + std::to_string(yaml_max_depth) + " deep in one another",
             "no configuration needs that; flatten it");
    }

    /// Counts what is about to be added, before it is: a few lines of aliases can stand for billions of values.
    void spend(Place place, std::size_t values, std::size_t text_bytes) {
        values_ += values;
        text_bytes_ += text_bytes;
        if (values_ <= yaml_max_values && text_bytes_ <= yaml_max_text) return;
        fail(diagnostics::too_many_values, place,
             "with aliases written out, there are more than " + std::to_string(yaml_max_values) + " values or " +
                 std::to_string(yaml_max_text >> 20U) + " MiB of text up to here",
             "repeat less by aliases");
    }

    void check_tag(Place place, const std::string& tag) {
        if (tag.empty() || tag == "?" || tag == "!") return;
        problems_.add(diagnostics::tag, place, "a tag is not allowed here",
                      "remove the word that starts with !; write text in quotes and numbers without");
    }

    /// Escapes in double quotes can make what the file itself may not hold.
    void check_text(Place place, const std::string& text) {
        if (is_utf8(text) && text.find('\0') == std::string::npos) return;
        fail(diagnostics::not_text, place, "an escape in this text makes a NUL or something that is not UTF-8",
             "write characters instead of \\x and \\u escapes");
    }

    YamlNode leaf(YamlNode::Kind kind, Place place, std::string text) {
        YamlNode node;
        node.kind = kind;
        node.place = place;
        node.text_bytes = text.size();
        node.text = std::move(text);
        spend(place, 1, node.text_bytes);
        return node;
    }

    void open(Place place, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
        check_tag(place, tag);
        if (open_.size() >= yaml_max_depth) fail_depth(place);
        Open frame;
        frame.node = leaf(kind, place, {});
        frame.node.depth = 1;
        frame.anchor = anchor;
        open_.push_back(std::move(frame));
    }

    void close() {
        Open frame = std::move(open_.back());
        open_.pop_back();
        add(std::move(frame.node), frame.anchor);
    }

    /// A value is complete: it becomes the root, an item, a key or a member.
    void add(YamlNode node, YAML::anchor_t anchor) {
        if (anchor != 0) {
            spend(node.place, node.values, node.text_bytes);
            anchors_[anchor] = node;
        }
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.kind == YamlNode::Kind::list) {
            grow(parent.node, node);
            parent.node.items.push_back(std::move(node));
        } else if (!parent.member) {
            parent.member = key_of(parent, std::move(node));
        } else {
            // A value that is not written has the place of whatever comes next, which helps nobody.
            if (node.kind == YamlNode::Kind::null && node.place.line != parent.member->key_place.line) {
                node.place = parent.member->key_place;
            }
            if (!parent.skip_value) {
                grow(parent.node, node);
                parent.node.text_bytes += parent.member->key.size();
                parent.member->value = std::move(node);
                parent.node.members.push_back(*std::move(parent.member));
            }
            parent.member.reset();
        }
    }

    static void grow(YamlNode& parent, const YamlNode& child) {
        parent.values += child.values;
        parent.text_bytes += child.text_bytes;
        parent.depth = std::max(parent.depth, child.depth + 1);
    }

    YamlMember key_of(Open& parent, YamlNode node) {
        YamlMember member;
        member.key_place = node.place;
        parent.skip_value = true;
        if (node.kind != YamlNode::Kind::plain && node.kind != YamlNode::Kind::quoted) {
            problems_.add(diagnostics::wrong_type, node.place, "a key has to be text", "write KEY: VALUE");
        } else if (node.text.empty() || node.text.size() > yaml_max_key) {
            problems_.add(
                diagnostics::bad_value, node.place,
                "a key has 1 to " + std::to_string(yaml_max_key) + " bytes, not " + std::to_string(node.text.size()),
                "write KEY: VALUE");
        } else if (node.kind == YamlNode::Kind::plain && node.text == "<<") {
            problems_.add(diagnostics::merge_key, node.place, "merge keys (<<) are not part of berth.yaml",
                          "write the keys out, or repeat a whole value by an alias");
        } else if (const auto first = parent.keys.find(node.text); first != parent.keys.end()) {
            problems_.add(diagnostics::duplicate_key, node.place,
                          "the key " + berth::quoted(node.text) + " stands here twice",
                          "keep one of the two; the first is in line " + std::to_string(first->second.line));
        } else {
            parent.keys.emplace(node.text, node.place);
            member.key = std::move(node.text);
            parent.skip_value = false;
        }
        return member;
    }

    const Places& places_;
    Problems& problems_;
    YamlNode root_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, YamlNode> anchors_;
    std::size_t documents_ = 0;
    std::size_t values_ = 0;
    std::size_t text_bytes_ = 0;
};

/// The first byte that text may not hold; the parser would take some of them for the end of the file or for UTF-16.
std::optional<std::size_t> bad_byte(std::string_view text) {
    for (std::size_t index = 0; index < text.size();) {
        const auto byte = static_cast<unsigned char>(text[index]);
        if ((byte < 0x20U && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7FU) return index;
        std::size_t length = 1;
        while (length <= 4 && !is_utf8(text.substr(index, length)))
            ++length;
        if (length > 4) return index;
        index += length;
    }
    return std::nullopt;
}

std::optional<YamlNode> parse_text(std::string_view text, const Places& places, Problems& problems) {
    // yaml-cpp takes the end of the file for the end of a quoted text. A mark of the document's end it does not.
    std::string ended(text);
    if (!ended.empty() && ended.back() != '\n') ended += '\n';
    ended += "...\n";
    std::istringstream stream{ended};
    TreeBuilder builder(places, problems);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const Stop&) {
        return std::nullopt;
    } catch (const YAML::Exception& error) {
        if (error.mark.pos >= 0 && static_cast<std::size_t>(error.mark.pos) < text.size()) {
            problems.add(diagnostics::syntax, places.of_mark(error.mark), "this is not YAML: " + error.msg,
                         "check indentation, colons, quotes and brackets here and in the line before");
        } else {
            problems.add(diagnostics::syntax, builder.incomplete(),
                         "this is not YAML: the file ends before something is complete that begins here or after",
                         "close the quotes and brackets");
        }
        return std::nullopt;
    }
}

}  // namespace

std::optional<YamlNode> parse_yaml(std::string_view text, Problems& problems) {
    if (text.size() > yaml_max_bytes) {
        problems.add(diagnostics::too_large, Place{}, "the file has more than 1 MiB",
                     "a configuration is small; check that this is one");
        return std::nullopt;
    }
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.substr(0, byte_order_mark.size()) == byte_order_mark) text.remove_prefix(byte_order_mark.size());
    const Places places(text);
    if (const auto offset = bad_byte(text)) {
        problems.add(diagnostics::not_text, places.of_offset(*offset),
                     "a byte that is not UTF-8 text, or a control character",
                     "save the file as UTF-8; a control character can be written in quotes, such as \"\\e\"");
        return std::nullopt;
    }
    return parse_text(text, places, problems);
}

}  // namespace berth::inline host_v1
