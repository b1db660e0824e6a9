// One connection between two threads: the plugin's, which sends and receives, and the transport's, which moves bytes.
// Bounded in both directions; whoever is ahead waits. Knows no library.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "../call_wait.hpp"
#include "../socket_transport.hpp"

namespace berth::inline host_v1 {

class ServiceCall;

class Mailbox {
public:
    /// So many bytes of messages wait in each direction before the faster side has to; one message may be larger.
    static constexpr std::size_t most_waiting = std::size_t{1} << 20U;

    struct Letter {
        SocketMessageKind kind = SocketMessageKind::text;
        std::string bytes;
    };

    Mailbox() = default;
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // --- the transport's side ---

    void is_open();
    /// False: no more, until take_room() says that there is room.
    [[nodiscard]] bool arrived(SocketEvent event);
    void ended(int close_code);  ///< no message will come any more
    void failed(SocketFailure failure);
    /// The next to be sent; nothing when there is none.
    [[nodiscard]] std::optional<Letter> next_outgoing();
    /// The code to say goodbye with, once everything before it has been sent.
    [[nodiscard]] std::optional<int> goodbye();

    // --- the plugin's side; those with a call wait ---

    [[nodiscard]] SocketStep opened(const ServiceCall& call);
    [[nodiscard]] SocketStep send(const ServiceCall& call, Letter letter);
    enum class Waiting { no, yes };
    [[nodiscard]] SocketStep receive(const ServiceCall& call, Waiting waiting, SocketEvent& into);
    [[nodiscard]] int descriptor();
    void close(int code);
    void cancel();
    [[nodiscard]] const SocketFailure& failure() const noexcept { return failure_; }  ///< after `failed`
    /// Whether the transport waits for room that is there again.
    [[nodiscard]] bool has_room_again() const;
    /// The same, and it waits no longer.
    [[nodiscard]] bool take_room();

private:
    using Lock = CallWait::Lock;
    template <typename Ready>
    [[nodiscard]] bool wait(const ServiceCall& call, Lock& lock, Ready&& ready);
    [[nodiscard]] static bool stopped(const ServiceCall& call, Lock& lock);
    void tell();
    [[nodiscard]] bool is_readable() const noexcept { return !incoming_.empty() || close_code_ || failed_; }

    mutable std::mutex mutex_;
    CallWait waiting_;
    ReadinessEvent event_;
    bool open_ = false;
    bool failed_ = false;
    SocketFailure failure_;
    std::optional<int> close_code_;  ///< the peer's end of it
    std::optional<int> goodbye_;     ///< ours
    std::deque<SocketEvent> incoming_;
    std::size_t incoming_bytes_ = 0;
    bool reader_waits_ = false;
    std::deque<Letter> outgoing_;
    std::size_t outgoing_bytes_ = 0;
};

}  // namespace berth::inline host_v1
