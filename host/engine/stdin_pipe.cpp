#include "stdin_pipe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "../base/broken_pipe.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr int wanted_capacity = 256 << 10;

}  // namespace

StdinPipe::StdinPipe() : over_(make_event()) {
    auto pipe = make_pipe();
    read_end_ = std::move(pipe.read_end);
    write_end_ = std::move(pipe.write_end);
    // Only our end: the flag belongs to the open end, and the process may want its own to block.
    ::fcntl(write_end_.get(), F_SETFL, O_WRONLY | O_NONBLOCK);
    // Fewer turns between the two sides of a long input. The system may refuse: then it is as large as pipes are.
    ::fcntl(write_end_.get(), F_SETPIPE_SZ, wanted_capacity);
    number_.store(write_end_.get());
}

StdinPipe::Written StdinPipe::write(std::string_view bytes) {
    const std::lock_guard lock(writing_);
    const BrokenPipeIsNoSignal quiet;
    while (!bytes.empty()) {
        if (number_.load() < 0) return Written::closed;
        if (ended_.load()) return Written::reader_gone;
        const auto written = ::write(write_end_.get(), bytes.data(), bytes.size());
        if (written >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EPIPE) return Written::reader_gone;
        std::array<pollfd, 2> waiting{pollfd{write_end_.get(), POLLOUT, 0}, pollfd{over_.get(), POLLIN, 0}};
        ::poll(waiting.data(), waiting.size(), -1);
    }
    return number_.load() < 0 ? Written::closed : Written::all;
}

void StdinPipe::close() noexcept {
    if (number_.exchange(-1) < 0) return;
    raise_event(over_);
    const std::lock_guard lock(writing_);
    write_end_.reset();
}

void StdinPipe::end_of_process() noexcept {
    ended_.store(true);
    raise_event(over_);
}

}  // namespace berth::inline host_v1
