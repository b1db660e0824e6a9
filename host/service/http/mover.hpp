// What a thread that waits for its request does meanwhile: it moves the requests of everybody, unless another one does. The
// face of that towards a channel; knows no library.
#pragma once

#include <chrono>
#include <optional>

namespace berth::inline host_v1 {

class Channel;

class Mover {
public:
    using Clock = std::chrono::steady_clock;

    /// Whether the thread that waits for `channel` has the lead now: it looks once more whether it has to wait, and then
    /// moves a round. False: another one has it, and `channel` is called when it is free. Throws std::bad_alloc.
    [[nodiscard]] virtual bool take_lead(Channel& channel) = 0;
    /// The leader's: sleeps until something can be moved, somebody calls wake(), or it is `until`; then moves it.
    virtual void move(std::optional<Clock::time_point> until) noexcept = 0;
    /// The thread waits no more.
    virtual void leave(Channel& channel) noexcept = 0;
    /// Ends the sleep of the leader. Any thread, with any lock.
    virtual void wake() noexcept = 0;

protected:
    ~Mover() = default;
};

}  // namespace berth::inline host_v1
