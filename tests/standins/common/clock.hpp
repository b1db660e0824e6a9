// The time of a stand-in: the machine's, plus what a test has put forward. Knows no sandbox.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace standin {

/// Milliseconds since the Unix epoch, as the vendors' interfaces count.
using Milliseconds = std::int64_t;

class Clock {
public:
    [[nodiscard]] Milliseconds now() const {
        const auto real = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::milliseconds>(real).count() + ahead_.load();
    }
    /// Whoever waits for a time must be woken by the caller.
    void advance(Milliseconds by) { ahead_.fetch_add(by); }

private:
    std::atomic<Milliseconds> ahead_{0};
};

}  // namespace standin
