// One attempt at one request: an easy handle of libcurl, what it is told, and what its answers mean for the request.
// One thread at a time, whoever moves the requests. Knows no other request.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "../http_transport.hpp"
#include "answer_lines.hpp"
#include "channel.hpp"
#include "curl.hpp"
#include "curl_sockets.hpp"

namespace berth::inline host_v1 {

/// A random number from 0 to 1.
[[nodiscard]] double new_chance();

class CurlAttempt {
public:
    using Clock = std::chrono::steady_clock;

    /// What an attempt came to.
    struct Done {};
    struct Again {
        Milliseconds wait;
    };
    struct Elsewhere {
        std::string url;
    };
    using Verdict = std::variant<Done, Again, Elsewhere, HttpFailure>;

    /// Which attempt this is, and where it goes.
    struct Turn {
        unsigned number = 1;
        unsigned redirects = 0;
        std::string url;
        bool sent_before = false;  ///< an earlier attempt may have reached the server
    };

    /// What attempts leave for whoever moves them.
    struct Notes {
        CurlSockets& sockets;             ///< hears of every socket that is closed
        std::vector<Channel*> touched{};  ///< have got something that they were not told of; perhaps twice
        Clock::time_point look_at = Clock::time_point::max();  ///< no idle_at() comes before
        void expect(Clock::time_point time) noexcept { look_at = std::min(look_at, time); }
    };

    /// Throws std::bad_alloc. `channel` and `notes` outlive it.
    CurlAttempt(Channel& channel, Turn turn, const HttpTransportOptions& options, CURLSH* shared, Notes& notes);
    CurlAttempt(const CurlAttempt&) = delete;
    CurlAttempt& operator=(const CurlAttempt&) = delete;

    [[nodiscard]] CURL* easy() const noexcept { return easy_.get(); }
    [[nodiscard]] const Turn& turn() const noexcept { return turn_; }

    /// There is something to send, or room to receive, again.
    void resume();
    /// What the library's result comes to.
    [[nodiscard]] Verdict verdict(CURLcode result);
    /// What it comes to that nothing has moved for too long.
    [[nodiscard]] Verdict too_idle();
    /// When it will have been idle for too long; absent: it may be, or somebody else is who waits, or it has not got a
    /// connection yet, which has a limit of its own.
    [[nodiscard]] std::optional<Clock::time_point> idle_at() const noexcept;
    /// Whether the request may have left, in this attempt or an earlier one; certain only in its no.
    [[nodiscard]] HttpFailure::Sent sent() const;

private:
    struct Callbacks;
    void configure(const HttpTransportOptions& options, CURLSH* shared);
    void configure_body();
    void configure_headers(const HttpTransportOptions& options);
    template <typename Value>
    void set(CURLoption option, Value value);
    void add_header(const std::string& line);

    [[nodiscard]] bool sent_by_this() const;
    void touched();
    [[nodiscard]] bool has_plan_b() const noexcept { return !std::holds_alternative<std::monostate>(plan_b_); }
    [[nodiscard]] bool may_leave();
    [[nodiscard]] std::size_t outgoing(char* buffer, std::size_t room);
    [[nodiscard]] std::size_t line(std::string_view text);
    [[nodiscard]] std::size_t body(std::string_view bytes);
    void moved() noexcept { moved_at_ = Clock::now(); }
    void goes_elsewhere(std::variant<std::monostate, Again, Elsewhere> plan);
    void idles_from_now() noexcept;
    void decide();
    [[nodiscard]] bool may_be_repeated() const noexcept;
    [[nodiscard]] std::optional<Milliseconds> next_wait(std::optional<Milliseconds> retry_after) const;
    [[nodiscard]] Verdict failed(HttpFailure failure);
    [[nodiscard]] bool end_is_told() const;

    Channel& channel_;
    const HttpRequestPlan& plan_;
    Notes& notes_;
    Turn turn_;
    HeaderList headers_;
    std::array<char, CURL_ERROR_SIZE> words_{};
    AnswerLines lines_;
    std::string sending_;
    std::size_t sent_of_it_ = 0;
    std::size_t thrown_away_ = 0;
    bool handed_over_ = false;  ///< the plugin has the head: this attempt is the last
    bool sent_twice_ = false;   ///< the library was kept from sending it once more
    bool waits_for_plugin_ = false;
    std::variant<std::monostate, Again, Elsewhere> plan_b_;  ///< what the head said, when it is not handed over
    bool has_connection_ = false;
    Clock::time_point moved_at_ = Clock::now();
    Clock::time_point decided_at_{};  ///< with a plan b
    curl_off_t uploaded_ = 0;
    EasyHandle easy_;  ///< dies first: it writes its last words into the others
};

}  // namespace berth::inline host_v1
