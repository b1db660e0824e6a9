#include "api.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "cloud/json_text.hpp"
#include "cloud/text.hpp"
#include "refusals.hpp"

namespace berth_daytona {

namespace {

using berth::ApiRequest;
using berth::Code;
using berth::Error;
using berth::url_path;

// The level of the SDK whose answers are read here: the daemon chooses their form by it.
constexpr const char* sdk_level = "0.218.0";
// The newest to which a log is sent as it is, with labels: text may be read as it comes, JSON only as a whole.
constexpr const char* labelled_log_level = "0.166.0";
constexpr const char* source = "berth-daytona";
constexpr const char* user_agent = "berth-daytona/0.1.0";
constexpr berth::Duration slow_work{5LL * 60 * 1000};  // create and start hold their answers back

std::string session_path(const std::string& session) {
    return url_path({"process", "session", session});
}

std::string command_path(const std::string& session, const std::string& command, std::string_view rest = {}) {
    return url_path({"process", "session", session, "command", command}) + std::string{rest};
}

ApiRequest posting(std::string path, const Json& body) {
    ApiRequest request{"POST", std::move(path)};
    request.body = json_text(body);
    return request;
}

ApiRequest getting(std::string path) {
    ApiRequest request{"GET", std::move(path)};
    request.repeatable = true;
    return request;
}

/// It looks at a sandbox and is no use of it.
ApiRequest looking(std::string path) {
    ApiRequest request = getting(std::move(path));
    request.headers.set("x-daytona-skip-last-activity-update", "true");
    return request;
}

}  // namespace

void FileForm::add(const std::string& path, std::string_view content) {
    if (boundary.empty()) boundary = "berth-" + random_token();
    const std::string name = "files[" + std::to_string(count++) + "]";
    // All at once: growing step by step, a megabyte would lie here twice and be copied again.
    constexpr std::size_t around = 512;
    const std::size_t needed = body.size() + content.size() + path.size() + 3 * boundary.size() + around;
    if (needed > body.capacity()) body.reserve(std::max(needed, 2 * body.size()));
    body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + ".path\"\r\n\r\n" + path +
            "\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name +
            ".file\"; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    body.append(content);
    body += "\r\n";
}

std::string FileForm::finish() {
    body += "--" + boundary + "--\r\n";
    return std::move(body);
}

Api::Api(berth::Host host, const Settings& settings) : host_(host), settings_(settings) {}

berth::Variables Api::identity(berth::Call& call) const {
    auto key = host_.find_secret(call, "/api_key");
    auto jwt = key ? std::nullopt : host_.find_secret(call, "/jwt_token");
    if (!key && !jwt)
        throw Error(Code::auth_failed, "no key for Daytona is configured")
            .hint("give api_key (or DAYTONA_API_KEY), or jwt_token with organization_id")
            .outcome(berth::Outcome::none);
    if (jwt && !settings_.organization)
        throw Error(Code::auth_failed, "a JWT says nothing about the organization")
            .hint("give organization_id (or DAYTONA_ORGANIZATION_ID) beside jwt_token")
            .outcome(berth::Outcome::none);
    berth::Variables headers{{"user-agent", user_agent}, {"accept", "application/json"}};
    headers.set("authorization", "Bearer " + (key ? *key : *jwt), true);
    if (jwt) headers.set("x-daytona-organization-id", *settings_.organization);
    headers.set("x-daytona-source", source);
    headers.set("x-daytona-sdk-version", sdk_level);
    return headers;
}

berth::ApiClient Api::client(const std::string& base) const {
    berth::ApiDescription api;
    api.base_url = base;
    api.prepare = [this](berth::Call& call, ApiRequest& request) {
        berth::Variables headers = identity(call);
        for (const berth::Variable& item : request.headers)
            headers.set(item.name, item.value, item.secret);
        request.headers = std::move(headers);
    };
    api.message = [](const berth::HttpResponse& response) { return read_complaint(response.body).message; };
    api.code = code_of;
    api.complete = complete;
    for (const char* counter : {"sandbox-create", "sandbox-lifecycle", "authenticated"})
        api.retry_after_headers.set("Retry-After-" + std::string{counter}, "seconds");
    return {host_.http(), std::move(api)};
}

berth::HttpResponse Api::send(berth::Call& call, const std::string& base, ApiRequest request) const {
    berth::HttpResponse response = client(base).send(call, std::move(request));
    must_be_json(response.body);
    return response;
}

// --- control plane ---------------------------------------------------------------------------------------------------

Sandbox Api::create(berth::Call& call, const Json& body) const {
    ApiRequest request = posting("/sandbox", body);
    request.uninterrupted = true;
    request.idle_timeout = slow_work;
    return read_sandbox(send(call, settings_.api_url, std::move(request)).body);
}

Sandbox Api::get(berth::Call& call, std::string_view sandbox) const {
    return read_sandbox(send(call, settings_.api_url, getting(url_path({"sandbox", sandbox}))).body);
}

std::vector<Sandbox> Api::list(berth::Call& call, const Json& labels) const {
    std::vector<Sandbox> all;
    std::set<std::string> seen;
    std::set<std::string> cursors;
    std::optional<std::string> cursor;
    do {
        ApiRequest request = getting("/sandbox");
        request.query = {{"limit", "100"}, {"labels", labels.dump()}, {"sort", "createdAt"}, {"order", "asc"}};
        if (cursor) request.query.set("cursor", *cursor);
        Page part = read_page(send(call, settings_.api_url, std::move(request)).body);
        for (Sandbox& sandbox : part.items)
            if (seen.insert(sandbox.id).second) all.push_back(std::move(sandbox));
        cursor = std::move(part.next);
        if (cursor && (!cursors.insert(*cursor).second || cursors.size() >= most_pages))
            throw Error(Code::protocol_error, "Daytona's list of sandboxes has no end");
    } while (cursor);
    return all;
}

void Api::remove(berth::Call& call, std::string_view sandbox) const {
    ApiRequest request{"DELETE", url_path({"sandbox", sandbox})};
    request.idle_timeout = slow_work;
    (void)send(call, settings_.api_url, std::move(request));
}

void Api::change(berth::Call& call, std::string_view sandbox, Change change) const {
    const char* what = change == Change::start ? "start" : change == Change::stop ? "stop" : "recover";
    ApiRequest request{"POST", url_path({"sandbox", sandbox, what})};
    if (change == Change::stop) request.query = {{"force", "false"}};
    request.idle_timeout = slow_work;
    (void)send(call, settings_.api_url, std::move(request));
}

void Api::set_labels(berth::Call& call, std::string_view sandbox, const Json& labels) const {
    ApiRequest request{"PUT", url_path({"sandbox", sandbox, "labels"})};
    request.body = Json{{"labels", labels}}.dump();
    request.repeatable = true;
    (void)send(call, settings_.api_url, std::move(request));
}

void Api::take_snapshot(berth::Call& call, std::string_view sandbox, const std::string& name) const {
    ApiRequest request = posting(url_path({"sandbox", sandbox, "snapshot"}), {{"name", name}});
    request.uninterrupted = true;
    request.idle_timeout = slow_work;
    (void)send(call, settings_.api_url, std::move(request));
}

Snapshot Api::snapshot(berth::Call& call, std::string_view snapshot) const {
    return read_snapshot(send(call, settings_.api_url, getting(url_path({"snapshots", snapshot}))).body);
}

std::vector<Snapshot> Api::snapshots(berth::Call& call) const {
    std::vector<Snapshot> all;
    std::set<std::string> seen;
    for (std::size_t page = 1;; ++page) {
        ApiRequest request = getting("/snapshots");
        request.query = {{"page", std::to_string(page)}, {"limit", "100"}};
        Snapshots part = read_snapshots(send(call, settings_.api_url, std::move(request)).body);
        const bool is_empty = part.items.empty();
        for (Snapshot& snapshot : part.items)
            if (seen.insert(snapshot.id).second) all.push_back(std::move(snapshot));
        if (is_empty || static_cast<std::int64_t>(page) >= part.pages) return all;
        if (page >= most_pages) throw Error(Code::protocol_error, "Daytona's list of snapshots has no end");
    }
}

void Api::remove_snapshot(berth::Call& call, std::string_view id) const {
    (void)send(call, settings_.api_url, {"DELETE", url_path({"snapshots", id})});
}

// --- toolbox ---------------------------------------------------------------------------------------------------------

std::string Api::toolbox_of(berth::Call& call, const Sandbox& sandbox) const {
    std::string url = sandbox.toolbox_url;
    if (url.empty()) {
        const auto answer =
            send(call, settings_.api_url, getting(url_path({"sandbox", sandbox.id, "toolbox-proxy-url"})));
        url = required(text_in(parse_json(answer.body), "url"), "url");
    }
    // The key goes there, too.
    const bool is_address = (url.rfind("https://", 0) == 0 || url.rfind("http://", 0) == 0) &&
                            std::none_of(url.begin(), url.end(), [](char c) {
                                return c <= ' ' || c >= '\x7f' || c == '?' || c == '#' || c == '@' || c == '\\';
                            });
    if (!is_address)
        throw Error(Code::protocol_error, "Daytona names no address of a server for what runs in the sandbox");
    if (settings_.api_url.rfind("https:", 0) == 0 && url.rfind("https:", 0) != 0)
        throw Error(Code::protocol_error, "Daytona names an address without TLS for what runs in the sandbox");
    while (!url.empty() && url.back() == '/')
        url.pop_back();
    return url + url_path({sandbox.id});
}

std::string Api::version(berth::Call& call, const std::string& box) const {
    return text_in(parse_json(send(call, box, looking("/version")).body), "version").value_or("");
}

std::string Api::metrics(berth::Call& call, const std::string& box) const {
    return send(call, box, looking("/system/metrics")).body;
}

std::optional<std::uint64_t> Api::process_count(berth::Call& call, const std::string& box) const {
    ApiRequest request = posting("/process/execute", {{"command", "set -- /proc/[0-9]*; echo $#"}, {"timeout", 10}});
    request.headers.set("x-daytona-skip-last-activity-update", "true");
    const std::string printed = read_execution(send(call, box, std::move(request)).body).result;
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(printed.data(), printed.data() + printed.size(), count);
    return error == std::errc{} ? std::optional(count) : std::nullopt;
}

std::string Api::work_directory(berth::Call& call, const std::string& box) const {
    return required(directory_in(parse_json(send(call, box, getting("/work-dir")).body), "dir"), "dir");
}

void Api::set_variables(berth::Call& call, const std::string& box, const Json& set, const Json& unset) const {
    ApiRequest request = posting("/env", {{"set", set}, {"unset", unset}});
    request.repeatable = true;
    (void)send(call, box, std::move(request));
}

Execution Api::execute(berth::Call& call, const std::string& box, const std::string& command,
                       std::int64_t timeout_seconds) const {
    ApiRequest request = posting("/process/execute", {{"command", command}, {"timeout", timeout_seconds}});
    request.idle_timeout = berth::Duration{(timeout_seconds + 5) * 1000};
    return read_execution(send(call, box, std::move(request)).body);
}

void Api::make_session(berth::Call& call, const std::string& box, const std::string& session) const {
    (void)send(call, box, posting("/process/session", {{"sessionId", session}}));
}

Command Api::start(berth::Call& call, const std::string& box, const std::string& session,
                   const std::string& command) const {
    return read_started_command(send(call, box,
                                     posting(session_path(session) + "/exec",
                                             {{"command", command}, {"runAsync", true}, {"suppressInputEcho", true}}))
                                    .body);
}

Command Api::command(berth::Call& call, const std::string& box, const std::string& session,
                     const std::string& command) const {
    return read_command(send(call, box, getting(command_path(session, command))).body);
}

berth::Exchange Api::open_log(berth::Call& call, const std::string& box, const std::string& session,
                              const std::string& command) const {
    ApiRequest request = getting(command_path(session, command, "/logs"));
    request.headers = {{"accept", "*/*"}, {"x-daytona-sdk-version", labelled_log_level}};
    return client(box).open(call, std::move(request)).exchange;
}

berth::WebSocket Api::follow(berth::Call& call, const std::string& box, const std::string& session,
                             const std::string& command) const {
    berth::HttpRequest request;
    request.method = "GET";
    request.url = "ws" + box.substr(4) + command_path(session, command, "/logs?follow=true");  // of http
    request.headers = identity(call);
    request.headers.unset("accept");
    try {
        return host_.websockets().open(call, request);
    } catch (const Error& error) {
        warn_of_polling(error);
        throw;
    }
}

/// A connection that breaks is nothing to talk about; one that is never to be had makes every command slower.
void Api::warn_of_polling(const Error& error) const {
    const bool has_no_service = error.code() == Code::unsupported;
    const bool is_refused = error.code() == Code::protocol_error || error.code() == Code::auth_failed;
    if (!has_no_service && !is_refused) return;
    if (has_warned_of_polling_.exchange(true)) return;
    host_.log(
        berth::LogLevel::warning,
        std::string{
            has_no_service
                ? "the host's websocket service (websocket.so) is missing or was refused"
                : "Daytona, or a proxy before it, opens no WebSocket for a command's log (details: log level debug)"} +
            ": the output of commands is asked for about once a second, each time from its beginning, so it comes late "
            "and "
            "long output costs much. Nothing of it is lost. " +
            (has_no_service ? "Install Berth whole" : "Let WebSockets through to the address of the toolbox"));
}

void Api::end_session(berth::Call& call, const std::string& box, const std::string& session) const {
    ApiRequest request{"DELETE", session_path(session)};
    request.repeatable = true;
    (void)send(call, box, std::move(request));
}

CommandLogs Api::entrypoint_logs(berth::Call& call, const std::string& box) const {
    try {
        return read_logs(send(call, box, looking("/process/session/entrypoint/logs")).body);
    } catch (const Error& error) {
        if (error.code() == Code::not_found && !error.is_recorded()) return {};
        throw;
    }
}

Api::Sending Api::begin_upload(berth::Call& call, const std::string& box, FileForm form) const {
    ApiRequest request{"POST", "/files/bulk-upload"};
    request.headers = {{"content-type", "multipart/form-data; boundary=" + form.boundary}};
    const std::size_t files = form.count;
    request.body = form.finish();
    request.repeatable = true;  // the same files at the same places
    berth::Exchange exchange = client(box).begin(call, request);
    return {std::move(request), std::move(exchange), files};
}

void Api::finish(Sending sending) const {
    berth::Exchange answer = client({}).answer_of(std::move(sending.exchange), sending.request).exchange;
    std::string text;
    char buffer[16384];
    while (const std::size_t got = answer.read(buffer, sizeof buffer)) {
        text.append(buffer, got);
        if (text.size() > (std::size_t{4} << 20)) break;
    }
    const Json json = parse_json(text);
    const Json* files = member(json, "files");
    if (files == nullptr || !files->is_array() || files->size() != sending.files)
        throw Error(Code::protocol_error, "Daytona did not say that all files have arrived");
}

void Api::set_mode(berth::Call& call, const std::string& box, const std::string& path, const std::string& octal) const {
    ApiRequest request{"POST", "/files/permissions"};
    request.query = {{"path", path}, {"mode", octal}};
    request.repeatable = true;
    (void)send(call, box, std::move(request));
}

berth::OpenAnswer Api::download(berth::Call& call, const std::string& box, const std::string& path) const {
    ApiRequest request = getting("/files/download");
    request.query = {{"path", path}};
    request.headers = {{"accept", "*/*"}};
    return client(box).open(call, std::move(request));
}

}  // namespace berth_daytona
