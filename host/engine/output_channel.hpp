// The two streams of one process between the plugin that delivers and the reader who may be slow: bounded, and never
// in the way of a kill. Knows neither plugin nor result.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "../provider/provider.hpp"
#include "process.hpp"

namespace berth::inline host_v1 {

class OutputChannel {
public:
    using Clock = std::chrono::steady_clock;
    using Taken = ProcessReceiver::Taken;
    /// Unread bytes of one stream that make the process wait.
    static constexpr std::size_t capacity = std::size_t{256} << 10U;
    /// What may come on top once nobody may wait any more: the rest of a killed process fits in.
    static constexpr std::size_t reserve = std::size_t{1} << 20U;
    /// How often a process may outlive a signal and get room again.
    static constexpr std::size_t most_reserves = 8;

    explicit OutputChannel(Overflow overflow) noexcept : overflow_(overflow) {}
    OutputChannel(const OutputChannel&) = delete;
    OutputChannel& operator=(const OutputChannel&) = delete;

    // --- the plugin's side, one thread at a time ---
    /// Takes all or nothing. Blocks while the reader is behind, and first answers `interrupted` once for each event said
    /// meanwhile while `event_waiting` is true.
    [[nodiscard]] Taken offer(OutputStream stream, std::string_view bytes, const std::function<bool()>& event_waiting);
    /// Nothing will come any more.
    void end();

    // --- the caller's side, any thread ---
    /// Something was said to the call: an offer that waits looks up.
    void wake();
    /// A signal was sent, and said by `wake` before this: `reserve` may come on top of what is unread, so that what a
    /// dying process leaves behind finds room although nobody reads.
    void make_room();
    /// From that moment on no offer waits: the oldest unread bytes go once `reserve` is used up.
    void flow_freely_from(Clock::time_point moment);
    /// Nobody reads any more: unread bytes go, and so does all that comes.
    void abandon();
    /// Waits for bytes until `moment` (absent: for ever); 0 at the end, absent when nothing came.
    [[nodiscard]] std::optional<std::size_t> read(OutputStream stream, std::span<std::byte> buffer,
                                                  std::optional<Clock::time_point> moment);

private:
    struct Queue {
        std::string bytes;
        std::size_t begin = 0;  ///< what is before it has been read
        [[nodiscard]] std::size_t unread() const noexcept { return bytes.size() - begin; }
        void push(std::string_view more);
        void drop_to(std::size_t count);
        std::size_t take(std::span<std::byte> buffer);
    };
    [[nodiscard]] Queue& queue(OutputStream stream) noexcept {
        return queues_[stream == OutputStream::output ? 0U : 1U];
    }

    const Overflow overflow_;
    std::mutex mutex_;
    std::condition_variable readable_;
    std::condition_variable writable_;
    std::array<Queue, 2> queues_;
    std::uint64_t events_ = 0;       ///< said so far
    std::uint64_t interrupted_ = 0;  ///< how many of them an offer has answered for
    std::optional<Clock::time_point> free_from_;
    std::size_t room_ = capacity;
    bool abandoned_ = false;
    bool ended_ = false;
};

}  // namespace berth::inline host_v1
