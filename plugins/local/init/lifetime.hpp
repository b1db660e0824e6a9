// How long the sandbox may live: in all, and without anybody using it. Counted here, so that it holds when no process
// of Berth is alive, and by a clock that goes on while the machine sleeps. Knows nothing of what a use is.
#pragma once

#include <cstdint>

namespace berth_init {

class Lifetime {
public:
    // `note` takes the word that the time is over; 0 ms: no limit of that kind. Call it only when there is one. False:
    // this machine has no timer for us.
    bool start(int note, std::int64_t life_ms, std::int64_t idle_ms);
    // Readable when `over` should be asked; -1: the sandbox may live for ever.
    [[nodiscard]] int descriptor() const { return timer_; }

    // Idle time counts only from here on: while a sandbox is being made it is not idle.
    void begin_idle_time();
    void used();
    // The timer has spoken: is the time over? If not, it will speak again.
    bool over(bool busy);
    // Says for those who look later that the sandbox is to be removed, and ends everything in it.
    [[noreturn]] void end() const;

private:
    void arm() const;

    int timer_ = -1;
    int note_ = -1;
    std::int64_t life_ends_ = 0;  // CLOCK_BOOTTIME in ns; 0 = never
    std::int64_t idle_ = 0;       // ns; 0 = for ever
    std::int64_t last_use_ = 0;   // 0 = idle time does not count yet
};

}  // namespace berth_init
