#include "vercel_service.hpp"
#include "at_once.hpp"

#include <algorithm>

#include "endpoints.hpp"
#include "vercel_control.hpp"

namespace standin::vercel {

namespace {

constexpr Milliseconds minute = 60000;

/// The path's segments after "/api", which one of Vercel's two hosts has.
std::vector<std::string> path_of(const Request& request) {
    auto segments = request.segments;
    if (!segments.empty() && segments.front() == "api") segments.erase(segments.begin());
    return segments;
}

bool changes_something(const std::string& method) {
    return method == "POST" || method == "PATCH" || method == "PUT";
}

}  // namespace

bool Call::is(std::string_view method, std::initializer_list<std::string_view> shape) const {
    if (request.method != method || rest.size() != shape.size()) return false;
    return std::equal(rest.begin(), rest.end(), shape.begin(),
                      [](const auto& segment, auto wanted) { return wanted == "*" || segment == wanted; });
}

void VercelService::count_against_limit() {
    const std::lock_guard lock(world_.mutex);
    const auto limit = world_.behaviour.requests_per_minute;
    if (limit == 0) return;
    const auto now = clock_.now();
    while (!recent_.empty() && recent_.front() <= now - minute) {
        recent_.pop_front();
    }
    if (recent_.size() >= static_cast<std::size_t>(limit)) {
        const auto reset = recent_.front() + minute;
        throw Refusal(429, "rate_limited", "Too many requests.",
                      {{"limit", {{"total", limit}, {"remaining", 0}, {"reset", reset / 1000}, {"resetMs", reset}}}});
    }
    recent_.push_back(now);
}

void VercelService::admit(const Request& request) {
    count_against_limit();
    authorize(credentials_, request, clock_.now());
    if (changes_something(request.method) && !request.has_header("content-type")) {
        throw Refusal(415, "unsupported_media_type", "The request needs a content-type.");
    }
}

Answer VercelService::answer(const Request& request) {
    admit(request);
    const auto path = path_of(request);
    const bool known = path.size() >= 2 && (path[0] == "v2" || path[0] == "v3") && path[1] == "sandboxes";
    // Of v3 there is only what SDK 3.5.0 uses of it: create.
    if (known && (path[0] == "v2" || path.size() == 2)) {
        const Call call{world_, request, {path.begin() + 2, path.end()}, path[0] == "v3" ? 3 : 2, credentials_.project};
        for (const auto endpoints : {at_once_endpoints, session_endpoints, command_endpoints, file_endpoints,
                                     snapshot_endpoints, sandbox_endpoints}) {
            if (auto answer = endpoints(call)) return std::move(*answer);
        }
    }
    throw Refusal(404, "not_found", "There is no " + request.method + " " + request.path + ".");
}

Answer VercelService::refused(const Refusal& refusal) const {
    Json error = refusal.more();
    error["code"] = refusal.code();
    error["message"] = refusal.what();
    auto answer = json_answer({{"error", error}}, refusal.status());
    if (refusal.more().contains("limit")) {
        const auto left = refusal.more()["limit"]["resetMs"].get<Milliseconds>() - clock_.now();
        answer.headers.emplace_back("retry-after", std::to_string(std::max<Milliseconds>(1, (left + 999) / 1000)));
    }
    return answer;
}

void VercelService::stop_under(const Request& request) {
    const auto path = path_of(request);
    if (path.size() < 4 || path[2] != "sessions") return;
    Lock lock(world_.mutex);
    const auto found = world_.sessions.find(path[3]);
    if (found == world_.sessions.end() || found->second->status != Status::running) return;
    const auto session = found->second;
    world_.begin_end(*session, Ending::stop);
    world_.finish(lock, session, Ending::stop);
}

std::string VercelService::error_line(const std::string& code, const std::string& message) const {
    return text_of({{"stream", "error"}, {"data", {{"code", code}, {"message", message}}}}) + "\n";
}

Answer VercelService::control(const Request& request) {
    return vercel_control(world_, clock_, request);
}

}  // namespace standin::vercel
