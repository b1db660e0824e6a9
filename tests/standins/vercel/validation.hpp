// Bodies read member by member; what is wrong is refused with the member's name. Knows the rules of members, no endpoint.
#pragma once

#include <optional>

#include "model.hpp"

namespace standin::vercel {

[[noreturn]] void bad_request(const std::string& message);

/// A JSON object from a request.
class Body {
public:
    /// An empty body is an empty object.
    explicit Body(const Request& request);

    [[nodiscard]] bool has(const char* name) const { return json_.contains(name); }
    [[nodiscard]] bool is_null(const char* name) const { return has(name) && json_.at(name).is_null(); }
    [[nodiscard]] const Json& operator[](const char* name) const { return json_.at(name); }
    /// Refuses members that are not among these.
    void only(std::initializer_list<const char*> names) const;

    [[nodiscard]] std::optional<std::string> text(const char* name) const;
    [[nodiscard]] std::string needed_text(const char* name) const;
    [[nodiscard]] std::optional<bool> yes_or_no(const char* name) const;
    [[nodiscard]] std::optional<std::int64_t> number(const char* name, std::int64_t least, std::int64_t most) const;
    [[nodiscard]] std::optional<std::vector<std::string>> texts(const char* name) const;
    [[nodiscard]] std::optional<Texts> text_map(const char* name) const;

private:
    Json json_;
};

/// Members of create and update, as they are kept.
[[nodiscard]] Json valid_resources(const Json& wish);
[[nodiscard]] std::vector<int> valid_ports(const Json& wish);
[[nodiscard]] Texts valid_tags(const Body& body);
[[nodiscard]] Texts valid_variables(const Body& body);
[[nodiscard]] Json valid_keep_last(const Json& wish);
void check_name(const std::string& name);
/// From the request's form to the answer's.
[[nodiscard]] Json answered_policy(const Json& wish);

}  // namespace standin::vercel
