#include "fields.hpp"

#include <algorithm>
#include <cctype>

namespace standin::daytona {

void bad_request(const std::string& message) {
    throw Refusal(400, "", message);
}

bool is_variable_name(const std::string& name) {
    const auto fits = [](unsigned char letter) { return letter == '_' || (letter < 128 && std::isalnum(letter) != 0); };
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
           std::all_of(name.begin(), name.end(), fits);
}

Fields::Fields(const Request& request) {
    if (request.body.empty()) return;
    body_ = Json::parse(request.body, nullptr, false);
    if (!body_.is_object()) bad_request("the body must be a JSON object");
}

std::optional<std::string> Fields::text(const char* name) const {
    if (!has(name)) return std::nullopt;
    if (!body_[name].is_string()) bad_request(std::string(name) + " must be a string");
    return body_[name].get<std::string>();
}

std::string Fields::needed_text(const char* name) const {
    const auto value = text(name);
    if (!value || value->empty()) bad_request(std::string(name) + " should not be empty");
    return *value;
}

std::optional<std::int64_t> Fields::whole_number(const char* name) const {
    if (!has(name)) return std::nullopt;
    if (!body_[name].is_number_integer()) bad_request(std::string(name) + " must be an integer number");
    return body_[name].get<std::int64_t>();
}

std::optional<bool> Fields::yes_or_no(const char* name) const {
    if (!has(name)) return std::nullopt;
    if (!body_[name].is_boolean()) bad_request(std::string(name) + " must be a boolean value");
    return body_[name].get<bool>();
}

Texts Fields::texts(const char* name) const {
    if (!has(name)) return {};
    Texts result;
    if (!body_[name].is_object()) bad_request(std::string(name) + " must be an object");
    for (const auto& [key, value] : body_[name].items()) {
        if (!value.is_string()) bad_request(std::string(name) + "." + key + " must be a string");
        result[key] = value.get<std::string>();
    }
    return result;
}

std::vector<std::string> Fields::list(const char* name) const {
    if (!has(name)) return {};
    std::vector<std::string> result;
    if (!body_[name].is_array()) bad_request(std::string(name) + " must be an array");
    for (const auto& value : body_[name]) {
        if (!value.is_string()) bad_request("each value in " + std::string(name) + " must be a string");
        result.push_back(value.get<std::string>());
    }
    return result;
}

}  // namespace standin::daytona
