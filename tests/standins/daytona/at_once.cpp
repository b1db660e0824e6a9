#include "at_once.hpp"

#include <fstream>
#include <random>

#include "no_work.hpp"
#include "shell_run.hpp"

namespace standin::daytona {

namespace {

namespace files = std::filesystem;

// As much as the wrapper's `dd` gets from a full pipe, or somewhat less.
constexpr std::size_t piece_bytes = 64000;

/// Each line behind the marker of its stream, as a command's pump writes it.
std::string marked(std::string_view marker, std::string_view lines) {
    std::string text;
    while (!lines.empty()) {
        const auto line = lines.substr(0, lines.find('\n') + 1);
        text.append(marker).append(line);
        lines.remove_prefix(line.size());
    }
    return text;
}

std::string first_lines() {
    return marked(stdout_marker, begin_line);
}

std::string last_lines() {
    return marked(stderr_marker, error_end_line) + marked(stdout_marker, end_line);
}

/// At least so many bytes of log: a program that writes to stdout and to stderr in turn.
void write_long_log(const files::path& path, std::size_t bytes) {
    std::string output(piece_bytes, '\0');
    std::mt19937 numbers(7);
    for (auto& byte : output) {
        byte = static_cast<char>(numbers());
    }
    const auto piece = marked(stdout_marker, wrapped_output(output)) + marked(stderr_marker, wrapped_output(output));
    std::ofstream log(path);
    log << first_lines();
    for (std::size_t written = 0; written < bytes; written += piece.size()) {
        log << piece;
    }
    log << last_lines();
    if (!log.flush()) throw std::runtime_error("a long log could not be written: " + path.string());
}

}  // namespace

void end_at_once(World& world, ShellCommand& command) {
    // One for all commands: nobody writes to a log that is complete.
    const auto bytes = world.behaviour.log_bytes;
    const auto name = bytes > 0                  ? "log-" + std::to_string(bytes)
                      : is_wrapped(command.text) ? std::string("log-of-wrapper")
                                                 : std::string("log-of-nothing");
    auto& shared = world.shared_logs[name];
    if (shared.empty()) {
        shared = world.directory() / name;
        if (bytes > 0) {
            write_long_log(shared, bytes);
        } else {
            std::ofstream(shared) << (is_wrapped(command.text) ? first_lines() + last_lines() : "");
        }
    }
    command.shared_log = shared;
    command.state = ShellCommand::State::ended;
    command.exit_code = 0;
}

}  // namespace standin::daytona
