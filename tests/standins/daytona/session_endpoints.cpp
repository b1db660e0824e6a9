// Sessions: made, given commands and input, listed, ended; and the logs of their commands.
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "endpoints.hpp"
#include "fields.hpp"
#include "log_stream.hpp"
#include "shapes.hpp"
#include "shell_run.hpp"
#include "toolbox.hpp"

namespace standin::daytona {

namespace {

constexpr const char* entrypoint = "entrypoint";

std::shared_ptr<Shell> find_shell(const Call& call) {
    const auto found = call.sandbox->shells.find(call.rest[2]);
    if (found == call.sandbox->shells.end()) throw Refusal(404, "", "session not found");
    return found->second;
}

std::shared_ptr<ShellCommand> find_command(const Call& call) {
    const auto shell = find_shell(call);
    for (const auto& command : shell->commands) {
        if (command->id == call.rest[4]) return command;
    }
    throw Refusal(404, "", "command not found");
}

Answer make(const Call& call) {
    const Fields fields(call.request);
    const auto id = fields.needed_text("sessionId");
    const Lock lock(call.world.mutex);
    auto& sandbox = *call.sandbox;
    if (id == entrypoint || sandbox.shells.contains(id)) throw Refusal(409, "", "session already exists");
    if (!sandbox.machine) throw Refusal(502, "LOST", "");
    sandbox.shells[id] = start_shell(call.world, sandbox, id);
    return {201, {}, "", nullptr};
}

Answer list(const Call& call) {
    const Lock lock(call.world.mutex);
    auto all = Json::array();
    for (const auto& [id, shell] : call.sandbox->shells) {
        all.push_back(shape(*shell));
    }
    return json_answer(all);
}

Answer get(const Call& call) {
    const Lock lock(call.world.mutex);
    if (call.rest[2] == entrypoint && !call.sandbox->entrypoint_log.empty()) {
        return json_answer({{"sessionId", entrypoint},
                            {"commands", {{{"id", "entrypoint_command"}, {"command", "the image's own"}}}}});
    }
    return json_answer(shape(*find_shell(call)));
}

Answer end(const Call& call) {
    std::shared_ptr<Shell> shell;
    {
        const Lock lock(call.world.mutex);
        shell = find_shell(call);
    }
    end_shell(call.world, *call.sandbox, *shell);
    const Lock lock(call.world.mutex);
    call.sandbox->shells.erase(call.rest[2]);
    call.world.wake();
    return {204, {}, "", nullptr};
}

std::string whole_log(const ShellCommand& command) {
    std::ostringstream text;
    text << std::ifstream(command.log()).rdbuf();
    return std::move(text).str();
}

/// The answer to a command that was waited for.
Json waited(const Call& call, const ShellCommand& command) {
    const auto log = whole_log(command);
    const auto streams = streams_of(log);
    Json object{{"cmdId", command.id}, {"exitCode", command.exit_code.value_or(-1)}};
    const auto format = log_format(call.request);
    object["output"] = format == LogFormat::merged ? streams.merged : log;
    if (format == LogFormat::json) {
        object["stdout"] = streams.output;
        object["stderr"] = streams.error;
    }
    return object;
}

/// With a command in it; for what older daemons answer with a status alone.
Fields command_fields(const Call& call) {
    auto body = Json::parse(call.request.body, nullptr, false);
    const bool fits = body.is_object() && body.contains("command") && body["command"].is_string() &&
                      !body["command"].get_ref<const std::string&>().empty();
    if (fits) return Fields(std::move(body));
    if (!daemon_is_at_least(call.world, "0.191.0")) throw Refusal(400, "", "", {{"empty", true}});
    bad_request("command is required");
}

Answer run(const Call& call) {
    const auto fields = command_fields(call);
    const bool in_background =
        fields.yes_or_no("runAsync").value_or(false) || fields.yes_or_no("async").value_or(false);
    const auto command = std::make_shared<ShellCommand>();
    command->text = fields.needed_text("command");
    command->input_kind = in_background ? ShellCommand::Input::open : ShellCommand::Input::at_end;
    if (fields.yes_or_no("suppressInputEcho").value_or(false)) command->echo = ShellCommand::Echo::suppressed;
    const bool old = !daemon_is_at_least(call.world, "0.191.0");
    Lock lock(call.world.mutex);
    if (old && !call.sandbox->shells.contains(call.rest[2])) {
        throw Refusal(500, "", "failed to execute command: session not found");
    }
    const auto shell = find_shell(call);
    if (shell->ended) throw Refusal(410, "SESSION_ENDED", "session has ended");
    static_cast<void>(queue_command(call.world, shell, command));
    if (in_background) {
        return json_answer({{"cmdId", command->id},
                            {"output", nullptr},
                            {"stdout", nullptr},
                            {"stderr", nullptr},
                            {"exitCode", nullptr}},
                           202);
    }
    // Without an exit code it waits for ever, as the real one does, unless the sandbox goes away.
    call.world.changed.wait(lock, [&] { return command->exit_code || !call.sandbox->machine || call.world.ending(); });
    if (!command->exit_code) throw Refusal(502, "LOST", "");
    lock.unlock();
    return json_answer(waited(call, *command));
}

Answer get_command(const Call& call) {
    const Lock lock(call.world.mutex);
    return json_answer(shape(*find_command(call)));
}

Answer plain(std::string text) {
    return {200, {{"content-type", "text/plain; charset=utf-8"}}, std::move(text), nullptr};
}

Answer log_answer(const Call& call, const std::string& log) {
    const auto streams = streams_of(log);
    switch (log_format(call.request)) {
        case LogFormat::merged:
            return plain(streams.merged);
        case LogFormat::marked:
            return plain(log);
        default:
            return json_answer({{"output", log}, {"stdout", streams.output}, {"stderr", streams.error}});
    }
}

Answer logs(const Call& call) {
    std::shared_ptr<ShellCommand> command;
    {
        const Lock lock(call.world.mutex);
        command = find_command(call);
    }
    if (wants_websocket(call.request)) return follow_log(call, command);
    return log_answer(call, whole_log(*command));
}

Answer entrypoint_logs(const Call& call) {
    std::string log;
    {
        const Lock lock(call.world.mutex);
        std::istringstream lines(call.sandbox->entrypoint_log);
        for (std::string line; std::getline(lines, line);) {
            log.append(stdout_marker).append(line).append("\n");
        }
    }
    if (log.empty()) throw Refusal(404, "", "session not found");
    if (wants_websocket(call.request)) return follow_text(call, log);
    return log_answer(call, log);
}

Answer input(const Call& call) {
    const Fields fields(call.request);
    auto data = fields.text("data").value_or("");
    if (data.empty() || data.back() != '\n') data += '\n';
    const Lock lock(call.world.mutex);
    const auto command = find_command(call);
    if (find_shell(call)->ended) throw Refusal(410, "SESSION_ENDED", "session has ended");
    if (command->state != ShellCommand::State::running || !command->input) {
        throw Refusal(410, "COMMAND_ALREADY_COMPLETED", "command has already completed");
    }
    if (command->echo == ShellCommand::Echo::shown) {
        std::ofstream(command->log(), std::ios::app) << stdout_marker << data;
    }
    static_cast<void>(::write(command->input.get(), data.data(), data.size()));
    return {204, {}, "", nullptr};
}

}  // namespace

std::optional<Answer> session_endpoints(const Call& call) {
    if (call.is("POST", {"process", "session"})) return make(call);
    if (call.is("GET", {"process", "session"})) return list(call);
    if (call.is("GET", {"process", "session", entrypoint, "logs"})) return entrypoint_logs(call);
    if (call.is("GET", {"process", "session", "*"})) return get(call);
    if (call.is("DELETE", {"process", "session", "*"})) return end(call);
    if (call.is("POST", {"process", "session", "*", "exec"})) return run(call);
    if (call.is("GET", {"process", "session", "*", "command", "*"})) return get_command(call);
    if (call.is("GET", {"process", "session", "*", "command", "*", "logs"})) return logs(call);
    if (call.is("POST", {"process", "session", "*", "command", "*", "input"})) return input(call);
    return std::nullopt;
}

}  // namespace standin::daytona
