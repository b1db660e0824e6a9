// Which token, team and project a request goes out with. Pure; the values come from the host at each use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth_vercel {

struct GivenCredentials {
    std::optional<std::string> access_token;
    std::optional<std::string> oidc_token;
    std::optional<std::string> team;
    std::optional<std::string> project;
};

struct Credentials {
    std::string token;
    std::string team;
    std::string project;
};

// What an OIDC token says of itself; absent when it is none. Its signature is Vercel's business.
struct OidcClaims {
    std::string team;
    std::string project;
    std::optional<std::int64_t> expires_at;  // seconds
};
[[nodiscard]] std::optional<OidcClaims> read_oidc_token(std::string_view token);

// An access token with team and project, else an OIDC token. Throws berth::Error (auth_failed) that names what is
// missing or over, never a value.
[[nodiscard]] Credentials choose_credentials(const GivenCredentials& given, std::int64_t now_seconds);

}  // namespace berth_vercel
