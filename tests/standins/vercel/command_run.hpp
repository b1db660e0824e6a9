// Runs a command in a session's machine and keeps what it writes. Knows no HTTP.
#pragma once

#include "world.hpp"

namespace standin::vercel {

struct Wish {
    std::string name;
    std::vector<std::string> arguments;
    std::string directory;  ///< empty: the session's
    Texts variables;
    Program::Account account = Program::Account::user;
    std::optional<Milliseconds> timeout;
};

/// The program as a command of this session is started.
[[nodiscard]] Program program_of(const Session& session, const Wish& wish);
/// Starts it, and comes back when it runs or could not be started; lets go of the lock meanwhile.
[[nodiscard]] std::shared_ptr<Command> start_command(World& world, Lock& lock, const std::shared_ptr<Session>& session,
                                                     const Wish& wish);
[[nodiscard]] inline bool is_over(const Command& command) {
    return command.state == Command::State::ended || command.state == Command::State::lost;
}

}  // namespace standin::vercel
