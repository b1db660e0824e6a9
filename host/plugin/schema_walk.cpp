#include "schema_walk.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "../base/text.hpp"
#include "../config/config_tree.hpp"

namespace berth::inline host_v1 {

namespace {

using nlohmann::json;

bool is_large_integer(const json& value) {
    return value.is_number_unsigned() &&
           value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

bool has_type(const json& value, std::string_view type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    return type == "null" && value.is_null();
}

std::string type_text(std::string_view type) {
    if (type == "object") return "a map";
    if (type == "array") return "a list";
    if (type == "string") return "text";
    if (type == "integer") return "a whole number";
    if (type == "number") return "a number";
    if (type == "boolean") return "true or false";
    return "nothing (null)";
}

/// What a value is. Never a text itself: it may be a secret in the wrong place.
std::string found_text(const json& value) {
    switch (value.type()) {
        case json::value_t::object:
            return "a map";
        case json::value_t::array:
            return "a list";
        case json::value_t::string:
            return "text";
        case json::value_t::boolean:
            return value.get<bool>() ? "true" : "false";
        case json::value_t::null:
            return "nothing (null)";
        default:
            return "the number " + value.dump();
    }
}

std::string joined(const std::vector<std::string>& words, std::string_view last) {
    std::string text;
    for (std::size_t index = 0; index < words.size(); ++index) {
        if (index != 0) text += index + 1 == words.size() ? " " + std::string(last) + " " : ", ";
        text += words[index];
    }
    return text;
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

/// "1 to 5", "at least 1", "at most 5".
std::string range_text(const json* least, const json* most) {
    if (least != nullptr && most != nullptr) return least->dump() + " to " + most->dump();
    return least != nullptr ? "at least " + least->dump() : "at most " + most->dump();
}

const json* member(const json& schema, const std::string& name) {
    const auto found = schema.find(name);
    return found == schema.end() ? nullptr : &*found;
}

class Walk {
public:
    explicit Walk(const SecretPointers& secrets) : secrets_(secrets) {}

    void at(const json& schema, const json& value, const std::string& pointer) {
        if (schema.is_boolean()) return;  // additionalProperties: true
        if (secrets_.contains(pointer)) {
            if (!allows_text(schema)) add(pointer, expected_type(schema), "a secret, which is text");
            return;
        }
        if (is_large_integer(value)) return add(pointer, "at most 9223372036854775807", found_text(value));
        if (value.is_string() && !is_utf8(value.get_ref<const std::string&>())) {
            return add(pointer, "text in UTF-8", "bytes that are not");
        }
        if (!fits_type(schema, value)) return add(pointer, expected_type(schema), found_text(value));
        allowed_values(schema, value, pointer);
        if (value.is_number()) number(schema, value, pointer);
        if (value.is_string()) text(schema, value, pointer);
        if (value.is_array()) list(schema, value, pointer);
        if (value.is_object()) map(schema, value, pointer);
    }

    std::vector<SchemaProblem> problems;

private:
    void add(const std::string& pointer, std::string expected, std::string found, std::string hint = {}) {
        problems.push_back({pointer, std::move(expected), std::move(found), std::move(hint)});
    }

    static bool fits_type(const json& schema, const json& value) {
        const auto types = types_of(schema);
        return types.empty() ||
               std::any_of(types.begin(), types.end(), [&](const auto& type) { return has_type(value, type); });
    }

    static std::string expected_type(const json& schema) {
        std::vector<std::string> words;
        for (const auto& type : types_of(schema))
            words.push_back(type_text(type));
        return joined(words, "or");
    }

    void allowed_values(const json& schema, const json& value, const std::string& pointer) {
        if (const auto* wanted = member(schema, "const"); wanted != nullptr && value != *wanted) {
            add(pointer, value_text(*wanted), "another value");
        }
        const auto* choices = member(schema, "enum");
        if (choices == nullptr || std::find(choices->begin(), choices->end(), value) != choices->end()) return;
        std::vector<std::string> texts;
        std::vector<std::string> names;
        for (const auto& choice : *choices) {
            texts.push_back(value_text(choice));
            if (choice.is_string()) names.push_back(choice.get<std::string>());
        }
        std::string hint;
        if (value.is_string()) {
            const auto nearest = nearest_name(value.get_ref<const std::string&>(), names);
            if (nearest) hint = quoted(*nearest);
        }
        add(pointer, joined(texts, "or"), "another value", std::move(hint));
    }

    void number(const json& schema, const json& value, const std::string& pointer) {
        const auto* least = member(schema, "minimum");
        const auto* most = member(schema, "maximum");
        if ((least != nullptr && value < *least) || (most != nullptr && value > *most)) {
            add(pointer, range_text(least, most), found_text(value));
        }
    }

    void count(const json& schema, std::size_t have, const char* least_key, const char* most_key,
               const std::string& unit, const std::string& pointer) {
        const auto* least = member(schema, least_key);
        const auto* most = member(schema, most_key);
        if ((least != nullptr && have < least->get<std::uint64_t>()) ||
            (most != nullptr && have > most->get<std::uint64_t>())) {
            add(pointer, range_text(least, most) + " " + unit, std::to_string(have));
        }
    }

    void text(const json& schema, const json& value, const std::string& pointer) {
        count(schema, characters(value.get_ref<const std::string&>()), "minLength", "maxLength", "characters", pointer);
    }

    void list(const json& schema, const json& value, const std::string& pointer) {
        count(schema, value.size(), "minItems", "maxItems", "items", pointer);
        const auto* items = member(schema, "items");
        if (items == nullptr) return;
        for (std::size_t index = 0; index < value.size(); ++index)
            at(*items, value[index], pointer_below(pointer, std::to_string(index)));
    }

    void map(const json& schema, const json& value, const std::string& pointer) {
        const auto* properties = member(schema, "properties");
        const auto* others = member(schema, "additionalProperties");
        for (const auto& [key, item] : value.items()) {
            const auto below = pointer_below(pointer, key);
            const json* known = properties != nullptr ? member(*properties, key) : nullptr;
            if (known != nullptr) {
                at(*known, item, below);
            } else if (others != nullptr && *others == json(false)) {
                unknown(properties, key, pointer, below);
            } else if (others != nullptr) {
                at(*others, item, below);
            }
        }
        missing(schema, value, pointer);
    }

    void unknown(const json* properties, const std::string& key, const std::string& pointer, const std::string& below) {
        std::vector<std::string> names;
        if (properties != nullptr) {
            for (const auto& [name, ignored] : properties->items())
                names.push_back(name);
        }
        const auto nearest = nearest_name(key, names);
        if (names.size() > 12) names.resize(12);
        add(below, names.empty() ? "no options in " + option_name(pointer) : "one of " + listed(names),
            "the unknown option " + quoted(key), nearest ? quoted(*nearest) : std::string());
    }

    void missing(const json& schema, const json& value, const std::string& pointer) {
        const auto* required = member(schema, "required");
        if (required == nullptr) return;
        for (const auto& name : *required) {
            const auto& text = name.get_ref<const std::string&>();
            if (!value.contains(text)) {
                add(pointer, "the option " + quoted(option_name(pointer_below(pointer, text))), "no such option");
            }
        }
    }

    const SecretPointers& secrets_;
};

}  // namespace

std::vector<SchemaProblem> walk_schema(const json& schema, const json& value, const SecretPointers& secrets) {
    Walk walk(secrets);
    walk.at(schema, value, "");
    return std::move(walk.problems);
}

std::vector<std::string> types_of(const json& schema) {
    const auto* type = schema.is_object() ? member(schema, "type") : nullptr;
    if (type == nullptr) return {};
    if (type->is_string()) return {type->get<std::string>()};
    return type->get<std::vector<std::string>>();
}

bool allows_text(const json& schema) {
    if (schema.is_boolean()) return true;
    const auto types = types_of(schema);
    if (!types.empty() && std::find(types.begin(), types.end(), "string") == types.end()) return false;
    if (const auto* wanted = member(schema, "const"); wanted != nullptr && !wanted->is_string()) return false;
    const auto* choices = member(schema, "enum");
    return choices == nullptr ||
           std::any_of(choices->begin(), choices->end(), [](const json& choice) { return choice.is_string(); });
}

std::string pointer_below(std::string_view pointer, std::string_view key) {
    return std::string(pointer) + "/" + pointer_step(key);
}

std::string option_name(std::string_view pointer) {
    if (pointer.empty()) return "the configuration";
    std::string name;
    for (std::size_t index = 1; index < pointer.size(); ++index) {
        if (pointer[index] == '/') {
            name += '.';
        } else if (pointer[index] == '~' && index + 1 < pointer.size()) {
            name += pointer[++index] == '1' ? '/' : '~';
        } else {
            name += pointer[index];
        }
    }
    return name;
}

std::string value_text(const json& value) {
    if (value.is_string()) return quoted(value.get_ref<const std::string&>().substr(0, 80));
    if (value.is_structured()) return value.empty() ? value.dump() : value.is_array() ? "[...]" : "{...}";
    return value.dump();
}

}  // namespace berth::inline host_v1
