#include "private_group.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>

namespace berth::inline host_v1 {

namespace {

/// Calls `ask` with more and more room until its answer fits; a list of members can be long.
template <typename Ask>
int with_room(std::vector<char>& room, Ask ask) {
    static constexpr std::size_t most = std::size_t{1} << 20U;
    for (room.resize(4096);; room.resize(room.size() * 2)) {
        const int failure = ask();
        if (failure != ERANGE || room.size() >= most) return failure;
    }
}

std::optional<UserEntry> user_of(uid_t user) {
    std::vector<char> room;
    struct passwd entry {};
    struct passwd* found = nullptr;
    const int failure = with_room(room, [&] { return ::getpwuid_r(user, &entry, room.data(), room.size(), &found); });
    if (failure != 0 || found == nullptr) return std::nullopt;
    return UserEntry{entry.pw_name, entry.pw_gid};
}

std::optional<GroupEntry> group_of(gid_t group) {
    std::vector<char> room;
    struct group entry {};
    struct group* found = nullptr;
    const int failure = with_room(room, [&] { return ::getgrgid_r(group, &entry, room.data(), room.size(), &found); });
    if (failure != 0 || found == nullptr) return std::nullopt;
    GroupEntry result{entry.gr_name, {}};
    for (char** member = entry.gr_mem; member != nullptr && *member != nullptr; ++member)
        result.members.emplace_back(*member);
    return result;
}

}  // namespace

bool is_private_group(uid_t owner, gid_t group, const std::optional<UserEntry>& user,
                      const std::optional<GroupEntry>& entry) {
    if (entry) {
        const auto is_owner = [&user](const std::string& member) { return user && member == user->name; };
        if (!std::all_of(entry->members.begin(), entry->members.end(), is_owner)) return false;
    }
    const bool same_number = group == owner;
    const bool same_name = user && entry && user->group == group && user->name == entry->name;
    return same_number || same_name;
}

bool is_private_group(uid_t owner, gid_t group) {
    return is_private_group(owner, group, user_of(owner), group_of(group));
}

}  // namespace berth::inline host_v1
