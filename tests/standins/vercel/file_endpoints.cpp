// Endpoints of files: read, write, mkdir. Each is done by a program inside the sandbox, as its account, so that paths and
// rights are the sandbox's own.
#include "command_run.hpp"
#include "endpoints.hpp"
#include "validation.hpp"

namespace standin::vercel {

namespace {

Machine::Said run_helper(const Call& call, const Wish& wish, std::string_view input) {
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    const auto program = program_of(*session, wish);
    const auto machine = session->machine;
    lock.unlock();
    auto said = machine->run(program, input);
    if (said.outcome.kind == Outcome::Kind::lost) {
        throw Refusal(410, "sandbox_stopped", "Sandbox has stopped execution and is no longer available.");
    }
    if (said.outcome.kind == Outcome::Kind::no_directory) {
        throw Refusal(404, "not_found", "Directory " + program.directory + " not found.");
    }
    return said;
}

constexpr int not_there = 44;
constexpr int not_a_file = 45;

Answer read(const Call& call) {
    const Body body(call.request);
    body.only({"path", "cwd"});
    const auto path = body.needed_text("path");
    const auto script = "[ -e \"$1\" ] || exit " + std::to_string(not_there) + "; [ ! -d \"$1\" ] || exit " +
                        std::to_string(not_a_file) + "; exec cat < \"$1\"";
    auto said = run_helper(call, {"sh", {"-c", script, "read", path}, body.text("cwd").value_or(""), {}, {}, {}}, "");
    if (said.outcome.value == not_there) throw Refusal(404, "not_found", "File " + path + " not found.");
    if (said.outcome.value == not_a_file) bad_request("Cannot read " + path + ": it is a directory.");
    if (said.outcome.value != 0) bad_request("Cannot read " + path + ": " + said.error);
    return {200, {{"content-type", "application/octet-stream"}}, std::move(said.output), nullptr};
}

Answer write(const Call& call) {
    if (call.request.header("content-type").rfind("application/gzip", 0) != 0) {
        throw Refusal(415, "unsupported_media_type", "The body should be application/gzip.");
    }
    const auto directory = call.request.header("x-cwd");
    const auto said =
        run_helper(call, {"tar", {"-xzf", "-", "--no-same-owner", "--same-permissions"}, directory, {}, {}, {}},
                   call.request.body);
    if (said.outcome.value != 0) bad_request("Cannot write files: " + said.error);
    return json_answer(Json::object());
}

Answer make_directory(const Call& call) {
    const Body body(call.request);
    body.only({"path", "cwd", "recursive"});
    const auto path = body.needed_text("path");
    std::vector<std::string> arguments{"--", path};
    if (body.yes_or_no("recursive").value_or(true)) arguments.insert(arguments.begin(), "-p");
    const auto said = run_helper(call, {"mkdir", arguments, body.text("cwd").value_or(""), {}, {}, {}}, "");
    if (said.outcome.value != 0) bad_request("Cannot make the directory " + path + ": " + said.error);
    return json_answer(Json::object());
}

}  // namespace

std::optional<Answer> file_endpoints(const Call& call) {
    if (call.is("POST", {"sessions", "*", "fs", "read"})) return read(call);
    if (call.is("POST", {"sessions", "*", "fs", "write"})) return write(call);
    if (call.is("POST", {"sessions", "*", "fs", "mkdir"})) return make_directory(call);
    return std::nullopt;
}

}  // namespace standin::vercel
