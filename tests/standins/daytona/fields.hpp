// A JSON body as an endpoint reads it: members with their types, anything else refused with 400.
#pragma once

#include <optional>

#include "model.hpp"

namespace standin::daytona {

class Fields {
public:
    /// An empty body has no members.
    explicit Fields(const Request& request);
    /// Of a body that was read already.
    explicit Fields(Json body) : body_(std::move(body)) {}

    [[nodiscard]] bool has(const char* name) const { return body_.contains(name) && !body_[name].is_null(); }
    [[nodiscard]] std::optional<std::string> text(const char* name) const;
    [[nodiscard]] std::string needed_text(const char* name) const;
    [[nodiscard]] std::optional<std::int64_t> whole_number(const char* name) const;
    [[nodiscard]] std::optional<bool> yes_or_no(const char* name) const;
    [[nodiscard]] Texts texts(const char* name) const;
    [[nodiscard]] std::vector<std::string> list(const char* name) const;
    [[nodiscard]] const Json& json() const { return body_; }

private:
    Json body_ = Json::object();
};

[[noreturn]] void bad_request(const std::string& message);

/// What variables may be called.
[[nodiscard]] bool is_variable_name(const std::string& name);

}  // namespace standin::daytona
