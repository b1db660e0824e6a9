#include "validation.hpp"

#include <algorithm>
#include <cctype>
#include <limits>

namespace standin::vercel {

namespace {

constexpr std::size_t most_variables = 4096;

/// What is answered of a domain's rules: names of headers, never their values.
void add_injections(Json& into, const std::string& domain, const Json& rules) {
    for (const auto& rule : rules) {
        if (!rule.contains("transform")) continue;
        Json answered{{"domain", domain}, {"headerNames", Json::array()}};
        if (rule.contains("match")) answered["match"] = rule["match"];
        for (const auto& transform : rule["transform"]) {
            const auto headers = transform.value("headers", Json::object());
            for (const auto& [name, value] : headers.items()) {
                answered["headerNames"].push_back(name);
            }
        }
        into.push_back(std::move(answered));
    }
}

[[noreturn]] void wrong_type(const char* name, const char* type) {
    bad_request(std::string("Invalid request: `") + name + "` should be " + type + ".");
}

}  // namespace

void bad_request(const std::string& message) {
    throw Refusal(400, "bad_request", message);
}

Body::Body(const Request& request) : json_(Json::object()) {
    if (request.body.empty()) return;
    json_ = Json::parse(request.body, nullptr, false);
    if (json_.is_discarded()) bad_request("Invalid JSON.");
    if (!json_.is_object()) bad_request("Invalid request: the body should be object.");
}

void Body::only(std::initializer_list<const char*> names) const {
    for (const auto& [name, value] : json_.items()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            bad_request("Invalid request: should NOT have additional property `" + name + "`.");
        }
    }
}

std::optional<std::string> Body::text(const char* name) const {
    if (!has(name)) return std::nullopt;
    if (!json_[name].is_string()) wrong_type(name, "string");
    return json_[name].get<std::string>();
}

std::string Body::needed_text(const char* name) const {
    const auto value = text(name);
    if (!value) bad_request(std::string("Invalid request: missing required property `") + name + "`.");
    if (value->empty()) bad_request(std::string("Invalid request: `") + name + "` should NOT be empty.");
    return *value;
}

std::optional<bool> Body::yes_or_no(const char* name) const {
    if (!has(name)) return std::nullopt;
    if (!json_[name].is_boolean()) wrong_type(name, "boolean");
    return json_[name].get<bool>();
}

std::optional<std::int64_t> Body::number(const char* name, std::int64_t least, std::int64_t most) const {
    if (!has(name)) return std::nullopt;
    if (!json_[name].is_number_integer()) wrong_type(name, "integer");
    const auto value = json_[name].get<std::int64_t>();
    if (value < least)
        bad_request(std::string("Invalid request: `") + name + "` should be >= " + std::to_string(least) + ".");
    if (value > most)
        bad_request(std::string("Invalid request: `") + name + "` should be <= " + std::to_string(most) + ".");
    return value;
}

std::optional<std::vector<std::string>> Body::texts(const char* name) const {
    if (!has(name)) return std::nullopt;
    const auto& list = json_[name];
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), [](const Json& each) { return each.is_string(); })) {
        wrong_type(name, "array of strings");
    }
    return list.get<std::vector<std::string>>();
}

std::optional<Texts> Body::text_map(const char* name) const {
    if (!has(name)) return std::nullopt;
    const auto& map = json_[name];
    if (!map.is_object() || !std::all_of(map.begin(), map.end(), [](const Json& each) { return each.is_string(); })) {
        wrong_type(name, "object with strings");
    }
    return map.get<Texts>();
}

Json valid_resources(const Json& wish) {
    if (!wish.is_object()) wrong_type("resources", "object");
    for (const auto* name : {"vcpus", "memory"}) {
        if (wish.contains(name) && !wish[name].is_number_integer()) wrong_type(name, "integer");
    }
    const auto vcpus = wish.contains("vcpus") ? wish["vcpus"].get<std::int64_t>() : wish.value("memory", 4096) / 2048;
    if (vcpus < 1 || vcpus > 32 || (vcpus > 1 && vcpus % 2 != 0)) {
        bad_request("Invalid request: `resources.vcpus` should be 1 or an even number up to 32.");
    }
    if (wish.contains("memory") && wish["memory"] != vcpus * 2048) {
        bad_request("Invalid request: `resources.memory` should be `resources.vcpus` * 2048.");
    }
    return {{"vcpus", vcpus}, {"memory", vcpus * 2048}};
}

std::vector<int> valid_ports(const Json& wish) {
    if (!wish.is_array()) wrong_type("ports", "array");
    if (wish.size() > 15) bad_request("Invalid request: `ports` should NOT have more than 15 items.");
    std::vector<int> ports;
    for (const auto& each : wish) {
        if (!each.is_number_integer() || each < 1024 || each > 65535) {
            bad_request("Invalid request: `ports` should have integers from 1024 to 65535.");
        }
        ports.push_back(each.get<int>());
    }
    return ports;
}

Texts valid_tags(const Body& body) {
    const auto tags = body.text_map("tags").value_or(Texts());
    if (tags.size() > 5) bad_request("Invalid request: `tags` should NOT have more than 5 properties.");
    for (const auto& [name, value] : tags) {
        if (name.empty()) bad_request("Invalid request: `tags` should NOT have an empty name.");
        if (value.size() > 256)
            bad_request("Invalid request: `tags." + name + "` should NOT be longer than 256 characters.");
    }
    return tags;
}

Texts valid_variables(const Body& body) {
    const auto variables = body.text_map("env").value_or(Texts());
    std::size_t size = 0;
    for (const auto& [name, value] : variables) {
        size += name.size() + value.size();
    }
    if (size > most_variables) bad_request("env payload too large (" + std::to_string(size) + " bytes; max 4096)");
    return variables;
}

Json valid_keep_last(const Json& wish) {
    if (wish.is_null()) return nullptr;
    if (!wish.is_object() || !wish.contains("count") || !wish["count"].is_number_integer()) {
        wrong_type("keepLastSnapshots", "object with an integer `count`");
    }
    if (wish["count"] < 1 || wish["count"] > 10)
        bad_request("Invalid request: `keepLastSnapshots.count` should be 1 to 10.");
    return wish;
}

void check_name(const std::string& name) {
    const bool fits =
        !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](unsigned char letter) {
            return std::isalnum(letter) != 0 || letter == '_' || letter == '-';
        });
    if (!fits) bad_request("Invalid request: `name` should be 1 to 128 characters of A-Z, a-z, 0-9, _ and -.");
}

Json answered_policy(const Json& wish) {
    if (!wish.is_object()) wrong_type("networkPolicy", "object");
    if (wish.contains("mode")) {
        if (wish["mode"] != "allow-all" && wish["mode"] != "deny-all")
            bad_request("Invalid request: `mode` is unknown.");
        return {{"mode", wish["mode"]}};
    }
    Json policy{{"mode", "custom"}};
    const auto allow = wish.value("allow", Json::array());
    if (allow.is_array()) policy["allowedDomains"] = allow;
    if (allow.is_object()) {
        policy["allowedDomains"] = Json::array();
        policy["injectionRules"] = Json::array();
        for (const auto& [domain, rules] : allow.items()) {
            policy["allowedDomains"].push_back(domain);
            add_injections(policy["injectionRules"], domain, rules);
        }
    }
    const auto subnets = wish.value("subnets", Json::object());
    if (subnets.contains("allow")) policy["allowedCIDRs"] = subnets["allow"];
    if (subnets.contains("deny")) policy["deniedCIDRs"] = subnets["deny"];
    return policy;
}

}  // namespace standin::vercel
