#include "refusals.hpp"

#include "answers.hpp"

namespace berth_daytona {

using berth::Code;
using berth::Error;

namespace {

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

std::optional<Code> code_of(const berth::HttpResponse& response) {
    const std::string said = read_complaint(response.body).message;
    // Reports differ on the number that comes with these.
    if (holds(said, "state change in progress") || holds(said, "modified by another operation")) return Code::conflict;
    if (holds(said, "Is the Sandbox started") || holds(said, "failed to resolve container IP") ||
        holds(said, "container not found"))
        return Code::not_ready;
    if (holds(said, "not in valid state") || holds(said, "not in a stoppable state") ||
        holds(said, "in an errored state"))
        return Code::not_ready;
    if (response.status == 410) return Code::not_ready;
    if (response.status == 402) return Code::resource_exhausted;
    if (response.status < 500 && (holds(said, "quota exceeded") || holds(said, "limit exceeded")))
        return response.status == 429 ? Code::rate_limited : Code::resource_exhausted;
    if (response.status == 422) return Code::unsupported;  // by sandboxes of this class
    return std::nullopt;
}

void complete(const berth::HttpResponse& response, Error& error) {
    if (const std::string code = read_complaint(response.body).code; !code.empty()) error.upstream_code(code);
    if (response.status == 403)
        error.hint(
            "may the key do this? It needs write:sandboxes and delete:sandboxes, for snapshots also "
            "write:snapshots and delete:snapshots");
    else if (error.code() == Code::auth_failed)
        error.hint("is the key right, not expired, and of this organization?");
    const std::string said = read_complaint(response.body).message;
    if (holds(said, "napshot") && holds(said, "inactive"))
        error.hint("Daytona puts snapshots to sleep that nobody used for two weeks: activate it there, and try again");
    if (error.code() == Code::resource_exhausted && response.status < 404)
        error.hint(
            "destroy sandboxes that nobody needs, those in an error state, too, or see the limits of the organization");
}

void must_be_json(std::string_view body) {
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || body[first] == '{' || body[first] == '[' || body[first] == '"') return;
    throw Error(Code::protocol_error, "what answered is not Daytona's API: it sent something that is no JSON")
        .hint("is api_url right, with its /api?");
}

}  // namespace berth_daytona
