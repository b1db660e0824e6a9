#include "schema_subset.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "../base/text.hpp"
#include "config_schema.hpp"
#include "diagnostics.hpp"
#include "schema_walk.hpp"

namespace berth::inline host_v1 {

namespace {

using nlohmann::json;

constexpr std::uint64_t max_count = std::uint64_t{1024} * 1024;
constexpr std::size_t max_choices = 256;
constexpr std::size_t max_variables = 8;
constexpr std::size_t max_description = 2000;
constexpr std::array<std::string_view, 7> type_names{"object", "array",   "string", "integer",
                                                     "number", "boolean", "null"};

[[noreturn]] void refuse(const std::string& place, const std::string& what, std::string hint = {}) {
    if (hint.empty())
        hint = "Change the schema in the plugin's manifest; docs/write-a-provider.md lists what it may use";
    throw Error(plugin_diagnostics::schema_refused,
                "the plugin's configuration schema is refused at /config" + place + ": " + what, std::move(hint));
}

bool is_scalar(const json& value) {
    return value.is_primitive() && !(value.is_number_unsigned() && value.get<std::uint64_t>() >> 63U != 0);
}

bool is_option_name(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char character) {
        return is_variable_name(std::string_view(&character, 1)) || (character >= '0' && character <= '9') ||
               character == '-' || character == '.';
    });
}

/// One object of the schema and what is below it. `place` is its JSON pointer below /config.
class Subset {
public:
    json take(const json& schema, const std::string& place, std::size_t depth) {
        if (depth > ConfigSchema::max_depth) refuse(place, "nested deeper than 16 levels");
        if (!schema.is_object()) refuse(place, "expected a schema, which is an object");
        json taken = json::object();
        for (const auto& [key, value] : schema.items())
            taken[key] = keyword(key, value, pointer_below(place, key), depth);
        close_map(taken);
        check_order(taken, place, "minimum", "maximum");
        check_order(taken, place, "minLength", "maxLength");
        check_order(taken, place, "minItems", "maxItems");
        check_required(taken, place);
        check_secret(taken, place);
        check_variables(taken, place);
        check_giving_way(taken, place);
        check_default(taken, place);
        return taken;
    }

private:
    json keyword(const std::string& key, const json& value, const std::string& place, std::size_t depth) {
        if (key == "type") return type(value, place);
        if (key == "properties") return properties(value, place, depth);
        if (key == "required") return required(value, place);
        if (key == "additionalProperties") return value.is_boolean() ? value : take(value, place, depth + 1);
        if (key == "items") return take(value, place, depth + 1);
        if (key == "enum") return choices(value, place);
        if (key == "const" && is_scalar(value)) return value;
        if ((key == "minimum" || key == "maximum") && value.is_number() && is_scalar(value)) return value;
        if (key == "minLength" || key == "maxLength" || key == "minItems" || key == "maxItems") {
            return count(value, place);
        }
        if (key == "default") return value;
        if (key == "description") return description(value, place);
        if (key == "writeOnly" && value.is_boolean()) return value;
        if (key == "x-env") return variables(value, place);
        if (key == "x-env-unless") return options_beside(value, place);
        wrong_keyword(key, place);
    }

    [[noreturn]] static void wrong_keyword(const std::string& key, const std::string& place) {
        static const std::vector<std::string> known{"type",     "properties",  "required",    "additionalProperties",
                                                    "items",    "enum",        "const",       "minimum",
                                                    "maximum",  "minLength",   "maxLength",   "minItems",
                                                    "maxItems", "default",     "description", "writeOnly",
                                                    "x-env",    "x-env-unless"};
        if (std::find(known.begin(), known.end(), key) != known.end()) {
            refuse(place, "the value of " + quoted(key) + " is of a wrong type");
        }
        const auto nearest = nearest_name(key, known);
        refuse(place, "the keyword " + quoted(key) + " is not accepted from a plugin",
               nearest ? "Did you mean " + quoted(*nearest) + "?" : "Accepted are " + listed(known));
    }

    static json type(const json& value, const std::string& place) {
        const auto known = [](const json& name) {
            return name.is_string() && std::find(type_names.begin(), type_names.end(),
                                                 name.get_ref<const std::string&>()) != type_names.end();
        };
        const bool one = known(value);
        const bool several = value.is_array() && !value.empty() && value.size() <= type_names.size() &&
                             std::all_of(value.begin(), value.end(), known) && unique(value);
        if (!one && !several) {
            refuse(place, "expected one or several of object, array, string, integer, number, boolean and null");
        }
        return value;
    }

    static bool unique(const json& list) {
        std::set<json> seen;
        return std::all_of(list.begin(), list.end(), [&](const json& item) { return seen.insert(item).second; });
    }

    json properties(const json& value, const std::string& place, std::size_t depth) {
        if (!value.is_object()) refuse(place, "expected an object with a schema for each option");
        json taken = json::object();
        for (const auto& [name, schema] : value.items()) {
            const auto below = pointer_below(place, name);
            if (!is_option_name(name)) {
                refuse(below, "an option's name is 1 to 64 letters, digits, '_', '-' and '.', found " + quoted(name));
            }
            taken[name] = take(schema, below, depth + 1);
        }
        return taken;
    }

    static json required(const json& value, const std::string& place) {
        const bool names = value.is_array() &&
                           std::all_of(value.begin(), value.end(), [](const json& name) { return name.is_string(); });
        if (!names || !unique(value)) refuse(place, "expected a list of different option names");
        return value;
    }

