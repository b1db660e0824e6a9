// Who may call: the bearer token, the team, the project of the query. Knows no endpoint.
#pragma once

#include "clock.hpp"
#include "message.hpp"

namespace standin::vercel {

struct Credentials {
    std::string token;
    std::string team;
    std::string project;
};

/// Throws Refusal (401, 403) when these credentials do not open the door.
void authorize(const Credentials& credentials, const Request& request, Milliseconds now);

}  // namespace standin::vercel
