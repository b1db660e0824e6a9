// What libcurl waits for, as one thing to sleep on: its sockets, its next moment, and a bell for what the leader has to look
// at besides. Knows no request.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "../../base/file_descriptor.hpp"
#include "curl.hpp"

namespace berth::inline host_v1 {

class CurlSockets {
public:
    using Clock = std::chrono::steady_clock;

    /// Sockets that something can be done with.
    struct Ready {
        std::array<epoll_event, 64> events;
        int count = 0;
    };

    /// Throws std::system_error. `multi` tells this one of its sockets from now on, and must not be gone before it.
    explicit CurlSockets(CURLM* multi);
    CurlSockets(const CurlSockets&) = delete;
    CurlSockets& operator=(const CurlSockets&) = delete;

    // --- the leader's
    /// From here on wake() ends the next sleep: whatever is looked at after this is not missed.
    void lie_down() noexcept { asleep_.store(true); }
    void get_up() noexcept { asleep_.store(false); }
    [[nodiscard]] Ready sleep(std::optional<Clock::time_point> until) noexcept;

    // --- any thread's
    void wake() noexcept {
        if (asleep_.exchange(false)) raise_event(bell_);
    }
    /// What is ready now.
    [[nodiscard]] Ready glance() noexcept { return wait(0); }

    // --- whose who may use the multi handle
    /// CURLOPT_CLOSESOCKETFUNCTION, with this one as its data: libcurl tells of a socket that it has closed afterwards, when
    /// its number may be somebody else's.
    static int close_socket(void* self, curl_socket_t socket) noexcept;
    /// Lets libcurl do what can be done. Throws std::bad_alloc when a socket could not be waited for.
    void act(const Ready& ready);
    /// The same for what is due by time. False: nothing is.
    bool act_if_due();
    /// When the leader has to look again at the latest, `own` for what is not libcurl's.
    void plan(Clock::time_point own) noexcept;

private:
    struct Callbacks;
    [[nodiscard]] Ready wait(int milliseconds) noexcept;
    [[nodiscard]] bool watch(curl_socket_t socket, int what) noexcept;
    [[nodiscard]] bool is_watched(curl_socket_t socket) const noexcept;
    void act(curl_socket_t socket, int what);

    CURLM* const multi_;
    FileDescriptor epoll_;
    FileDescriptor bell_;
    Clock::time_point due_ = Clock::time_point::max();  ///< what libcurl asked for
    bool has_failed_ = false;
    std::vector<bool> watched_;  ///< by number
    std::atomic<Clock::rep> planned_{Clock::time_point::max().time_since_epoch().count()};
    std::atomic<bool> asleep_{false};
};

}  // namespace berth::inline host_v1
