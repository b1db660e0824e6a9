#include "size.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace berth::inline host_v1 {

namespace {
struct Unit {
    std::string_view name;
    std::string_view short_name;
    unsigned shift;
};
constexpr std::array<Unit, 5> units{
    {{"B", "", 0}, {"KiB", "K", 10}, {"MiB", "M", 20}, {"GiB", "G", 30}, {"TiB", "T", 40}}};
}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || result.ec != std::errc{}) return std::nullopt;
    const std::string_view name = text.substr(static_cast<std::size_t>(result.ptr - text.data()));
    for (const auto& unit : units) {
        if (name != unit.name && name != unit.short_name) continue;
        if (number > (std::uint64_t{std::numeric_limits<std::int64_t>::max()} >> unit.shift)) return std::nullopt;
        return number << unit.shift;
    }
    return std::nullopt;
}

std::string size_text(std::uint64_t bytes) {
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
        const std::uint64_t mask = (std::uint64_t{1} << unit->shift) - 1;
        if (bytes != 0 && (bytes & mask) == 0) return std::to_string(bytes >> unit->shift) + std::string(unit->name);
    }
    return std::to_string(bytes) + "B";
}

std::string approximate_size_text(std::uint64_t bytes) {
    for (auto unit = units.rbegin(); unit != units.rend() - 1; ++unit) {
        if (bytes < (std::uint64_t{1} << unit->shift)) continue;
        std::array<char, 32> text{};
        const double value = static_cast<double>(bytes) / static_cast<double>(std::uint64_t{1} << unit->shift);
        const int length = std::snprintf(text.data(), text.size(), "%.1f ", value);
        return std::string(text.data(), static_cast<std::size_t>(length)) + std::string(unit->name);
    }
    return std::to_string(bytes) + " B";
}

}  // namespace berth::inline host_v1
