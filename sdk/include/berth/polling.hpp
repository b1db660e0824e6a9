// Asking a backend again and again until something is so, the way a call may be waited in: a cancel ends it at once.
#ifndef BERTH_POLLING_HPP
#define BERTH_POLLING_HPP

#include "call.hpp"

namespace berth::inline sdk_v1 {

/// How poll_until waits.
struct PollPace {
    Duration first{250};         ///< After the first look.
    Duration longest{5000};      ///< The interval grows by half each time, up to this.
    Duration limit{5 * 60'000};  ///< Over all: then it is Code::timeout.
};

/// Calls `look()` until it gives something that counts as true (an optional with a value, a bool) and returns that.
/// `what` completes the error "... did not happen within N ms". Throws Code::cancelled as soon as the call is; inside a
/// clean-up window the host's services end it.
template <class Look>
auto poll_until(Call& call, std::string_view what, const PollPace& pace, Look&& look) {
    const auto end = std::chrono::steady_clock::now() + pace.limit;
    for (Duration interval = pace.first;;) {
        call.throw_if_cancelled();
        if (auto found = look()) return found;
        const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            throw Error(Code::timeout,
                        std::string{what} + " did not happen within " + std::to_string(pace.limit.count()) + " ms");
        call.wait(interval < left ? interval : left);
        interval = interval * 3 / 2 < pace.longest ? interval * 3 / 2 : pace.longest;
    }
}

}  // namespace berth::inline sdk_v1

#endif
