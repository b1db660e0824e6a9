#include "input_pump.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace berth::inline host_v1::cli {

namespace {
constexpr std::size_t spliced_at_once = std::size_t{1} << 20U;
constexpr std::size_t copied_at_once = std::size_t{64} * 1024;
}  // namespace

InputPump::InputPump(int input, int target, std::function<void()> at_end)
    : input_(input), target_(target), at_end_(std::move(at_end)), over_(make_event()), thread_([this] { run(); }) {}

void InputPump::stop() noexcept {
    raise_event(over_);
    if (thread_.joinable()) thread_.join();
}

bool InputPump::wait_for(int descriptor, short events) const {
    std::array<pollfd, 2> waiting{{{descriptor, events, 0}, {over_.get(), POLLIN, 0}}};
    while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
    }
    return waiting[1].revents == 0;
}

InputPump::Step InputPump::splice_once() {
    if (!wait_for(target_, POLLOUT)) return Step::stopped;
    const auto moved = ::splice(input_, nullptr, target_, nullptr, spliced_at_once, SPLICE_F_NONBLOCK);
    if (moved > 0) return Step::moved;
    if (moved == 0) return Step::ended;
    if (errno == EAGAIN || errno == EINTR) return Step::moved;
    if (errno == EPIPE) return Step::target_gone;
    return errno == EINVAL ? Step::not_spliceable : Step::ended;
}

InputPump::Step InputPump::copy_once() {
    std::array<char, copied_at_once> buffer;
    const auto count = ::read(input_, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return Step::moved;
    if (count <= 0) return Step::ended;  // a terminal that is gone answers EIO: that is its end
    std::string_view rest(buffer.data(), static_cast<std::size_t>(count));
    while (!rest.empty()) {
        if (!wait_for(target_, POLLOUT)) return Step::stopped;
        // A pipe that has room takes this many bytes without blocking.
        const auto written = ::write(target_, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
        if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
        if (written < 0 && errno == EPIPE) return Step::target_gone;
        if (written < 0 && errno != EINTR && errno != EAGAIN) return Step::ended;
    }
    return Step::moved;
}

void InputPump::run() {
    bool spliceable = true;
    while (wait_for(input_, POLLIN)) {
        auto step = spliceable ? splice_once() : copy_once();
        if (step == Step::not_spliceable) {
            spliceable = false;
            step = Step::moved;
        }
        if (step == Step::moved) continue;
        if (step == Step::ended) at_end_();
        return;
    }
}

}  // namespace berth::inline host_v1::cli
