#include "credentials.hpp"

#include <berth/error.hpp>

#include "cloud/json_fields.hpp"
#include "cloud/text.hpp"

namespace berth_vercel {

using namespace berth_cloud;

namespace {

constexpr const char* advice =
    "give token, team_id and project_id (or VERCEL_TOKEN, VERCEL_TEAM_ID and VERCEL_PROJECT_ID), or oidc_token (or "
    "VERCEL_OIDC_TOKEN)";

[[noreturn]] void fail(const std::string& message) {
    throw berth::Error(berth::Code::auth_failed, message).hint(advice).outcome(berth::Outcome::none);
}

Credentials by_claims(const std::string& token, const OidcClaims& claims, std::int64_t now_seconds) {
    if (claims.expires_at && *claims.expires_at <= now_seconds)
        throw berth::Error(berth::Code::auth_failed, "the OIDC token has expired")
            .hint("get a new one, such as by `vercel env pull`; they live 12 hours")
            .outcome(berth::Outcome::none);
    return {token, claims.team, claims.project};
}

}  // namespace

std::optional<OidcClaims> read_oidc_token(std::string_view token) {
    const std::size_t first = token.find('.');
    const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
    std::string middle{token.substr(first + 1, second - first - 1)};
    for (char& c : middle)
        c = c == '-' ? '+' : c == '_' ? '/' : c;
    while (middle.size() % 4 != 0)
        middle += '=';
    std::string text;
    Base64Decoder decoder;
    if (!decoder.take(middle, text) || !decoder.is_complete()) return std::nullopt;
    const Json claims = parse_json(text);
    const auto team = text_in(claims, "owner_id");
    const auto project = text_in(claims, "project_id");
    if (!team || !project) return std::nullopt;
    return OidcClaims{*team, *project, integer_in(claims, "exp")};
}

Credentials choose_credentials(const GivenCredentials& given, std::int64_t now_seconds) {
    if (given.access_token) {
        if (const auto claims = read_oidc_token(*given.access_token)) {
            Credentials by = by_claims(*given.access_token, *claims, now_seconds);
            if (given.project) by.project = *given.project;
            return by;
        }
        if (given.team && given.project) return {*given.access_token, *given.team, *given.project};
    }
    if (given.oidc_token) {
        const auto claims = read_oidc_token(*given.oidc_token);
        if (!claims) fail("oidc_token is no token of Vercel's OIDC: it names no team and project");
        Credentials by = by_claims(*given.oidc_token, *claims, now_seconds);
        if (given.project) by.project = *given.project;
        return by;
    }
    if (!given.access_token) fail("no token for Vercel is configured");
    fail(std::string("beside the token ") +
         (given.team      ? "project_id"
          : given.project ? "team_id"
                          : "team_id and project_id") +
         " must be configured");
}

}  // namespace berth_vercel
