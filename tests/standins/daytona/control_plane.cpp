#include "control_plane.hpp"

#include <algorithm>

#include "daytona_control.hpp"
#include "endpoints.hpp"
#include "reason.hpp"
#include "shapes.hpp"

namespace standin::daytona {

namespace {

Answer error_answer(const Refusal& refusal, const std::string& path, Milliseconds now) {
    Json body = refusal.more();
    body.update({{"path", path},
                 {"timestamp", time_text(now)},
                 {"statusCode", refusal.status()},
                 {"error", reason(refusal.status())},
                 {"message", refusal.what()}});
    if (!refusal.code().empty()) body["code"] = refusal.code();
    return json_answer(body, refusal.status());
}

}  // namespace

bool Call::is(std::string_view method, std::initializer_list<std::string_view> shape) const {
    if (request.method != method || rest.size() != shape.size()) return false;
    return std::equal(rest.begin(), rest.end(), shape.begin(),
                      [](const auto& segment, auto wanted) { return wanted == "*" || segment == wanted; });
}

Answer dashboard() {
    return {200,
            {{"content-type", "text/html; charset=utf-8"}},
            "<!doctype html><html><head><title>Daytona</title></head><body></body></html>\n",
            nullptr};
}

Answer ControlPlane::found(const Request& request) {
    const auto& path = request.segments;
    const bool is_api = !path.empty() && path.front() == "api";
    if (!is_api && request.method == "GET") return dashboard();
    const Call call{world_, request, {path.begin() + (is_api ? 1 : 0), path.end()}};
    if (call.is("GET", {"health"})) return json_answer({{"status", "ok"}});
    if (request.header("authorization") != "Bearer " + key_) throw Refusal(401, "", "Invalid credentials");
    if (is_api) {
        for (const auto endpoints :
             {create_endpoint, list_endpoint, sandbox_endpoints, setting_endpoints, snapshot_endpoints}) {
            if (auto answer = endpoints(call)) return std::move(*answer);
        }
    }
    throw Refusal(404, "", "Cannot " + request.method + " " + request.path);
}

Answer ControlPlane::answer(const Request& request) {
    try {
        return found(request);
    } catch (const Refusal& refusal) {
        return error_answer(refusal, request.path, clock_.now());
    }
}

Answer ControlPlane::refused(const Refusal& refusal) const {
    return error_answer(refusal, "", clock_.now());
}

void ControlPlane::stop_under(const Request& request) {
    Lock lock(world_.mutex);
    for (const auto& segment : request.segments) {
        const auto found = world_.sandboxes.find(segment);
        if (found == world_.sandboxes.end()) continue;
        const auto sandbox = found->second;
        world_.shut_down(lock, sandbox);
        world_.go(*sandbox, {"stopped"}, "stopped");
        return;
    }
}

std::string ControlPlane::error_line(const std::string& code, const std::string& message) const {
    return code + ": " + message + "\n";
}

Answer ControlPlane::control(const Request& request) {
    return daytona_control(world_, clock_, request);
}

}  // namespace standin::daytona
