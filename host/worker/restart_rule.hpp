// When a dead worker may be started again: the first time at once, then later and later, and not any more when it dies too
// often. Pure: knows the moments of deaths and no worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "../base/duration.hpp"

namespace berth::inline host_v1 {

class RestartRule {
public:
    using Clock = std::chrono::steady_clock;

    /// So many deaths within `memory` are too many.
    static constexpr std::size_t too_many = 5;
    static constexpr std::chrono::seconds memory{60};
    static constexpr Milliseconds first_pause{100};
    static constexpr Milliseconds longest_pause{30'000};

    /// A worker died now.
    void died(Clock::time_point now);
    /// From when on another one may be started.
    [[nodiscard]] Clock::time_point may_start_at() const noexcept { return may_start_at_; }
    [[nodiscard]] bool is_exhausted(Clock::time_point now) const;
    [[nodiscard]] std::size_t deaths() const noexcept { return deaths_.size(); }

private:
    std::deque<Clock::time_point> deaths_;  ///< those that are remembered
    Clock::time_point may_start_at_{};
};

}  // namespace berth::inline host_v1
