// POST /process/execute: a shell that reads the command from its standard input, both outputs mixed.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>

#include "endpoints.hpp"
#include "fields.hpp"
#include "inside.hpp"
#include "toolbox.hpp"

namespace standin::daytona {

namespace {

struct Wish {
    std::string command;
    Program program;
    Milliseconds timeout = 0;  ///< 0: none
};

Wish wish_of(const Call& call) {
    const Fields fields(call.request);
    Wish wish;
    wish.command = fields.needed_text("command");
    const auto timeout = fields.whole_number("timeout").value_or(0);
    if (timeout < 0) bad_request("timeout must not be negative");
    wish.timeout = timeout * 1000;
    const auto own = fields.texts("envs");
    for (const auto& [name, value] : own) {
        if (!is_variable_name(name)) bad_request("invalid environment variable name: " + name);
    }
    const Lock lock(call.world.mutex);
    auto environment = daemon_environment(*call.sandbox);
    for (const auto& [name, value] : own) {
        environment[name] = value;
    }
    wish.program.words = {"bash"};
    wish.program.variables = variables_of(environment);
    wish.program.directory = fields.text("cwd").value_or(home_of(*call.sandbox));
    return wish;
}

berth::FileDescriptor memory_file(std::string_view bytes) {
    berth::FileDescriptor file(::memfd_create("standin", MFD_CLOEXEC));
    if (!file || berth::write_all(file.get(), bytes) != 0) throw std::runtime_error("memfd_create failed");
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

std::string whole(int file) {
    std::string text(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
    if (::pread(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("reading a command's output failed");
    }
    return text;
}

/// How it went, shared with the machine's thread.
struct Run {
    std::optional<Outcome> outcome;
};

/// Until it ends. False: its time is over, and it was killed.
bool await_end(const Call& call, const Wish& wish, const std::shared_ptr<Machine>& machine, std::uint32_t process,
               const Run& run) {
    Lock lock(call.world.mutex);
    const auto until = call.world.now() + wish.timeout;
    while (!run.outcome) {
        if (wish.timeout == 0) {
            call.world.changed.wait(lock);
        } else if (call.world.now() >= until) {
            lock.unlock();
            machine->signal_group(process, SIGKILL);
            return false;
        } else {
            call.world.changed.wait_for(lock, std::chrono::milliseconds(until - call.world.now()));
        }
    }
    return true;
}

Answer result(int exit_code, const std::string& text) {
    return json_answer({{"exitCode", exit_code}, {"result", text}});
}

Answer execute(const Call& call) {
    const auto wish = wish_of(call);
    {
        const Lock lock(call.world.mutex);
        if (call.world.behaviour.work == "none") return result(0, "");
    }
    const auto machine = machine_of(call.world, *call.sandbox);
    const auto input = memory_file(wish.command + "\n");
    const auto output = memory_file("");
    ::fcntl(output.get(), F_SETFL, O_APPEND);
    const auto run = std::make_shared<Run>();
    auto& world = call.world;
    const auto process = machine->start(wish.program, {input.get(), output.get(), output.get()}, nullptr,
                                        [&world, run](const Outcome& outcome) {
                                            const std::lock_guard lock(world.mutex);
                                            run->outcome = outcome;
                                            world.changed.notify_all();
                                        });
    if (!process) throw Refusal(502, "LOST", "");
    if (!await_end(call, wish, machine, *process, *run)) {
        const bool old = !daemon_is_at_least(world, "0.191.0");
        throw Refusal(408, old ? "REQUEST_TIMEOUT" : "PROCESS_EXECUTION_TIMEOUT", "command execution timeout");
    }
    switch (run->outcome->kind) {
        case Outcome::Kind::lost:
            throw Refusal(502, "LOST", "");
        case Outcome::Kind::no_directory:
            return result(-1, "chdir " + wish.program.directory + ": no such file or directory");
        case Outcome::Kind::no_program:
            return result(-1, "no shell found");
        default:
            return result(run->outcome->value, whole(output.get()));
    }
}

}  // namespace

std::optional<Answer> execute_endpoint(const Call& call) {
    if (call.is("POST", {"process", "execute"})) return execute(call);
    return std::nullopt;
}

}  // namespace standin::daytona
