#include "subordinate_ids.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "system_files.hpp"

namespace berth_local {
namespace {

struct Range {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && value <= 0xffff'ffffU ? std::optional(value)
                                                                                             : std::nullopt;
}

std::string_view cut(std::string_view& rest, char at) {
    const std::size_t end = rest.find(at);
    const std::string_view part = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return part;
}

struct Given {
    std::string_view name;
    Range range;
};

std::vector<Given> everything_in(std::string_view text) {
    std::vector<Given> given;
    while (!text.empty()) {
        std::string_view line = cut(text, '\n');
        const std::string_view name = cut(line, ':');
        const auto first = number(cut(line, ':'));
        const auto count = number(line);
        if (first && count) {
            given.push_back({name, {*first, *first + *count}});
        }
    }
    return given;
}

std::vector<Range> ranges_of(std::string_view text, std::string_view user, std::uint32_t uid) {
    std::vector<Range> ranges;
    for (const Given& given : everything_in(text)) {
        if (given.name == user || given.name == std::to_string(uid)) {
            ranges.push_back(given.range);
        }
    }
    return ranges;
}

std::string name_of_user(std::uint32_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    char buffer[16 << 10];
    return ::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr ? found->pw_name : "";
}

}  // namespace

std::optional<std::uint32_t> common_range(std::string_view subuid, std::string_view subgid, std::string_view user,
                                          std::uint32_t uid) {
    for (const Range& users : ranges_of(subuid, user, uid)) {
        for (const Range& groups : ranges_of(subgid, user, uid)) {
            const std::uint64_t first = std::max(users.first, groups.first);
            if (first > 0 && first + ids_of_a_template <= std::min(users.end, groups.end)) {
                return static_cast<std::uint32_t>(first);
            }
        }
    }
    return std::nullopt;
}

std::optional<std::string> subordinate_owner(std::string_view text, const UidRange& range) {
    const std::uint64_t end = std::uint64_t{range.first} + range.count;
    for (const Given& given : everything_in(text)) {
        if (given.range.first < end && range.first < given.range.end) {
            return std::string(given.name);
        }
    }
    return std::nullopt;
}

SubordinateIds subordinate_ids() {
    if (::access("/usr/bin/newuidmap", X_OK) != 0 || ::access("/usr/bin/newgidmap", X_OK) != 0) {
        return {{}, "newuidmap is not installed", "install the package uidmap"};
    }
    constexpr std::size_t largest = 1U << 20;
    const std::string user = name_of_user(::geteuid());
    const auto range = common_range(read_file(AT_FDCWD, "/etc/subuid", largest).value_or(""),
                                    read_file(AT_FDCWD, "/etc/subgid", largest).value_or(""), user, ::geteuid());
    if (user.empty()) {
        return {{},
                "the user " + std::to_string(::geteuid()) + " has no name in /etc/passwd, which newuidmap needs",
                "add the user to /etc/passwd"};
    }
    if (!range) {
        return {{},
                "/etc/subuid and /etc/subgid give " + user + " no range of 65536 ids",
                "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + user};
    }
    return {range, {}, {}};
}

}  // namespace berth_local
