// Endpoints of commands: run, get, list, logs, kill; and their streams.
#include <limits>

#include "command_run.hpp"
#include "endpoints.hpp"
#include "shapes.hpp"
#include "validation.hpp"

namespace standin::vercel {

namespace {

using CommandPointer = std::shared_ptr<Command>;

/// Which lines a stream of a command has.
enum class Lines { command_and_output, command_alone, output };

CommandPointer command_of(const Session& session, const std::string& id) {
    for (const auto& command : session.commands) {
        if (command->id == id) return command;
    }
    throw Refusal(404, "not_found", "Command " + id + " not found.");
}

std::string line(const Json& value) {
    return text_of(value) + "\n";
}

/// Sends output from `next` on; false when nobody listens.
bool send_output(const SendLine& send, const std::vector<Piece>& pieces, std::size_t largest) {
    for (const auto& piece : pieces) {
        const auto step = largest == 0 ? piece.bytes.size() : largest;
        for (std::size_t at = 0; at < piece.bytes.size(); at += step) {
            if (!send(line({{"stream", piece.stream}, {"data", piece.bytes.substr(at, step)}}))) return false;
        }
    }
    return true;
}

/// Sends all output until the command is over. False: nobody listens.
bool follow(World& world, const CommandPointer& command, const SendLine& send, std::size_t largest) {
    std::size_t next = 0;
    while (true) {
        Lock lock(world.mutex);
        world.changed.wait(lock, [&] { return command->output.size() > next || is_over(*command) || world.ending(); });
        const std::vector<Piece> pieces(command->output.begin() + static_cast<std::ptrdiff_t>(next),
                                        command->output.end());
        next = command->output.size();
        lock.unlock();
        if (pieces.empty()) return true;
        if (!send_output(send, pieces, largest)) return false;
    }
}

void wait_until_over(World& world, const CommandPointer& command) {
    Lock lock(world.mutex);
    world.changed.wait(lock, [&] { return is_over(*command) || world.ending(); });
}

std::string closed_line() {
    return line({{"stream", "error"},
                 {"data", {{"code", "sandbox_stream_closed"}, {"message", "Sandbox stream was closed."}}}});
}

void stream_command(World& world, const CommandPointer& command, Lines lines, const SendLine& send,
                    std::size_t largest) {
    if (lines != Lines::output) {
        Lock lock(world.mutex);
        auto first = shape(*command);
        first["exitCode"] = nullptr;
        first.erase("durationMs");
        lock.unlock();
        if (!send(line({{"command", first}}))) return;
    }
    if (lines == Lines::command_alone) {
        wait_until_over(world, command);
    } else if (!follow(world, command, send, largest)) {
        return;
    }
    Lock lock(world.mutex);
    const bool lost = command->state != Command::State::ended;
    const auto last = line({{"command", shape(*command)}});
    const bool early = world.behaviour.stopped_streams_end == "early";
    lock.unlock();
    if (lost) {
        if (!early) send(closed_line());
    } else if (lines != Lines::output) {
        send(last);
    }
}

Answer streamed(const Call& call, CommandPointer command, Lines lines) {
    Answer answer;
    answer.headers = {{"content-type", "application/x-ndjson"}};
    answer.stream = [&world = call.world, command = std::move(command), lines, largest = call.request.chunk_bytes](
                        const SendLine& send) { stream_command(world, command, lines, send, largest); };
    return answer;
}

Wish wish_of(const Body& body) {
    body.only({"command", "args", "cwd", "env", "sudo", "wait", "logs", "timeout"});
    Wish wish;
    wish.name = body.needed_text("command");
    wish.arguments = body.texts("args").value_or(std::vector<std::string>());
    wish.directory = body.text("cwd").value_or("");
    wish.variables = body.text_map("env").value_or(Texts());
    wish.timeout = body.number("timeout", 100, std::numeric_limits<std::int64_t>::max());
    if (body.yes_or_no("sudo").value_or(false)) wish.account = Program::Account::root;
    for (const auto& word : wish.arguments) {
        if (word.find('\0') != std::string::npos) bad_request("Invalid request: `args` should have no NUL.");
    }
    return wish;
}

Answer run(const Call& call) {
    const Body body(call.request);
    const auto wish = wish_of(body);
    const bool waits = body.yes_or_no("wait").value_or(false);
    const bool logs = body.yes_or_no("logs").value_or(false);
    if (logs && !waits) bad_request("Invalid request: `logs` needs `wait` to be true.");
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    const auto command = start_command(call.world, lock, session, wish);
    if (command->refused && command->refused->kind == Outcome::Kind::no_directory) {
        session->commands.pop_back();
        bad_request("Invalid request: `cwd` " + command->directory + " is no directory that can be entered.");
    }
    if (command->refused && command->refused->kind == Outcome::Kind::lost) {
        throw Refusal(410, "sandbox_stopped", "Sandbox has stopped execution and is no longer available.");
    }
    if (waits) return streamed(call, command, logs ? Lines::command_and_output : Lines::command_alone);
    auto object = shape(*command);
    object["exitCode"] = nullptr;
    return json_answer({{"command", object}});
}

Answer get(const Call& call) {
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    const auto command = command_of(*session, call.rest[3]);
    if (call.request.asked("wait") == "true") {
        call.world.changed.wait(lock, [&] { return is_over(*command) || call.world.ending(); });
        if (command->state != Command::State::ended) {
            throw Refusal(410, "sandbox_stopped", "Sandbox has stopped execution and is no longer available.");
        }
    }
    return json_answer({{"command", shape(*command)}});
}

Answer list(const Call& call) {
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    auto commands = Json::array();
    for (auto each = session->commands.rbegin(); each != session->commands.rend(); ++each) {
        commands.push_back(shape(**each));
    }
    return json_answer({{"commands", commands}});
}

Answer logs(const Call& call) {
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    return streamed(call, command_of(*session, call.rest[3]), Lines::output);
}

Answer kill(const Call& call) {
    const Body body(call.request);
    body.only({"signal"});
    const auto signal = static_cast<int>(body.number("signal", 1, 31).value_or(15));
    Lock lock(call.world.mutex);
    const auto session = call.world.usable_session(lock, call.rest[1]);
    const auto command = command_of(*session, call.rest[3]);
    if (!is_over(*command)) {
        if (call.world.behaviour.kill_reaches == "group") {
            session->machine->signal_group(command->process, signal);
        } else {
            session->machine->signal(command->process, signal);
        }
    }
    return json_answer({{"command", shape(*command)}});
}

}  // namespace

std::optional<Answer> command_endpoints(const Call& call) {
    if (call.is("POST", {"sessions", "*", "cmd"})) return run(call);
    if (call.is("GET", {"sessions", "*", "cmd"})) return list(call);
    if (call.is("GET", {"sessions", "*", "cmd", "*"})) return get(call);
    if (call.is("GET", {"sessions", "*", "cmd", "*", "logs"})) return logs(call);
    if (call.is("POST", {"sessions", "*", "cmd", "*", "kill"})) return kill(call);
    return std::nullopt;
}

}  // namespace standin::vercel
