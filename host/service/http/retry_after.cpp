#include "retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "curl.hpp"

namespace berth::inline host_v1 {

namespace {

using SystemClock = std::chrono::system_clock;

std::string_view trimmed(std::string_view text) {
    const auto is_space = [](char character) { return character == ' ' || character == '\t'; };
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

/// A whole or decimal number without a sign and without an exponent.
std::optional<double> number_of(std::string_view text) {
    const auto is_part = [](char character) { return (character >= '0' && character <= '9') || character == '.'; };
    if (text.empty() || text.size() > 32 || !std::all_of(text.begin(), text.end(), is_part)) return std::nullopt;
    double number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

/// Rounded up, so that nobody comes too early.
Milliseconds bounded(double milliseconds) {
    const auto most = static_cast<double>(longest_retry_after.count());
    return Milliseconds(static_cast<std::int64_t>(std::ceil(std::clamp(milliseconds, 0.0, most))));
}

double since_epoch(SystemClock::time_point time) {
    return std::chrono::duration<double, std::milli>(time.time_since_epoch()).count();
}

std::optional<Milliseconds> date_of(std::string_view text, SystemClock::time_point now) {
    if (text.empty() || text.size() > 64) return std::nullopt;
    const auto date = ::curl_getdate(std::string(text).c_str(), nullptr);
    if (date == -1) return std::nullopt;
    return bounded(static_cast<double>(date) * 1000 - since_epoch(now));
}

std::optional<Milliseconds> in_unit(std::string_view text, RetryAfterHeader::Unit unit, SystemClock::time_point now) {
    const auto number = number_of(text);
    if (!number) return std::nullopt;
    switch (unit) {
        case RetryAfterHeader::Unit::milliseconds:
            return bounded(*number);
        case RetryAfterHeader::Unit::unix_seconds:
            return bounded(*number * 1000 - since_epoch(now));
        case RetryAfterHeader::Unit::seconds:
            break;
    }
    return bounded(*number * 1000);
}

}  // namespace

std::optional<Milliseconds> retry_after_of(const HttpHeaders& headers, const std::vector<RetryAfterHeader>& also,
                                           SystemClock::time_point now) {
    std::optional<Milliseconds> longest;
    const auto take = [&longest](std::optional<Milliseconds> time) {
        if (time && (!longest || *time > *longest)) longest = time;
    };
    for (const auto& [name, value] : headers) {
        const auto text = trimmed(value);
        if (name == "retry-after") {
            const auto seconds = in_unit(text, RetryAfterHeader::Unit::seconds, now);
            take(seconds ? seconds : date_of(text, now));
        }
        for (const auto& header : also) {
            if (header.name == name) take(in_unit(text, header.unit, now));
        }
    }
    return longest;
}

}  // namespace berth::inline host_v1
