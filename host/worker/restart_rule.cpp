#include "restart_rule.hpp"

#include <algorithm>

namespace berth::inline host_v1 {

void RestartRule::died(Clock::time_point now) {
    while (!deaths_.empty() && now - deaths_.front() > memory)
        deaths_.pop_front();
    deaths_.push_back(now);
    if (deaths_.size() == 1) {
        may_start_at_ = now;  // one crash is an accident, and whoever waits should not wait longer for it
        return;
    }
    auto pause = first_pause;
    for (std::size_t death = 2; death < deaths_.size() && pause < longest_pause; ++death)
        pause *= 2;
    may_start_at_ = now + std::min(pause, longest_pause);
}

bool RestartRule::is_exhausted(Clock::time_point now) const {
    const auto recent =
        std::count_if(deaths_.begin(), deaths_.end(), [now](Clock::time_point death) { return now - death <= memory; });
    return static_cast<std::size_t>(recent) >= too_many;
}

}  // namespace berth::inline host_v1