    static json choices(const json& value, const std::string& place) {
        if (!value.is_array() || value.empty() || value.size() > max_choices ||
            !std::all_of(value.begin(), value.end(), is_scalar) || !unique(value)) {
            refuse(place, "expected a list of 1 to 256 different texts, numbers, booleans or null");
        }
        return value;
    }

    static json count(const json& value, const std::string& place) {
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max_count) {
            refuse(place, "expected a whole number from 0 to 1048576");
        }
        return value;
    }

    static json description(const json& value, const std::string& place) {
        if (!value.is_string() || value.get_ref<const std::string&>().size() > max_description) {
            refuse(place, "expected a text of at most 2000 bytes");
        }
        return value;
    }

    static json variables(const json& value, const std::string& place) {
        const auto fits = [](const json& name) {
            return name.is_string() && name.get_ref<const std::string&>().size() <= 128 &&
                   is_variable_name(name.get_ref<const std::string&>());
        };
        if (!value.is_array() || value.empty() || value.size() > max_variables ||
            !std::all_of(value.begin(), value.end(), fits)) {
            refuse(place, "expected a list of 1 to 8 names of environment variables");
        }
        return value;
    }

    static json options_beside(const json& value, const std::string& place) {
        const auto fits = [](const json& name) {
            return name.is_string() && is_option_name(name.get_ref<const std::string&>());
        };
        if (!value.is_array() || value.empty() || value.size() > max_variables ||
            !std::all_of(value.begin(), value.end(), fits) || !unique(value)) {
            refuse(place, "expected a list of 1 to 8 different names of options beside this one");
        }
        return value;
    }

    /// Unknown options are mistakes until the schema says otherwise.
    static void close_map(json& schema) {
        const auto types = types_of(schema);
        const bool map = types.empty() ? schema.contains("properties")
                                       : std::find(types.begin(), types.end(), "object") != types.end();
        if (map && !schema.contains("additionalProperties")) schema["additionalProperties"] = false;
    }

    static void check_order(const json& schema, const std::string& place, const char* least, const char* most) {
        if (schema.contains(least) && schema.contains(most) && schema[most] < schema[least]) {
            refuse(place, std::string(least) + " is greater than " + most);
        }
    }

    static void check_required(const json& schema, const std::string& place) {
        if (!schema.contains("required")) return;
        for (const auto& name : schema["required"]) {
            const auto& text = name.get_ref<const std::string&>();
            if (!schema.contains("properties") || !schema["properties"].contains(text)) {
                refuse(place + "/required", quoted(text) + " is required but not among the properties");
            }
        }
    }

    static void check_secret(const json& schema, const std::string& place) {
        if (!schema.value("writeOnly", false)) return;
        if (types_of(schema).empty() || !allows_text(schema)) {
            refuse(place, "a secret (writeOnly) must have the type string");
        }
        if (schema.contains("default")) refuse(place, "a secret (writeOnly) must not have a default");
    }

    static void check_variables(const json& schema, const std::string& place) {
        if (!schema.contains("x-env")) {
            if (schema.contains("x-env-unless")) refuse(place, "x-env-unless stands only beside x-env");
            return;
        }
        const auto types = types_of(schema);
        const bool plain = !types.empty() && std::none_of(types.begin(), types.end(), [](const std::string& type) {
            return type == "object" || type == "array";
        });
        if (!plain) refuse(place, "x-env stands only beside a type that is a single value");
    }

    /// Seen from the map: what its options give way to is among its other options.
    static void check_giving_way(const json& schema, const std::string& place) {
        for (const char* unnamed : {"items", "additionalProperties"}) {
            if (schema.contains(unnamed) && schema[unnamed].contains("x-env-unless"))
                refuse(pointer_below(place, unnamed), "x-env-unless stands only in an option that has a name");
        }
        if (!schema.contains("properties")) return;
        for (const auto& [name, option] : schema["properties"].items()) {
            if (!option.contains("x-env-unless")) continue;
            for (const auto& other : option["x-env-unless"]) {
                const auto& text = other.get_ref<const std::string&>();
                if (text == name || !schema["properties"].contains(text))
                    refuse(pointer_below(place + "/properties", name) + "/x-env-unless",
                           quoted(text) + " is no other option beside " + quoted(name));
            }
        }
    }

    static void check_default(const json& schema, const std::string& place) {
        if (!schema.contains("default")) return;
        const auto problems = walk_schema(schema, schema["default"]);
        if (problems.empty()) return;
        refuse(place + "/default" + problems.front().pointer,
               "the default does not fit: expected " + problems.front().expected + ", found " + problems.front().found);
    }
};

}  // namespace

json accepted_schema(const json& schema) {
    if (!schema.is_object()) refuse("", "expected a JSON schema, which is an object");
    json whole = schema;
    if (!whole.contains("type")) whole["type"] = "object";
    if (whole["type"] != "object") refuse("/type", "expected \"object\": a plugin's configuration is a map of options");
    auto taken = Subset().take(whole, "", 1);
    // Only now: dump() recurses, and the depth has been bounded.
    if (taken.dump(-1, ' ', false, json::error_handler_t::replace).size() > ConfigSchema::max_bytes) {
        refuse("", "longer than 64 KiB");
    }
    return taken;
}

}  // namespace berth::inline host_v1
