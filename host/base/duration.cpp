#include "duration.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <utility>

namespace berth::inline host_v1 {

namespace {

constexpr std::int64_t longest_milliseconds = std::int64_t{1000} * 366 * 24 * 3600 * 1000;

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> units{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

/// Reads exactly `digits` decimal digits at `position` and moves on.
std::optional<int> fixed_number(std::string_view text, std::size_t& position, std::size_t digits) {
    if (position + digits > text.size()) return std::nullopt;
    int value = 0;
    const auto* begin = text.data() + position;
    const auto result = std::from_chars(begin, begin + digits, value);
    if (result.ec != std::errc{} || result.ptr != begin + digits || *begin == '-') return std::nullopt;
    position += digits;
    return value;
}

bool skip(std::string_view text, std::size_t& position, char wanted) {
    if (position >= text.size() || text[position] != wanted) return false;
    ++position;
    return true;
}

/// ".125" as milliseconds; digits past the third are cut.
std::optional<std::int64_t> fraction(std::string_view text, std::size_t& position) {
    if (!skip(text, position, '.')) return 0;
    std::int64_t value = 0;
    std::int64_t weight = 100;
    const auto start = position;
    for (; position < text.size() && text[position] >= '0' && text[position] <= '9'; ++position) {
        value += (text[position] - '0') * weight;
        weight /= 10;
    }
    if (position == start) return std::nullopt;
    return value;
}

/// "Z" or "+hh:mm" as minutes east of UTC.
std::optional<int> zone_minutes(std::string_view text, std::size_t& position) {
    if (skip(text, position, 'Z') || skip(text, position, 'z')) return 0;
    if (position >= text.size() || (text[position] != '+' && text[position] != '-')) return std::nullopt;
    const int sign = text[position++] == '-' ? -1 : 1;
    const auto hours = fixed_number(text, position, 2);
    if (!hours || !skip(text, position, ':')) return std::nullopt;
    const auto minutes = fixed_number(text, position, 2);
    if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return sign * (*hours * 60 + *minutes);
}

std::optional<std::chrono::sys_time<Milliseconds>> parse_calendar_time(std::string_view text) {
    std::size_t position = 0;
    const auto year = fixed_number(text, position, 4);
    if (!year || !skip(text, position, '-')) return std::nullopt;
    const auto month = fixed_number(text, position, 2);
    if (!month || !skip(text, position, '-')) return std::nullopt;
    const auto day = fixed_number(text, position, 2);
    if (!day || !(skip(text, position, 'T') || skip(text, position, ' '))) return std::nullopt;
    const auto hour = fixed_number(text, position, 2);
    if (!hour || !skip(text, position, ':')) return std::nullopt;
    const auto minute = fixed_number(text, position, 2);
    if (!minute || !skip(text, position, ':')) return std::nullopt;
    const auto second = fixed_number(text, position, 2);
    const auto part = fraction(text, position);
    const auto zone = zone_minutes(text, position);
    const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!second || !part || !zone || position != text.size() || !date.ok()) return std::nullopt;
    if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute - *zone} +
           std::chrono::seconds{*second} + Milliseconds{*part};
}

}  // namespace

std::optional<Milliseconds> parse_duration(std::string_view text) {
    if (text == "0") return Milliseconds{0};
    double number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (result.ec != std::errc{} || !std::isfinite(number) || number < 0 || text.front() == '-') return std::nullopt;
    const std::string_view name = text.substr(static_cast<std::size_t>(result.ptr - text.data()));
    for (const auto& unit : units) {
        if (unit.name != name) continue;
        const double milliseconds = number * static_cast<double>(unit.milliseconds);
        if (milliseconds > static_cast<double>(longest_milliseconds)) return std::nullopt;
        return Milliseconds{std::llround(milliseconds)};
    }
    return std::nullopt;
}

std::string duration_text(Milliseconds duration) {
    if (duration.count() == 0) return "0";
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
        if (duration.count() % unit->milliseconds == 0) {
            return std::to_string(duration.count() / unit->milliseconds) + std::string(unit->name);
        }
    }
    return std::to_string(duration.count()) + "ms";
}

std::string timestamp_text(std::chrono::sys_time<Milliseconds> moment) {
    const auto days = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date{days};
    const std::chrono::hh_mm_ss time{moment - days};
    std::array<char, 40> text{};
    const int length =
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                      static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<std::chrono::sys_time<Milliseconds>> parse_timestamp(std::string_view text) {
    if (text.find('-', 1) != std::string_view::npos || text.find('T') != std::string_view::npos) {
        return parse_calendar_time(text);
    }
    double seconds = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
    if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
    if (seconds < 0 || seconds * 1000 > static_cast<double>(longest_milliseconds) * 10) return std::nullopt;
    return std::chrono::sys_time<Milliseconds>{Milliseconds{std::llround(seconds * 1000)}};
}

}  // namespace berth::inline host_v1
