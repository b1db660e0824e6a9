// The endpoints of both servers by group, each from a request to an answer; they throw Refusal.
#pragma once

#include "world.hpp"

namespace standin::daytona {

/// What every endpoint gets.
struct Call {
    World& world;
    const Request& request;
    /// Of the path after "/api" or after "/toolbox/{id}".
    std::vector<std::string> rest;
    /// The toolbox's sandbox.
    std::shared_ptr<Sandbox> sandbox = nullptr;

    /// "POST" and the shape: names in it are written "*".
    [[nodiscard]] bool is(std::string_view method, std::initializer_list<std::string_view> shape) const;
};

using Endpoints = std::optional<Answer> (*)(const Call&);

// Of the control plane. Each gives nothing for what is none of its endpoints.
[[nodiscard]] std::optional<Answer> create_endpoint(const Call& call);
[[nodiscard]] std::optional<Answer> list_endpoint(const Call& call);
[[nodiscard]] std::optional<Answer> sandbox_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> setting_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> snapshot_endpoints(const Call& call);

// Of the toolbox.
[[nodiscard]] std::optional<Answer> execute_endpoint(const Call& call);
[[nodiscard]] std::optional<Answer> session_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> file_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> search_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> bulk_endpoints(const Call& call);
[[nodiscard]] std::optional<Answer> information_endpoints(const Call& call);

}  // namespace standin::daytona
