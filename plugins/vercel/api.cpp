#include "api.hpp"

#include <set>

#include "cloud/json_text.hpp"

namespace berth_vercel {

namespace {

using berth::ApiRequest;
using berth::Code;
using berth::url_path;

constexpr const char* user_agent = "berth-vercel/0.1.0";
constexpr int attempts = 3;
constexpr berth::Duration longest_rate_wait{20'000};
constexpr berth::Duration no_idle_limit{24LL * 3600 * 1000};  // a command may be silent; who reads asks in between
constexpr berth::Duration slow_work{5LL * 60 * 1000};         // a snapshot of a full disk

std::optional<Code> code_of(const berth::HttpResponse& response) {
    const std::string said = read_complaint(response.body).code;
    switch (response.status) {
        case 402:
            return Code::resource_exhausted;
        case 410:
            return said == "snapshot_not_found" ? Code::snapshot_not_found : Code::not_ready;
        case 415:
            return Code::protocol_error;
        case 422:
            return said == "sandbox_stopping" || said == "sandbox_snapshotting" ? std::optional(Code::conflict)
                                                                                : std::nullopt;
        default:
            return std::nullopt;
    }
}

void complete(const berth::HttpResponse& response, berth::Error& error) {
    if (const std::string said = read_complaint(response.body).code; !said.empty()) error.upstream_code(said);
    if (error.code() == Code::auth_failed)
        error.hint("is the token right, not expired, and meant for this team and project?");
    if (response.status == 402) error.hint("the plan's allotment is used up; see the usage page of the Vercel team");
}

berth::ApiDescription description_of(const Settings& settings) {
    berth::ApiDescription api;
    api.base_url = settings.api_url;
    api.message = [](const berth::HttpResponse& response) { return read_complaint(response.body).message; };
    api.code = code_of;
    api.complete = complete;
    return api;
}

ApiRequest posting(std::string path, const Json& body) {
    ApiRequest request{"POST", std::move(path)};
    request.body = json_text(body);
    return request;
}

// Runs `send` again while Vercel says "too many requests" and asks for no more than some seconds: nothing was done then.
template <class Send>
auto unhurried(berth::Call& call, Send&& send) {
    for (int attempt = 1;; ++attempt) {
        berth::Duration wait{500 * attempt};
        try {
            return send();
        } catch (const berth::Error& error) {
            if (error.code() != Code::rate_limited || attempt == attempts) throw;
            if (error.retry_after()) wait += *error.retry_after();
            if (wait > longest_rate_wait) throw;
        }
        call.wait(wait);
    }
}

void must_be_lines(const berth::OpenAnswer& answer) {
    const auto type = answer.head.headers.find("content-type");
    if (!type || type->substr(0, 20) != "application/x-ndjson")
        throw berth::Error(Code::protocol_error, "Vercel answered a command with something that is no NDJSON stream");
}

}  // namespace

bool says(const berth::Error& error, std::string_view code) {
    return error.upstream_code() && *error.upstream_code() == code;
}

std::string session_path(std::string_view session, std::string_view rest) {
    return url_path({"v2", "sandboxes", "sessions", session}) + std::string{rest};
}

Api::Api(berth::Host host, const Settings& settings)
    : host_(host), settings_(settings), client_(host.http(), description_of(settings)) {}

Credentials Api::credentials(berth::Call& call) const {
    GivenCredentials given;
    for (const char* pointer : {"/token", "/api_key", "/api_token"})
        if (!given.access_token) given.access_token = host_.find_secret(call, pointer);
    given.team = settings_.team;
    given.project = settings_.project;
    if (!given.access_token || !given.team || !given.project) given.oidc_token = host_.find_secret(call, "/oidc_token");
    return choose_credentials(given, berth::now().time_since_epoch().count() / 1000);
}

ApiRequest Api::prepared(berth::Call& call, ApiRequest request, Project project) const {
    const Credentials credentials = this->credentials(call);
    berth::Variables query{{"teamId", credentials.team}};
    if (project == Project::as_project_id) query.set("projectId", credentials.project);
    if (project == Project::as_project) query.set("project", credentials.project);
    for (const berth::Variable& item : request.query)
        query.set(item.name, item.value);
    request.query = std::move(query);
    request.headers.set("authorization", "Bearer " + credentials.token, true);
    if (request.headers.find("content-type") == nullptr) request.headers.set("content-type", "application/json");
    request.headers.set("user-agent", user_agent);
    if (request.method == "POST" && !request.body) request.body = "";
    return request;
}

berth::HttpResponse Api::send(berth::Call& call, ApiRequest request, Project project) const {
    request = prepared(call, std::move(request), project);
    if (request.repeatable) return client_.send(call, request);  // the host waits where it is asked to
    return unhurried(call, [&] { return client_.send(call, request); });
}

berth::OpenAnswer Api::open(berth::Call& call, ApiRequest request) const {
    request = prepared(call, std::move(request), Project::nowhere);
    return unhurried(call, [&] { return client_.open(call, request); });
}

SandboxAnswer Api::create(berth::Call& call, Json body) const {
    const std::string path = body.contains("runtime") ? "/v2/sandboxes" : "/v3/sandboxes";
    body["projectId"] = credentials(call).project;
    ApiRequest request = posting(path, body);
    request.uninterrupted = true;
    request.idle_timeout = slow_work;
    return read_sandbox(send(call, std::move(request)).body);
}

SandboxAnswer Api::get(berth::Call& call, std::string_view name, Resume resume) const {
    ApiRequest request{"GET", url_path({"v2", "sandboxes", name})};
    request.repeatable = true;
    if (resume == Resume::yes) request.query.set("resume", "true");
    return read_sandbox(send(call, std::move(request), Project::as_project_id).body);
}

std::vector<Sandbox> Api::list(berth::Call& call, const std::string& tag, const std::string& value) const {
    std::vector<Sandbox> all;
    std::set<std::string> cursors;
    for (std::optional<std::string> cursor = std::string{}; cursor;) {
        ApiRequest request{"GET", "/v2/sandboxes"};
        request.repeatable = true;
        request.query = {{"limit", "50"}, {"sortBy", "createdAt"}, {"sortOrder", "asc"}, {"tags", tag + ":" + value}};
        if (!cursor->empty()) request.query.set("cursor", *cursor);
        SandboxPage page = read_sandboxes(send(call, std::move(request), Project::as_project).body);
        std::move(page.sandboxes.begin(), page.sandboxes.end(), std::back_inserter(all));
        cursor = page.next;
        if (cursor && (!cursors.insert(*cursor).second || cursors.size() >= most_pages))
            throw berth::Error(Code::protocol_error, "Vercel's list of sandboxes has no end");
    }
    return all;
}

void Api::update(berth::Call& call, std::string_view name, const Json& body) const {
    ApiRequest request{"PATCH", url_path({"v2", "sandboxes", name})};
    request.body = json_text(body);
    request.repeatable = true;  // it sets, it adds nothing
    (void)send(call, std::move(request), Project::as_project_id);
}

void Api::remove(berth::Call& call, std::string_view name) const {
    ApiRequest request{"DELETE", url_path({"v2", "sandboxes", name})};
    request.repeatable = true;
    (void)send(call, std::move(request), Project::as_project_id);
}

Session Api::session(berth::Call& call, std::string_view session) const {
    ApiRequest request{"GET", session_path(session)};
    request.repeatable = true;
    return read_session(send(call, std::move(request)).body);
}

void Api::stop(berth::Call& call, std::string_view session) const {
    ApiRequest request{"POST", session_path(session, "/stop")};
    request.repeatable = true;  // stopping twice is stopping
    request.idle_timeout = slow_work;
    try {
        (void)send(call, std::move(request));
    } catch (const berth::Error& error) {
        const bool over =
            error.code() == Code::not_found || error.code() == Code::conflict || error.code() == Code::not_ready;
        if (!over) throw;
    }
}

berth::LineReader Api::run(berth::Call& call, std::string_view session, const Json& body) const {
    ApiRequest request = posting(session_path(session, "/cmd"), body);
    request.uninterrupted = true;
    request.idle_timeout = no_idle_limit;
    request.headers.set("accept-encoding", "identity");
    berth::OpenAnswer answer = open(call, std::move(request));
    must_be_lines(answer);
    return berth::LineReader{std::move(answer.exchange)};
}

void Api::start(berth::Call& call, std::string_view session, const Json& body) const {
    ApiRequest request = posting(session_path(session, "/cmd"), body);
    request.uninterrupted = true;
    (void)read_command(send(call, std::move(request)).body);
}

Command Api::command(berth::Call& call, std::string_view session, std::string_view command) const {
    ApiRequest request{"GET", session_path(session, url_path({"cmd", command}))};
    request.repeatable = true;
    return read_command(send(call, std::move(request)).body);
}

berth::LineReader Api::logs(berth::Call& call, std::string_view session, std::string_view command) const {
    ApiRequest request{"GET", session_path(session, url_path({"cmd", command, "logs"}))};
    request.repeatable = true;
    request.idle_timeout = no_idle_limit;
    request.headers.set("accept-encoding", "identity");
    berth::OpenAnswer answer = open(call, std::move(request));
    must_be_lines(answer);
    return berth::LineReader{std::move(answer.exchange)};
}

void Api::kill(berth::Call& call, std::string_view session, std::string_view command, int signal) const {
    (void)send(call, posting(session_path(session, url_path({"cmd", command, "kill"})), {{"signal", signal}}));
}

Api::Sending Api::begin_archive(berth::Call& call, std::string_view session, std::string archive) const {
    ApiRequest request{"POST", session_path(session, "/fs/write")};
    request.headers = {{"content-type", "application/gzip"}, {"x-cwd", "/"}};
    request.body = std::move(archive);
    request.repeatable = true;  // the same files at the same places
    request = prepared(call, std::move(request), Project::nowhere);
    berth::Exchange exchange = client_.begin(call, request);
    return {std::move(request), std::move(exchange)};
}

void Api::finish(Sending sending) const {
    berth::Exchange answer = client_.answer_of(std::move(sending.exchange), sending.request).exchange;
    char rest[512];
    while (answer.read(rest, sizeof rest) != 0) {
    }
}

berth::OpenAnswer Api::read_file(berth::Call& call, std::string_view session, const std::string& path) const {
    ApiRequest request = posting(session_path(session, "/fs/read"), {{"path", path}});
    request.repeatable = true;
    berth::OpenAnswer answer = open(call, std::move(request));
    const auto type = answer.head.headers.find("content-type");
    if (!type || type->substr(0, 24) != "application/octet-stream")
        throw berth::Error(Code::protocol_error, "Vercel answered with something that is no file's content").path(path);
    return answer;
}

Snapshot Api::take_snapshot(berth::Call& call, std::string_view session, std::int64_t expiration_ms) const {
    ApiRequest request = posting(session_path(session, "/snapshot"), {{"expiration", expiration_ms}});
    request.uninterrupted = true;
    request.idle_timeout = slow_work;
    return read_snapshot(send(call, std::move(request)).body);
}

Snapshot Api::snapshot(berth::Call& call, std::string_view id) const {
    ApiRequest request{"GET", url_path({"v2", "sandboxes", "snapshots", id})};
    request.repeatable = true;
    return read_snapshot(send(call, std::move(request)).body);
}

std::vector<Snapshot> Api::snapshots(berth::Call& call, std::string_view name) const {
    std::vector<Snapshot> all;
    std::set<std::string> cursors;
    for (std::optional<std::string> cursor = std::string{}; cursor;) {
        ApiRequest request{"GET", "/v2/sandboxes/snapshots"};
        request.repeatable = true;
        if (!name.empty()) request.query.set("name", name);
        if (!cursor->empty()) request.query.set("cursor", *cursor);
        SnapshotPage page = read_snapshots(send(call, std::move(request), Project::as_project).body);
        std::move(page.snapshots.begin(), page.snapshots.end(), std::back_inserter(all));
        cursor = page.next;
        if (cursor && (!cursors.insert(*cursor).second || cursors.size() >= most_pages))
            throw berth::Error(Code::protocol_error, "Vercel's list of snapshots has no end");
    }
    return all;
}

void Api::remove_snapshot(berth::Call& call, std::string_view id) const {
    ApiRequest request{"DELETE", url_path({"v2", "sandboxes", "snapshots", id})};
    request.repeatable = true;
    (void)send(call, std::move(request));
}

}  // namespace berth_vercel
