#include "lifetime.hpp"

#include <fcntl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

namespace berth_init {
namespace {

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t second = 1'000 * millisecond;

std::int64_t boot_time() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * second + now.tv_nsec;
}

}  // namespace

bool Lifetime::start(int note, std::int64_t life_ms, std::int64_t idle_ms) {
    note_ = note;
    life_ends_ = life_ms > 0 ? boot_time() + life_ms * millisecond : 0;
    idle_ = idle_ms * millisecond;
    timer_ = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    arm();
    return timer_ >= 0;
}

void Lifetime::begin_idle_time() {
    if (idle_ != 0) {
        last_use_ = boot_time();
        arm();
    }
}

void Lifetime::used() {
    // The timer stays as it is: when it speaks too early it is asked again. So a use costs one look at the clock.
    if (last_use_ != 0) {
        last_use_ = boot_time();
    }
}

bool Lifetime::over(bool busy) {
    std::uint64_t times = 0;
    [[maybe_unused]] const ssize_t size = read(timer_, &times, sizeof times);
    const std::int64_t now = boot_time();
    if (life_ends_ != 0 && now >= life_ends_) {
        return true;
    }
    if (busy) {
        used();
    } else if (last_use_ != 0 && now - last_use_ >= idle_) {
        return true;
    }
    arm();
    return false;
}

void Lifetime::arm() const {
    std::int64_t at = life_ends_;
    if (last_use_ != 0 && (at == 0 || last_use_ + idle_ < at)) {
        at = last_use_ + idle_;
    }
    itimerspec when{};
    when.it_value.tv_sec = at / second;
    when.it_value.tv_nsec = at % second;
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void Lifetime::end() const {
    [[maybe_unused]] const ssize_t size = write(note_, "over\n", 5);
    _exit(0);
}

}  // namespace berth_init
