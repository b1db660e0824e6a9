// Every request of a host, with the connections that they share. Whoever has the lead moves them, and whoever brings something
// new to do does it itself unless another thread is at it. Knows no plugin.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "channel.hpp"
#include "curl.hpp"
#include "curl_attempt.hpp"
#include "curl_sockets.hpp"
#include "lead.hpp"
#include "mover.hpp"

namespace berth::inline host_v1 {

class CurlLoop final : public Mover {
public:
    /// Throws std::bad_alloc, std::system_error when there is nothing to wait with.
    explicit CurlLoop(HttpTransportOptions options);
    CurlLoop(const CurlLoop&) = delete;
    CurlLoop& operator=(const CurlLoop&) = delete;
    /// Every request must have been closed; what is under way is cut.
    ~CurlLoop();

    // Any thread.
    /// Begins `channel`, or looks at what has changed in it. Throws std::bad_alloc.
    void look_at(std::shared_ptr<Channel> channel);
    /// The same by somebody who must not wait: another thread does it. Throws std::bad_alloc.
    void leave_word(std::shared_ptr<Channel> channel);
    /// What has come by now is taken, if nobody else is there to do it. False: nothing was done.
    bool glance() noexcept;
    /// The plugin is going to wait in its own way: from now on somebody moves what is under way.
    void see_to_it() noexcept { attend(Lead::Need::now); }

    [[nodiscard]] bool take_lead(Channel& channel) override;
    void move(std::optional<Clock::time_point> until) noexcept override;
    void leave(Channel& channel) noexcept override;
    void wake() noexcept override { sockets_.wake(); }

private:
    /// A request: at work, or waiting for its next attempt.
    struct Request {
        std::shared_ptr<Channel> channel;
        CurlAttempt::Turn next;
        Clock::time_point due{};                 ///< when there is no attempt
        std::unique_ptr<CurlAttempt> attempt{};  ///< at work
    };
    void run() noexcept;
    void attend(Lead::Need need) noexcept;
    void start_thread() noexcept;
    void place(std::shared_ptr<Channel> channel);
    void serve_orders() noexcept;
    // The rest is whose who has `work_`.
    void work(const CurlSockets::Ready& ready) noexcept;
    void take_orders();
    void look(Request& request);
    void begin(Request& request);
    void stop(Request& request);
    void cancel(Request& request);
    void tell_touched() noexcept;
    void finish_what_is_done();
    void settle(Request& request, CurlAttempt::Verdict verdict);
    void watch_time();
    void forget(Request& request);
    void fail_all() noexcept;

    const HttpTransportOptions options_;
    Lead lead_;

    std::mutex work_;  ///< taken before a channel's
    SharedHandle shared_;
    MultiHandle multi_;
    CurlSockets sockets_;
    std::unordered_map<Channel*, Request> requests_;
    CurlAttempt::Notes notes_{sockets_};

    std::mutex orders_mutex_;
    std::vector<std::shared_ptr<Channel>> orders_;
    std::atomic<bool> has_orders_{false};

    std::once_flag thread_once_;
    std::thread thread_;
};

}  // namespace berth::inline host_v1
