#include "curl_sockets.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

namespace berth::inline host_v1 {

namespace {

constexpr int longest_sleep_ms = 60'000;

}  // namespace

/// The C functions that libcurl tells its wishes.
struct CurlSockets::Callbacks {
    static int socket(CURL* /*easy*/, curl_socket_t socket, int what, void* self, void* /*own*/) noexcept {
        auto& sockets = *static_cast<CurlSockets*>(self);
        if (sockets.watch(socket, what)) return 0;
        sockets.has_failed_ = true;
        return -1;
    }
    static int time(CURLM* /*multi*/, long milliseconds, void* self) noexcept {
        static_cast<CurlSockets*>(self)->due_ =
            milliseconds < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(milliseconds);
        return 0;
    }
};

CurlSockets::CurlSockets(CURLM* multi) : multi_(multi), epoll_(::epoll_create1(EPOLL_CLOEXEC)), bell_(make_event()) {
    if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;  // each ring is heard once, without taking it back
    event.data.fd = bell_.get();
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, bell_.get(), &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    (void)::curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Callbacks::socket);
    (void)::curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, static_cast<void*>(this));
    (void)::curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Callbacks::time);
    (void)::curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, static_cast<void*>(this));
}

bool CurlSockets::is_watched(curl_socket_t socket) const noexcept {
    const auto number = static_cast<std::size_t>(socket);
    return number < watched_.size() && watched_[number];
}

bool CurlSockets::watch(curl_socket_t socket, int what) noexcept {
    epoll_event event{};
    event.data.fd = socket;
    const auto number = static_cast<std::size_t>(socket);
    if (what == CURL_POLL_REMOVE) {
        if (!is_watched(socket)) return true;
        watched_[number] = false;
        (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket, &event);
        return true;
    }
    event.events = ((what & CURL_POLL_IN) != 0 ? std::uint32_t{EPOLLIN} : 0U) |
                   ((what & CURL_POLL_OUT) != 0 ? std::uint32_t{EPOLLOUT} : 0U);
    if (is_watched(socket)) return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket, &event) == 0;
    try {
        if (number >= watched_.size()) watched_.resize(number + 1);
    } catch (const std::bad_alloc&) {
        return false;
    }
    watched_[number] = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event) == 0;
    return watched_[number];
}

int CurlSockets::close_socket(void* self, curl_socket_t socket) noexcept {
    auto& sockets = *static_cast<CurlSockets*>(self);
    if (sockets.is_watched(socket)) (void)sockets.watch(socket, CURL_POLL_REMOVE);
    return ::close(socket);
}

CurlSockets::Ready CurlSockets::wait(int milliseconds) noexcept {
    Ready ready;
    ready.count = ::epoll_wait(epoll_.get(), ready.events.data(), static_cast<int>(ready.events.size()), milliseconds);
    return ready;
}

CurlSockets::Ready CurlSockets::sleep(std::optional<Clock::time_point> until) noexcept {
    Clock::time_point end{Clock::duration{planned_.load()}};
    if (until) end = std::min(end, *until);
    int milliseconds = longest_sleep_ms;
    if (end != Clock::time_point::max()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        milliseconds = static_cast<int>(std::clamp<std::int64_t>(left, 0, longest_sleep_ms));
    }
    const auto ready = wait(milliseconds);
    get_up();
    return ready;
}

void CurlSockets::act(curl_socket_t socket, int what) {
    int running = 0;
    (void)::curl_multi_socket_action(multi_, socket, what, &running);
    if (has_failed_) {
        has_failed_ = false;
        throw std::bad_alloc();
    }
}

void CurlSockets::act(const Ready& ready) {
    for (int index = 0; index < ready.count; ++index) {
        const auto& event = ready.events.at(static_cast<std::size_t>(index));
        if (event.data.fd == bell_.get()) continue;
        int what = 0;
        if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
        if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
        if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_IN | CURL_CSELECT_OUT;
        act(event.data.fd, what);
    }
}

bool CurlSockets::act_if_due() {
    if (due_ == Clock::time_point::max() || due_ > Clock::now()) return false;
    due_ = Clock::time_point::max();
    act(CURL_SOCKET_TIMEOUT, 0);
    return true;
}

void CurlSockets::plan(Clock::time_point own) noexcept {
    const auto next = std::min(own, due_).time_since_epoch().count();
    if (planned_.exchange(next) > next) wake();  // who leads may sleep for longer than that
}

}  // namespace berth::inline host_v1
