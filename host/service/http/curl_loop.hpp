// The one thread that moves every request of a host, with the connections that they share. Knows no plugin.
#pragma once

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

namespace berth::inline host_v1 {

class CurlLoop {
public:
    /// Throws std::bad_alloc, std::system_error when there is no thread.
    explicit CurlLoop(HttpTransportOptions options);
    CurlLoop(const CurlLoop&) = delete;
    CurlLoop& operator=(const CurlLoop&) = delete;
    /// Every request must have been closed; what is under way is cut.
    ~CurlLoop();

    /// Begins `channel`, or looks at what has changed in it. Any thread. Throws std::bad_alloc.
    void look_at(std::shared_ptr<Channel> channel);

private:
    using Clock = std::chrono::steady_clock;

    /// A request: at work, or waiting for its next attempt.
    struct Request {
        std::shared_ptr<Channel> channel;
        CurlAttempt::Turn next;
        Clock::time_point due{};                 ///< when there is no attempt
        std::unique_ptr<CurlAttempt> attempt{};  ///< at work
    };
    void run() noexcept;
    void take_orders();
    void look(Request& request);
    void begin(Request& request);
    void stop(Request& request);
    void cancel(Request& request);
    void tell_touched() noexcept;
    void finish_what_is_done();
    void settle(Request& request, CurlAttempt::Verdict verdict);
    void watch_time();
    [[nodiscard]] int patience() const;
    void forget(Request& request);
    void fail_all() noexcept;

    const HttpTransportOptions options_;
    SharedHandle shared_;
    MultiHandle multi_;
    std::unordered_map<Channel*, Request> requests_;  ///< the thread's own
    CurlAttempt::Touched touched_;                    ///< the thread's own

    std::mutex mutex_;
    std::vector<std::shared_ptr<Channel>> orders_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace berth::inline host_v1
