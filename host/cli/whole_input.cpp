#include "whole_input.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "../base/error.hpp"
#include "../base/file_descriptor.hpp"
#include "diagnostics.hpp"
#include "terminal.hpp"

namespace berth::inline host_v1::cli {

namespace {

[[noreturn]] void no_live_stdin(std::string_view provider, std::string message, std::string hint) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.hint = std::move(hint);
    fields.provider = provider;
    fields.operation = "execute_stream";
    throw Error(cli_diagnostics::no_live_stdin, std::move(fields));
}

}  // namespace

std::string read_whole_input(int descriptor, std::string_view provider, const std::stop_token& stop) {
    if (is_terminal(descriptor)) {
        no_live_stdin(provider, "the provider cannot pass on input while it is typed (feature stdin)",
                      "give it a file or a pipe, or leave -i out");
    }
    const auto stopped = make_event();
    const std::stop_callback wake(stop, [&stopped] { raise_event(stopped); });
    std::string bytes;
    std::array<char, 65536> buffer;
    while (true) {
        std::array<pollfd, 2> waiting{{{descriptor, POLLIN, 0}, {stopped.get(), POLLIN, 0}}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) continue;
        if (waiting[1].revents != 0) {
            throw Error(cli_diagnostics::interrupted, "interrupted while standard input was read");
        }
        const auto count = ::read(descriptor, buffer.data(), buffer.size());
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) {
            throw Error(cli_diagnostics::input_failed, "standard input cannot be read: " + system_message(errno),
                        "give it a file or a pipe, or leave -i out");
        }
        if (count == 0) return bytes;
        bytes.append(buffer.data(), static_cast<std::size_t>(count));
        if (bytes.size() > most_whole_input) {
            no_live_stdin(provider,
                          "standard input is more than 16 MiB, and the provider cannot take it as it comes "
                          "(feature stdin)",
                          "copy it in with `berth cp` and read it there");
        }
    }
}

}  // namespace berth::inline host_v1::cli
