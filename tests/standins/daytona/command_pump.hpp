// What a command of a session writes, on its way into the log: whole lines behind their stream's marker. Knows no world.
#pragma once

#include <array>

#include "model.hpp"

namespace standin::daytona {

class CommandPump {
public:
    struct Ends {
        berth::FileDescriptor output;
        berth::FileDescriptor error;
        berth::FileDescriptor exit;
        berth::FileDescriptor shell_over;
    };
    CommandPump(const ShellCommand& command, Ends ends);

    /// Until nobody can write any more and the exit code is there, or can never come. Gives it.
    [[nodiscard]] std::optional<int> run();

private:
    enum class Reading { goes_on, at_end };
    /// Takes what one of the pipes has.
    [[nodiscard]] Reading take(std::size_t index);
    void keep(std::size_t index, std::string_view bytes);
    void write(std::string_view bytes);

    Ends ends_;
    berth::FileDescriptor log_;
    std::array<std::string, 3> partial_;  ///< of stdout and stderr a line, and the exit code
};

}  // namespace standin::daytona
