// The endpoints by group, each from a request to an answer; they throw Refusal. `path` is what follows the version.
#pragma once

#include "world.hpp"

namespace standin::vercel {

/// What every endpoint gets.
struct Call {
    World& world;
    const Request& request;
    /// Of the path after "/v2/sandboxes".
    std::vector<std::string> rest;
    int version = 2;
    /// The project of this stand-in, for those who name another.
    std::string project;

    /// "POST" and the shape: names in it are written "*".
    [[nodiscard]] bool is(std::string_view method, std::initializer_list<std::string_view> shape) const;
};

/// Each gives nothing for what is none of its endpoints.
[[nodiscard]] std::optional<Answer> sandbox_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> session_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> command_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> file_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> snapshot_endpoints(const Call& call);

}  // namespace standin::vercel
