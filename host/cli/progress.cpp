#include "progress.hpp"

#include <unistd.h>

#include "../base/file_descriptor.hpp"
#include "../base/size.hpp"
#include "../base/text.hpp"

namespace berth::inline host_v1::cli {

std::string progress_text(std::string_view what, std::uint64_t done, std::uint64_t total) {
    std::string text = what.empty() ? std::string() : printable(what) + ": ";
    text += approximate_size_text(done);
    if (total == 0) return text;
    // In floating point: done * 100 would overflow, and what a plugin says need not make sense.
    const auto percent = done >= total ? 100.0 : 100.0 * static_cast<double>(done) / static_cast<double>(total);
    return text + " of " + approximate_size_text(total) + ", " + std::to_string(static_cast<int>(percent)) + "%";
}

void ProgressLine::report(std::string_view what, std::uint64_t done, std::uint64_t total) {
    if (shown_ == Shown::never) return;
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    visible_ = true;
    static_cast<void>(write_all(STDERR_FILENO, "\r\x1b[K" + progress_text(what, done, total)));
}

void ProgressLine::clear() noexcept {
    const std::lock_guard lock(mutex_);
    if (visible_) static_cast<void>(write_all(STDERR_FILENO, "\r\x1b[K"));
    visible_ = false;
}

}  // namespace berth::inline host_v1::cli
