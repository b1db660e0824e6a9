#include "authorization.hpp"

#include "base64.hpp"

namespace standin::vercel {

namespace {

/// The claims of a token that is a JWT, or null. The signature is nobody's business here.
Json claims_of(const std::string& token) {
    const auto first = token.find('.');
    const auto second = first == std::string::npos ? first : token.find('.', first + 1);
    if (second == std::string::npos || token.find('.', second + 1) != std::string::npos) return nullptr;
    const auto bytes = from_base64(token.substr(first + 1, second - first - 1));
    const auto claims = Json::parse(bytes.value_or(""), nullptr, false);
    return claims.is_object() ? claims : Json();
}

void check_expiry(const Json& claims, Milliseconds now) {
    if (!claims.is_object() || !claims.contains("exp")) return;
    if (claims["exp"].get<std::int64_t>() * 1000 <= now) {
        throw Refusal(403, "forbidden", "Not authorized: the token has expired.", {{"invalidToken", true}});
    }
}

}  // namespace

void authorize(const Credentials& credentials, const Request& request, Milliseconds now) {
    const auto header = request.header("authorization");
    if (header.rfind("Bearer ", 0) != 0) {
        throw Refusal(401, "forbidden", "The request is missing an authentication token.", {{"missingToken", true}});
    }
    if (header.substr(7) != credentials.token) {
        throw Refusal(403, "forbidden", "Not authorized.", {{"invalidToken", true}});
    }
    check_expiry(claims_of(credentials.token), now);
    if (request.asked("teamId", request.asked("slug")) != credentials.team) {
        throw Refusal(403, "forbidden", "Not authorized: `teamId` is not a team of this token.");
    }
    for (const auto* name : {"projectId", "project"}) {
        if (request.query.contains(name) && request.asked(name) != credentials.project) {
            throw Refusal(403, "forbidden",
                          std::string("Not authorized: `") + name + "` is not a project of this team.");
        }
    }
}

}  // namespace standin::vercel
