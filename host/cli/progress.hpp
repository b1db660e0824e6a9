// How far a long copy has come: one line on stderr that is written over, on a terminal only. Knows no call.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace berth::inline host_v1::cli {

/// "12.4 MiB of 1.0 GiB, 1%": what one report looks like. `total` 0: not known.
[[nodiscard]] std::string progress_text(std::string_view what, std::uint64_t done, std::uint64_t total);

/// Any thread.
class ProgressLine {
public:
    enum class Shown { never, on_terminal };
    explicit ProgressLine(Shown shown) : shown_(shown) {}
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine() { clear(); }

    /// Says nothing in the first half second, nor more than ten times a second.
    void report(std::string_view what, std::uint64_t done, std::uint64_t total);
    /// Takes the line away.
    void clear() noexcept;

private:
    using Clock = std::chrono::steady_clock;
    Shown shown_;
    std::mutex mutex_;
    Clock::time_point next_ = Clock::now() + std::chrono::milliseconds(500);
    bool visible_ = false;
};

}  // namespace berth::inline host_v1::cli
