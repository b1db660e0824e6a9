// Who moves the requests of a host: one thread at a time. A plugin's thread that waits for a request of its own leads, so that
// an answer costs no change of threads; the others wait for their turn; and a thread that waits for nothing else leads while
// there are requests for which nobody waits. Knows no request and no library.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

#include "channel.hpp"

namespace berth::inline host_v1 {

/// Any thread, but for what is said to be one thread's.
class Lead {
public:
    /// How soon somebody has to lead: a plugin that waits in a poll() of its own comes back only when it was served, any
    /// other most likely in a moment.
    enum class Need { soon, now };
    enum class Answer { done, wants_thread };  ///< there is nobody to lead: start the thread

    /// The lead for `channel`'s thread, if it is free; else it is called when it is. Throws std::bad_alloc.
    [[nodiscard]] bool take(Channel& channel);
    /// It leads or waits no more. attend() comes next.
    void leave(Channel& channel) noexcept;
    /// Sees that somebody leads while requests are open.
    [[nodiscard]] Answer attend(Need need) noexcept;
    [[nodiscard]] bool is_free() const noexcept;
    void set_open(std::size_t requests) noexcept;

    // --- the thread that waits for nothing else
    void thread_starts() noexcept;
    /// Until it has the lead. False: it is over.
    [[nodiscard]] bool take_when_needed();
    /// Whether it still has to lead; if not, it does no more.
    [[nodiscard]] bool keep() noexcept;
    void end() noexcept;

private:
    [[nodiscard]] bool is_unattended() const noexcept { return leader_ == nullptr && followers_.empty() && open_ > 0; }
    Answer call_somebody(Need need) noexcept;

    mutable std::mutex mutex_;
    const void* leader_ = nullptr;
    std::vector<Channel*> followers_;
    std::size_t open_ = 0;

    // What the thread is told of.
    bool has_thread_ = false;
    std::condition_variable needed_;
    bool wanted_ = false;
    bool at_once_ = false;
    bool over_ = false;
};

}  // namespace berth::inline host_v1
