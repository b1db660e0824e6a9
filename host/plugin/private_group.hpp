// Whether a group is its owner's alone, so that a file it may write is still written by nobody else. Asks the system's
// lists of users and groups, and only when there is a question.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace berth::inline host_v1 {

struct UserEntry {
    std::string name;
    gid_t group;  ///< the primary one
};

struct GroupEntry {
    std::string name;
    std::vector<std::string> members;  ///< beyond those whose primary group it is
};

/// What distributions give every user: a group with the user's number, or with the name and as the primary group, that
/// lists nobody else. Absent: not in the system's lists.
[[nodiscard]] bool is_private_group(uid_t owner, gid_t group, const std::optional<UserEntry>& user,
                                    const std::optional<GroupEntry>& entry);

/// The same by the lists of this machine. Any thread.
[[nodiscard]] bool is_private_group(uid_t owner, gid_t group);

}  // namespace berth::inline host_v1
