#include "at_once.hpp"

#include <algorithm>

#include "no_work.hpp"
#include "shapes.hpp"
#include "validation.hpp"

namespace standin::vercel {

namespace {

Command ended(const Body& body, const std::string& session, Milliseconds now) {
    Command command;
    command.id = "cmd_at_once";
    command.name = body.needed_text("command");
    command.arguments = body.texts("args").value_or(std::vector<std::string>());
    command.directory = "/vercel/sandbox";
    command.session = session;
    command.started_at = now;
    command.duration = 0;
    command.state = Command::State::ended;
    command.exit_code = 0;
    return command;
}

/// Where the client wraps its commands, in a variable, what `true` prints.
std::string output_of(const Body& body) {
    const auto variables = body.text_map("env").value_or(Texts());
    const bool is_wrappers = std::any_of(variables.begin(), variables.end(),
                                         [](const auto& variable) { return is_wrapped(variable.second); });
    if (!is_wrappers) return {};
    return text_of({{"stream", "stderr"}, {"data", error_end_line}}) + "\n" +
           text_of({{"stream", "stdout"}, {"data", std::string(begin_line) + std::string(end_line)}}) + "\n";
}

Answer run(const Call& call) {
    const Body body(call.request);
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    const auto command = ended(body, session->id, call.world.now());
    lock.unlock();
    auto first = shape(command);
    first["exitCode"] = nullptr;
    Answer answer;
    answer.headers = {{"content-type", "application/x-ndjson"}};
    answer.body =
        text_of({{"command", first}}) + "\n" + output_of(body) + text_of({{"command", shape(command)}}) + "\n";
    return answer;
}

}  // namespace

std::optional<Answer> at_once_endpoints(const Call& call) {
    {
        const std::lock_guard lock(call.world.mutex);
        if (call.world.behaviour.work != "none") return std::nullopt;
    }
    if (call.is("POST", {"sessions", "*", "cmd"})) return run(call);
    return std::nullopt;
}

}  // namespace standin::vercel
