#include "toolbox.hpp"

#include <array>
#include <cstdlib>

#include "endpoints.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

std::array<long, 3> numbers_of(const std::string& version) {
    std::array<long, 3> numbers{};
    const char* at = version.c_str();
    for (auto& number : numbers) {
        char* end = nullptr;
        number = std::strtol(at, &end, 10);
        at = *end == '.' ? end + 1 : end;
    }
    return numbers;
}

Answer no_daemon() {
    return {502, {}, "", nullptr};
}

}  // namespace

int compare_versions(const std::string& left, const std::string& right) {
    const auto one = numbers_of(left);
    const auto other = numbers_of(right);
    return one < other ? -1 : one == other ? 0 : 1;
}

bool daemon_is_at_least(World& world, const std::string& version) {
    const std::lock_guard lock(world.mutex);
    return compare_versions(world.behaviour.daemon_version, version) >= 0;
}

std::shared_ptr<Sandbox> Toolbox::admitted(const Request& request) const {
    const auto id = request.segments.size() < 2 ? "" : request.segments[1];
    const auto found = world_.sandboxes.find(id);
    auto token = request.header("x-daytona-preview-token");
    if (token.empty()) token = request.asked("DAYTONA_SANDBOX_AUTH_KEY");
    const bool known = found != world_.sandboxes.end();
    const bool has_token = known && !token.empty() && token == found->second->preview_token;
    const bool has_key = request.header("authorization") == "Bearer " + key_;
    // Somebody else's sandbox and none at all look the same.
    if (!known || (!has_key && !has_token)) throw Refusal(401, "", "unauthorized: invalid credentials");
    return found->second;
}

Answer Toolbox::found(const Request& request) {
    if (request.segments.empty() || request.segments.front() != "toolbox") {
        return {404, {{"content-type", "text/plain"}}, "404 page not found", nullptr};
    }
    Call call{world_, request, {}};
    {
        const Lock lock(world_.mutex);
        call.sandbox = admitted(request);
        auto& sandbox = *call.sandbox;
        const bool can_answer = sandbox.machine && (sandbox.state == "started" || sandbox.state == "snapshotting");
        if (!can_answer) throw Refusal(400, "", "no IP address found. Is the Sandbox started?");
        if (sandbox.late_answers > 0) {
            --sandbox.late_answers;
            return no_daemon();
        }
        if (!request.has_header("x-daytona-skip-last-activity-update")) sandbox.last_activity = world_.now();
    }
    call.rest = {request.segments.begin() + 2, request.segments.end()};
    for (const auto endpoints : {execute_endpoint, session_endpoints, file_endpoints, search_endpoints, bulk_endpoints,
                                 information_endpoints}) {
        if (auto answer = endpoints(call)) return std::move(*answer);
    }
    return {404, {{"content-type", "text/plain"}}, "404 page not found", nullptr};
}

Answer Toolbox::error_answer(const Refusal& refusal, const std::string& method, const std::string& path) const {
    if (refusal.more().contains("empty")) return {refusal.status(), {}, "", nullptr};
    // The sandbox stopped under the request: nobody is left to answer.
    if (refusal.code() == "LOST") return no_daemon();
    Json body = refusal.more();
    body.update({{"statusCode", refusal.status()},
                 {"message", refusal.what()},
                 {"timestamp", time_text(clock_.now())},
                 {"path", path},
                 {"method", method}});
    if (!refusal.code().empty()) body["code"] = refusal.code();
    if (!body.contains("source")) {
        body["source"] = refusal.status() == 401 || refusal.status() == 502 ? "DAYTONA_PROXY" : "DAYTONA_DAEMON";
    }
    return json_answer(body, refusal.status());
}

Answer Toolbox::answer(const Request& request) {
    try {
        return found(request);
    } catch (const Refusal& refusal) {
        const auto at = request.path.find('/', 9);
        return error_answer(refusal, request.method, at == std::string::npos ? request.path : request.path.substr(at));
    }
}

Answer Toolbox::refused(const Refusal& refusal) const {
    return error_answer(refusal, "", "");
}

std::string Toolbox::error_line(const std::string& code, const std::string& message) const {
    return code + ": " + message + "\n";
}

}  // namespace standin::daytona
