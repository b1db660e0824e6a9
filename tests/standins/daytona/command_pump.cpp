#include "command_pump.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "shell_run.hpp"

namespace standin::daytona {

namespace {

constexpr std::size_t piece_size = 65536;
constexpr std::size_t exit_index = 2;
constexpr std::size_t over_index = 3;

}  // namespace

CommandPump::CommandPump(const ShellCommand& command, Ends ends)
    : ends_(std::move(ends)), log_(::open(command.log().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)) {
    if (!log_) throw std::system_error(errno, std::generic_category(), command.log().string());
}

void CommandPump::write(std::string_view bytes) {
    if (const int failure = berth::write_all(log_.get(), bytes)) {
        throw std::system_error(failure, std::generic_category(), "writing a session's log");
    }
}

void CommandPump::keep(std::size_t index, std::string_view bytes) {
    auto& partial = partial_[index];
    if (index == exit_index) {
        partial += bytes;
        return;
    }
    std::string lines;
    const auto marker = index == 0 ? stdout_marker : stderr_marker;
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto part = bytes.substr(0, end);
        std::copy_if(part.begin(), part.end(), std::back_inserter(partial), [](char letter) { return letter != '\0'; });
        if (end == std::string_view::npos) break;
        lines.append(marker).append(partial).append("\n");
        partial.clear();
        bytes.remove_prefix(end + 1);
    }
    write(lines);
}

CommandPump::Reading CommandPump::take(std::size_t index) {
    const std::array from{ends_.output.get(), ends_.error.get(), ends_.exit.get()};
    std::array<char, piece_size> bytes{};
    const auto count = ::read(from[index], bytes.data(), bytes.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR ? Reading::goes_on : Reading::at_end;
    if (count == 0) return Reading::at_end;
    keep(index, {bytes.data(), static_cast<std::size_t>(count)});
    return Reading::goes_on;
}

std::optional<int> CommandPump::run() {
    std::array<pollfd, 4> waits{pollfd{ends_.output.get(), POLLIN, 0}, pollfd{ends_.error.get(), POLLIN, 0},
                                pollfd{ends_.exit.get(), POLLIN, 0}, pollfd{ends_.shell_over.get(), POLLIN, 0}};
    const auto open = [&] {
        return std::any_of(waits.begin(), waits.begin() + over_index, [](const pollfd& each) { return each.fd >= 0; });
    };
    bool shell_over = false;
    while (open()) {
        if (::poll(waits.data(), waits.size(), -1) < 0) continue;
        if (waits[over_index].revents != 0) {
            shell_over = true;
            waits[over_index].fd = -1;
        }
        for (std::size_t index = 0; index < over_index; ++index) {
            // A pipe that nobody has opened yet looks as if it had ended; only a dead shell will not open it any more.
            if (waits[index].fd < 0 || (waits[index].revents == 0 && !shell_over)) continue;
            if (take(index) == Reading::at_end) waits[index].fd = -1;
        }
    }
    for (std::size_t index = 0; index < exit_index; ++index) {
        if (!partial_[index].empty()) keep(index, "\n");
    }
    return partial_[exit_index].empty() ? std::nullopt : std::optional(std::stoi(partial_[exit_index]));
}

}  // namespace standin::daytona
