// The program `berth`: reads its words, does the command, turns what happened into an exit code. Wires the rooms of
// the command line together and knows nothing else.
#include <fcntl.h>
#include <malloc.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "../base/error.hpp"
#include "command_builder.hpp"
#include "command_line.hpp"
#include "commands.hpp"
#include "diagnostics.hpp"
#include "exit_code.hpp"
#include "session.hpp"
#include "terminal.hpp"

namespace {

using namespace berth;
using namespace berth::cli;

constexpr int exit_closed_output = exit_signal_base + SIGPIPE;

/// A descriptor 0, 1 or 2 that is not open would be given to a file, and then commands would be written into it.
void hold_standard_descriptors() {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) >= 0) continue;
        // Read-only, so that what is written to a closed stdout fails as it should; it takes the lowest free number.
        static_cast<void>(::open("/dev/null", O_RDONLY | O_NOCTTY));
    }
}

/// What our own starter left open belongs to no provider and no sandbox.
void keep_descriptors_to_ourselves() {
    constexpr unsigned close_on_exec = 1U << 2U;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
    static_cast<void>(::syscall(SYS_close_range, 3U, ~0U, close_on_exec));
}

/// The format asked for, found even in a line that cannot be parsed: errors have it, too.
OutputFormat format_of_errors(const std::vector<std::string>& words) {
    for (std::size_t index = 0; index < words.size() && words[index] != "--"; ++index) {
        auto value = words[index];
        if ((value == "-o" || value == "--output") && index + 1 < words.size()) {
            value = words[index + 1];
        } else if (value.starts_with("--output=")) {
            value.erase(0, std::string_view("--output=").size());
        } else if (value.starts_with("-o")) {
            value.erase(0, 2);
        } else {
            continue;
        }
        if (value == "json" || value == "jsonl") return OutputFormat::jsonl;
    }
    return OutputFormat::table;
}

int end_of_failure(const Session& session, const Error& error) {
    const int signal = session.ending_signal();
    const bool quietly = signal != 0 && error.code() == Code::cancelled && error.fields().outcome == Outcome::none;
    if (!quietly || session.out().wants_json()) session.out().failure(error);
    return signal != 0 ? exit_signal_base + signal : exit_code_of(error);
}

Error unexpected(const std::exception& exception) {
    return {cli_diagnostics::unexpected, std::string("something unexpected failed: ") + exception.what(),
            "this is a bug of Berth; please report it with what you did"};
}

int perform_in(Session& session, const Command& command) {
    try {
        return std::visit([&session](const auto& typed) { return perform(session, typed); }, command);
    } catch (const Error& error) {
        return end_of_failure(session, error);
    } catch (const OutputClosed&) {
        return exit_closed_output;
    } catch (const std::exception& exception) {
        return end_of_failure(session, unexpected(exception));
    }
}

int run(std::vector<std::string> words) {
    const auto format = format_of_errors(words);
    const auto variables = EnvironmentVariables::of_process();
    const auto now = std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
    try {
        const auto invocation = build_invocation(parse_line(std::move(words)), variables, now);
        Session session(invocation.global, variables);
        return perform_in(session, invocation.command);
    } catch (const Error& error) {
        Printing(format, Verbosity::normal, Colour::off, Colour::off).failure(error);
        return exit_code_of(error);
    } catch (const std::exception& exception) {
        const auto error = unexpected(exception);
        Printing(format, Verbosity::normal, Colour::off, Colour::off).failure(error);
        return exit_code_of(error);
    }
}

}  // namespace

int main(int count, char** arguments) {
    // A handful of threads that wait most of the time: arenas of their own would cost each of them some system calls.
    ::mallopt(M_ARENA_MAX, 1);  // NOLINT(concurrency-mt-unsafe): no thread has been started yet
    hold_standard_descriptors();
    keep_descriptors_to_ourselves();
    survive_closed_pipes();
    return run({arguments + (count > 0 ? 1 : 0), arguments + count});
}
