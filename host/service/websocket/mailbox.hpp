// One connection between two threads: the plugin's, which sends and receives, and the transport's, which moves bytes.
// Bounded in both directions; whoever is ahead waits. What arrived together is handed over together. Knows no library.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../call_wait.hpp"
#include "../socket_transport.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

class Mailbox {
public:
    /// So much waits in each direction before the faster side has to, beside what the plugin fetched at once; one message
    /// may be larger.
    static constexpr std::size_t most_waiting = std::size_t{1} << 20U;
    /// What a message costs beside its bytes: the empty ones would be without bounds.
    static constexpr std::size_t message_cost = 64;

    struct Letter {
        SocketMessageKind kind = SocketMessageKind::text;
        std::string bytes;
    };

    Mailbox() = default;
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // --- the transport's side ---

    void is_open();
    /// Takes them and leaves the vector empty, to be filled again. False: no more, until may_read_on().
    [[nodiscard]] bool arrived(std::vector<SocketEvent>& events);
    void ended(int close_code);  ///< no message will come any more
    void failed(SocketFailure failure);
    /// The next to be sent; nothing when there is none.
    [[nodiscard]] std::optional<Letter> next_outgoing();
    /// The code to say goodbye with, once everything before it has been sent.
    [[nodiscard]] std::optional<int> goodbye();
    [[nodiscard]] bool may_read_on();

    // --- the plugin's side; those with a call wait ---

    [[nodiscard]] SocketStep opened(const ServiceCall& call);
    [[nodiscard]] SocketStep send(const ServiceCall& call, Letter letter);
    enum class Waiting { no, yes };
    /// done: event(), until the next receive.
    [[nodiscard]] SocketStep receive(const ServiceCall& call, Waiting waiting);
    [[nodiscard]] const SocketEvent& event() const noexcept { return event_; }
    [[nodiscard]] int descriptor();
    void close(int code);
    void cancel();
    [[nodiscard]] const SocketFailure& failure() const noexcept { return failure_; }  ///< after `failed`
    /// Whether receiving has made room that the transport waits for: then it has to be told, once.
    [[nodiscard]] bool has_made_room() noexcept { return std::exchange(has_made_room_, false); }

private:
    using Lock = CallWait::Lock;
    template <typename Ready>
    [[nodiscard]] bool wait(const ServiceCall& call, Lock& lock, Ready&& ready);
    [[nodiscard]] static bool stopped(const ServiceCall& call, Lock& lock);
    void fetch();
    void tell();
    [[nodiscard]] bool is_over() const noexcept { return close_code_ || failed_; }
    /// For the plugin's thread, with the lock.
    [[nodiscard]] bool is_readable() const noexcept { return next_ < held_.size() || !incoming_.empty() || is_over(); }

    mutable std::mutex mutex_;
    CallWait waiting_;
    ReadinessEvent readiness_;
    bool open_ = false;
    bool failed_ = false;
    SocketFailure failure_;
    std::optional<int> close_code_;  ///< the peer's end of it
    std::optional<int> goodbye_;     ///< ours
    std::vector<SocketEvent> incoming_;
    std::size_t incoming_cost_ = 0;
    bool reader_waits_ = false;
    std::deque<Letter> outgoing_;
    std::size_t outgoing_cost_ = 0;

    // The plugin's thread alone, without the lock: what it fetched, and where it is in there.
    std::vector<SocketEvent> held_;
    std::size_t next_ = 0;
    SocketEvent event_;
    bool has_made_room_ = false;
};

}  // namespace berth::inline host_v1
