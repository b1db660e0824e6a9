#include "shell_run.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <system_error>

#include "at_once.hpp"
#include "command_pump.hpp"
#include "inside.hpp"

namespace standin::daytona {

namespace {

namespace files = std::filesystem;

void make_fifo(const files::path& path) {
    if (::mkfifo(path.c_str(), 0600) != 0) throw std::system_error(errno, std::generic_category(), path.string());
}

berth::FileDescriptor opened(const files::path& path, int how) {
    berth::FileDescriptor file(::open(path.c_str(), how | O_NONBLOCK | O_CLOEXEC));
    if (!file) throw std::system_error(errno, std::generic_category(), path.string());
    return file;
}

/// As the daemon does it: the command is a file that the session's own shell reads with `.`, so that `cd` lasts and `exit`
/// ends the shell. The exit code comes through a pipe of its own, which a shell that died never writes.
std::string wrapped(const ShellCommand& command) {
    const auto at = "'" + command.inside + "/";
    const auto input = command.input_kind == ShellCommand::Input::open ? at + "in'" : "/dev/null";
    return "{ . " + at + "command'; } > " + at + "out' 2> " + at + "err' < " + input + "; echo \"$?\" > " + at +
           "exit'\n";
}

void launch_next(World& world, const std::shared_ptr<Shell>& shell);

void launch(World& world, const std::shared_ptr<Shell>& shell, const std::shared_ptr<ShellCommand>& command) {
    const auto& directory = command->directory;
    std::ofstream(directory / "command") << command->text << "\n";
    CommandPump::Ends ends;
    for (const auto* name : {"out", "err", "exit"}) {
        make_fifo(directory / name);
    }
    ends.output = opened(directory / "out", O_RDONLY);
    ends.error = opened(directory / "err", O_RDONLY);
    ends.exit = opened(directory / "exit", O_RDONLY);
    ends.shell_over = berth::FileDescriptor(::fcntl(shell->over->get(), F_DUPFD_CLOEXEC, 0));
    if (command->input_kind == ShellCommand::Input::open) {
        make_fifo(directory / "in");
        command->input = opened(directory / "in", O_RDWR);  // so that the command never sees its end
    }
    command->state = ShellCommand::State::running;
    shell->current = command;
    world.threads().start([&world, shell, command, ends = std::make_shared<CommandPump::Ends>(std::move(ends))] {
        const auto exit_code = CommandPump(*command, std::move(*ends)).run();
        const Lock lock(world.mutex);
        command->exit_code = exit_code;
        command->input.reset();
        command->state = command->exit_code ? ShellCommand::State::ended : ShellCommand::State::lost;
        shell->current = nullptr;
        launch_next(world, shell);
        world.changed.notify_all();
    });
    // A shell that is gone takes nothing; what becomes of the command then is the pump's business.
    static_cast<void>(berth::write_all(shell->input.get(), wrapped(*command)));
}

void launch_next(World& world, const std::shared_ptr<Shell>& shell) {
    if (shell->current || shell->waiting.empty() || shell->ended || world.ending()) return;
    const auto next = shell->waiting.front();
    shell->waiting.pop_front();
    launch(world, shell, next);
}

/// All that descends from the shell, or is in its group; looked for again before the kill, because a loop goes on when what
/// it waited for ends.
constexpr const char* ending_script = R"(
root=$1 grace=$2
find_victims() {
    local file line rest process at
    local -A parent=() group=()
    victims=()
    for file in /proc/[0-9]*/stat; do
        { read -r line < "$file"; } 2>/dev/null || continue
        rest=(${line##*) })
        parent[${line%% *}]=${rest[1]}
        group[${line%% *}]=${rest[2]}
    done
    for process in "${!parent[@]}"; do
        at=$process
        while [[ -n $at && $at != 0 && $at != 1 && $at != "$root" ]]; do at=${parent[$at]:-}; done
        [[ $at == "$root" || ${group[$process]} == "$root" ]] && victims+=("$process")
    done
    [[ ${#victims[@]} -gt 0 ]]
}
find_victims || exit 0
kill -TERM "${victims[@]}" 2>/dev/null
for ((waited = 0; waited < grace; waited += 20)); do
    find_victims || exit 0
    sleep 0.02
done
while find_victims; do
    kill -KILL "${victims[@]}" 2>/dev/null
done
exit 0
)";

}  // namespace

std::shared_ptr<Shell> start_shell(World& world, const Sandbox& sandbox, const std::string& id) {
    const auto shell = std::make_shared<Shell>();
    const auto inside = home_of(sandbox) + "/.daytona/sessions/" + World::new_id();
    shell->id = id;
    shell->machine = sandbox.machine;
    shell->inside = inside;
    shell->over = std::make_shared<berth::FileDescriptor>(berth::make_event());
    if (world.behaviour.work == "none") return shell;
    shell->directory = sandbox.disk / inside.substr(1);
    files::create_directories(shell->directory);
    auto input = berth::make_pipe();
    const berth::FileDescriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    Program program;
    program.words = {"bash"};
    program.variables = variables_of(daemon_environment(sandbox));
    program.directory = home_of(sandbox);
    const std::weak_ptr<Shell> weak = shell;
    const auto process = sandbox.machine->start(program, {input.read_end.get(), nothing.get(), nothing.get()}, nullptr,
                                                [&world, weak](const Outcome&) {
                                                    const auto ended = weak.lock();
                                                    if (!ended) return;
                                                    const Lock lock(world.mutex);
                                                    ended->ended = true;
                                                    berth::raise_event(*ended->over);
                                                    world.changed.notify_all();
                                                });
    if (!process) throw Refusal(502, "LOST", "");
    shell->process = *process;
    shell->input = std::move(input.write_end);
    static_cast<void>(berth::write_all(shell->input.get(), "echo $$ > '" + inside + "/shell'\n"));
    return shell;
}

std::shared_ptr<ShellCommand> queue_command(World& world, const std::shared_ptr<Shell>& shell,
                                            const std::shared_ptr<ShellCommand>& command) {
    command->id = World::new_id();
    command->inside = shell->inside + "/" + command->id;
    shell->commands.push_back(command);
    // A session that was made while nothing was run has no shell.
    if (world.behaviour.work == "none" || shell->directory.empty()) {
        end_at_once(world, *command);
        return command;
    }
    command->directory = shell->directory / command->id;
    files::create_directories(command->directory);
    std::ofstream(command->log()).flush();
    shell->waiting.push_back(command);
    launch_next(world, shell);
    return command;
}

void end_shell(World& world, const Sandbox& sandbox, const Shell& shell) {
    if (shell.directory.empty()) return;
    std::string process;
    std::ifstream(shell.directory / "shell") >> process;
    Milliseconds grace = 0;
    {
        const Lock lock(world.mutex);
        grace = world.behaviour.kill_grace_ms;
    }
    if (!process.empty()) {
        static_cast<void>(run_inside(world, sandbox, ending_script, {process, std::to_string(grace)}));
    } else if (shell.process != 0) {
        shell.machine->signal_group(shell.process, SIGKILL);  // it had not even begun
    }
    std::error_code ignored;  // a sandbox that changed its modes keeps them
    files::remove_all(shell.directory, ignored);
}

Streams streams_of(std::string_view log) {
    Streams streams;
    std::string* into = nullptr;
    while (!log.empty()) {
        const auto head = log.substr(0, 3);
        if (head == stdout_marker || head == stderr_marker) {
            into = head == stdout_marker ? &streams.output : &streams.error;
            log.remove_prefix(3);
            continue;
        }
        const auto end = std::min(log.find(stdout_marker), log.find(stderr_marker));
        const auto text = log.substr(0, end);
        streams.merged += text;
        if (into != nullptr) *into += text;
        log.remove_prefix(text.size());
    }
    return streams;
}

}  // namespace standin::daytona
