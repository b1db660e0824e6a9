#include "repeat_rule.hpp"

namespace berth::inline host_v1 {

bool is_passing(int status) noexcept {
    switch (status) {
        case 408:
        case 429:
        case 500:
        case 502:
        case 503:
        case 504:
            return true;
        default:
            return false;
    }
}

std::optional<Milliseconds> wait_before_next(const Attempt& attempt) noexcept {
    constexpr double first_step = 400;
    if (attempt.number >= most_attempts) return std::nullopt;
    const auto asked = attempt.retry_after.value_or(Milliseconds{0});
    if (asked > longest_silent_wait) return std::nullopt;
    const auto step = first_step * static_cast<double>(1U << (attempt.number - 1)) * (1 + attempt.chance);
    return asked + Milliseconds(static_cast<std::int64_t>(step));
}

}  // namespace berth::inline host_v1
