#include "command_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace standin::vercel {

namespace {

constexpr std::size_t piece_size = 32768;

/// Both pipes of a command and the event of its end.
struct Ends {
    std::array<berth::FileDescriptor, 2> from;
    std::shared_ptr<berth::FileDescriptor> over;
};

/// What the real service says of an unknown program is unknown; this is what a shell says.
std::string no_program(const Command& command, const Outcome& outcome) {
    return command.name + ": " +
           (outcome.value == ENOENT ? "command not found" : std::generic_category().message(outcome.value)) + "\n";
}

/// Takes over what one pipe has. False: it has ended or has nothing.
bool take(World& world, Command& command, const berth::FileDescriptor& from, const char* stream) {
    std::string bytes(piece_size, '\0');
    const auto count = ::read(from.get(), bytes.data(), bytes.size());
    if (count <= 0) return false;
    bytes.resize(static_cast<std::size_t>(count));
    const std::lock_guard lock(world.mutex);
    if (!is_over(command)) command.output.push_back({stream, std::move(bytes)});
    world.changed.notify_all();
    return true;
}

void mark_over(World& world, Command& command, const std::shared_ptr<Outcome>& how) {
    const std::lock_guard lock(world.mutex);
    const auto outcome = *how;
    command.state = outcome.kind == Outcome::Kind::lost ? Command::State::lost : Command::State::ended;
    command.duration = world.now() - command.started_at;
    if (command.state == Command::State::ended) {
        command.exit_code = outcome.kind == Outcome::Kind::ended ? outcome.value : outcome.value == ENOENT ? 127 : 126;
    }
    const auto found = world.sessions.find(command.session);
    if (found != world.sessions.end()) found->second->cpu_milliseconds += outcome.cpu_milliseconds;
    world.changed.notify_all();
}

/// Reads both pipes until the command has ended and what it had written is taken; then until nobody can write any more,
/// so that what it left running is not ended by a broken pipe.
class Pump {
public:
    Pump(World& world, std::shared_ptr<Command> command, std::shared_ptr<Ends> ends, std::shared_ptr<Outcome> outcome)
        : world_(world), command_(std::move(command)), ends_(std::move(ends)), outcome_(std::move(outcome)) {}

    void run() {
        while (reading() || waits_[2].fd >= 0) {
            if (::poll(waits_.data(), waits_.size(), -1) < 0) continue;
            if (waits_[2].revents != 0) {
                waits_[2].fd = -1;
                ended_ = true;
            }
            read(0, "stdout");
            read(1, "stderr");
            if (ended_ && !marked_ && (!ends_with_output() || !reading())) {
                marked_ = true;
                mark_over(world_, *command_, outcome_);
            }
        }
    }

private:
    [[nodiscard]] bool reading() const { return waits_[0].fd >= 0 || waits_[1].fd >= 0; }

    /// At the end everything there is, before that one piece.
    void read(std::size_t index, const char* stream) {
        auto& wait = waits_[index];
        if (wait.fd < 0 || (wait.revents == 0 && !ended_)) return;
        bool took = take(world_, *command_, ends_->from[index], stream);
        while (took && ended_) {
            took = take(world_, *command_, ends_->from[index], stream);
        }
        if (!took && (wait.revents & POLLHUP) != 0) wait.fd = -1;
    }

    bool ends_with_output() {
        const std::lock_guard lock(world_.mutex);
        return world_.behaviour.commands_end == "output" && outcome_->kind != Outcome::Kind::lost;
    }

    World& world_;
    std::shared_ptr<Command> command_;
    std::shared_ptr<Ends> ends_;
    std::shared_ptr<Outcome> outcome_;
    std::array<pollfd, 3> waits_{pollfd{ends_->from[0].get(), POLLIN, 0}, pollfd{ends_->from[1].get(), POLLIN, 0},
                                 pollfd{ends_->over->get(), POLLIN, 0}};
    bool ended_ = false;
    bool marked_ = false;
};

void add_defaults(const Session& session, Texts& variables) {
    variables.try_emplace(
        "PATH", std::string("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:") + tool_directory);
    variables.try_emplace("HOME", session.account.home);
    variables.try_emplace("USER", session.account.name);
    variables.try_emplace("LANG", "C.UTF-8");
}

}  // namespace

Program program_of(const Session& session, const Wish& wish) {
    Program program;
    program.words = wish.arguments;
    program.words.insert(program.words.begin(), wish.name);
    program.directory = wish.directory.empty() ? session.account.home : wish.directory;
    program.account = wish.account;
    auto variables = wish.variables;
    variables.insert(session.variables.begin(), session.variables.end());
    add_defaults(session, variables);
    if (wish.account == Program::Account::root) variables["HOME"] = "/root";
    for (const auto& [name, value] : variables) {
        program.variables.push_back(name + "=" + value);
    }
    return program;
}

std::shared_ptr<Command> start_command(World& world, Lock& lock, const std::shared_ptr<Session>& session,
                                       const Wish& wish) {
    const auto command = std::make_shared<Command>();
    const auto program = program_of(*session, wish);
    command->id = world.new_id("cmd_");
    command->name = wish.name;
    command->arguments = wish.arguments;
    command->directory = program.directory;
    command->session = session->id;
    command->started_at = world.now();
    if (wish.timeout) command->deadline = world.now() + *wish.timeout;
    session->commands.push_back(command);
    const auto machine = session->machine;
    lock.unlock();

    auto output = berth::make_pipe();
    auto error = berth::make_pipe();
    const berth::FileDescriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    for (const auto* pipe : {&output, &error}) {
        ::fcntl(pipe->read_end.get(), F_SETFL, O_NONBLOCK);
    }
    const auto over = std::make_shared<berth::FileDescriptor>(berth::make_event());
    const auto outcome = std::make_shared<Outcome>();
    const auto ends = std::make_shared<Ends>();
    ends->from = {std::move(output.read_end), std::move(error.read_end)};
    ends->over = over;
    const auto begun = [&world, command] {
        const std::lock_guard own(world.mutex);
        command->state = Command::State::running;
        world.changed.notify_all();
    };
    const auto ended = [&world, command, over, outcome](const Outcome& how) {
        {
            const std::lock_guard own(world.mutex);
            *outcome = how;
            if (command->state == Command::State::starting) command->refused = how;
            if (how.kind == Outcome::Kind::no_program) command->output.push_back({"stderr", no_program(*command, how)});
            world.changed.notify_all();
        }
        berth::raise_event(*over);
    };
    const auto process =
        machine->start(program, {input.get(), output.write_end.get(), error.write_end.get()}, begun, ended);
    if (!process) ended({});
    output.write_end.reset();
    error.write_end.reset();
    world.threads().start([&world, command, ends, outcome] { Pump(world, command, ends, outcome).run(); });

    lock.lock();
    command->process = process.value_or(0);
    world.changed.wait(lock, [&] { return command->state != Command::State::starting || command->refused; });
    return command;
}

}  // namespace standin::vercel
