// `berth logs`.
#include <unistd.h>

#include <exception>
#include <stop_token>

#include "commands.hpp"
#include "exit_code.hpp"
#include "people_text.hpp"
#include "terminal.hpp"

namespace berth::inline host_v1::cli {

namespace {

/// Lines as they are, or each as {"line": ...}. What a process printed must not steer the terminal of who reads it later.
void print_lines(const Printing& out, std::string_view bytes) {
    if (!out.wants_json()) {
        is_terminal(STDOUT_FILENO) ? out.text(terminal_lines(bytes)) : out.text(bytes);
        return;
    }
    std::string lines;
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        lines += compact({{"line", json_of_bytes(bytes.substr(0, end))}});
        bytes = end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1);
    }
    out.text(lines);
}

int follow(Session& session, const SandboxName& sandbox, const LogOptions& options) {
    std::stop_source stop;
    const std::stop_callback on_signal(session.signals().token(), [&stop] { stop.request_stop(); });
    CallOptions call;
    call.stop = stop.get_token();
    std::exception_ptr failure;  // of our own output; thrown here, not through the provider
    try {
        session.host().follow_logs(
            sandbox, options,
            [&](std::string_view bytes) {
                try {
                    if (!failure) print_lines(session.out(), bytes);
                } catch (...) {
                    failure = std::current_exception();
                    stop.request_stop();
                }
            },
            call);
    } catch (const Error& error) {
        if (error.code() != Code::cancelled || !stop.stop_requested()) throw;
    }
    if (failure) std::rethrow_exception(failure);
    return session.ending_signal() == 0 ? exit_ok : exit_signal_base + session.ending_signal();
}

}  // namespace

int perform(Session& session, const LogsCommand& command) {
    const auto sandbox = sandbox_named(command.sandbox);
    if (command.follow == Follow::yes) return follow(session, sandbox, command.options);
    print_lines(session.out(), session.host().get_logs(sandbox, command.options, session.call()));
    return exit_ok;
}

}  // namespace berth::inline host_v1::cli
