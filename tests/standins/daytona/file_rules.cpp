#include "file_rules.hpp"

#include "inside.hpp"
#include "toolbox.hpp"

namespace standin::daytona {

namespace {

struct Failure {
    unsigned status;
    const char* code;
};

/// What the machine's programs say, in the C locale.
Failure failure_of(const std::string& said) {
    const auto has = [&](const char* text) { return said.find(text) != std::string::npos; };
    if (has("No such file") || has("no such file")) return {404, "FILE_NOT_FOUND"};
    if (has("ermission denied") || has("not permitted") || has("Read-only")) return {403, "FILE_ACCESS_DENIED"};
    if (has("exists")) return {409, "FILE_ALREADY_EXISTS"};
    return {400, "INVALID_FILE_PATH"};
}

}  // namespace

void refuse_file(const Call& call, unsigned status, const std::string& code, const std::string& message) {
    if (!daemon_is_at_least(call.world, "0.191.0")) throw Refusal(status, "", "", {{"empty", true}});
    throw Refusal(status, code, message);
}

std::string plain_path(const std::string& path) {
    return !path.empty() && path.front() == '-' ? "./" + path : path;
}

std::string asked_path(const Call& call, const char* name) {
    const auto path = call.request.asked(name);
    if (path.empty()) refuse_file(call, 400, "INVALID_FILE_PATH", std::string(name) + " is required");
    return plain_path(path);
}

std::string file_work(const Call& call, const std::string& path, const std::string& script,
                      const std::vector<std::string>& words, std::string_view input) {
    auto said = run_inside(call.world, *call.sandbox, "export LC_ALL=C\n" + script, words, input);
    if (said.outcome.value == 0) return std::move(said.output);
    const auto failure = failure_of(said.error);
    const std::string what = failure.status == 404   ? "file not found: " + path
                             : failure.status == 403 ? "permission denied: " + path
                                                     : path + ": " + said.error;
    refuse_file(call, failure.status, failure.code, what);
}

Content content_of(const Call& call, const std::string& path) {
    if (path.empty()) return {400, "INVALID_FILE_PATH", "path is empty"};
    auto said = run_inside(call.world, *call.sandbox, R"(export LC_ALL=C; [[ ! -d $1 ]] || exit 45; cat < "$1")",
                           {plain_path(path)});
    if (said.outcome.value == 0) return {200, "", std::move(said.output)};
    if (said.outcome.value == 45) return {400, "INVALID_FILE_PATH", "path is a directory: " + path};
    const auto failure = failure_of(said.error);
    return {failure.status, failure.code, (failure.status == 404 ? "file not found: " : "permission denied: ") + path};
}

std::string content_type_of(const std::string& path) {
    const auto dot = path.rfind('.');
    const auto end = dot == std::string::npos ? "" : path.substr(dot + 1);
    if (end == "json") return "application/json";
    if (end == "txt" || end == "md" || end.empty()) return "text/plain; charset=utf-8";
    return "application/octet-stream";
}

}  // namespace standin::daytona
