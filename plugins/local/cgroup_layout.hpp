// Where this machine keeps each control group controller (v1, v2 or both side by side), and below which group of it we
// may make groups of our own. Reads text and looks at directories; makes nothing and knows no sandbox.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth_local {

enum class Controller { memory, cpu, pids };
inline constexpr std::array every_controller{Controller::memory, Controller::cpu, Controller::pids};
[[nodiscard]] std::string_view name_of(Controller controller);

enum class CgroupVersion { v1, v2 };

// One mounted hierarchy that may hold a controller.
struct CgroupPlace {
    CgroupVersion version = CgroupVersion::v2;
    std::string mount;               // where it is mounted
    std::optional<std::string> own;  // our own group below that, "" or "/a/b"; absent: outside of what is mounted
    bool operator==(const CgroupPlace&) const = default;
};

struct CgroupLayout {
    std::array<std::optional<CgroupPlace>, every_controller.size()> places;
    [[nodiscard]] const std::optional<CgroupPlace>& of(Controller controller) const {
        return places[static_cast<std::size_t>(controller)];
    }
};

// From the text of /proc/self/cgroup and /proc/self/mountinfo. What is malformed in them counts as not there.
[[nodiscard]] CgroupLayout parse_cgroup_layout(std::string_view groups, std::string_view mounts);
// Of this process, now.
[[nodiscard]] CgroupLayout cgroup_layout();

// A group in which we may make groups, or why there is none and what would make one.
struct CgroupParent {
    CgroupVersion version = CgroupVersion::v2;
    std::string path;    // of its directory; empty: none
    std::string reason;  // only then
    explicit operator bool() const { return !path.empty(); }
};

// The outermost of the groups we are in that lets us: a sandbox outlives its maker, so it does not belong below its
// maker's own passing group, and yet every limit that was put on what we were given goes on holding.
[[nodiscard]] CgroupParent find_cgroup_parent(const CgroupLayout& layout, Controller controller);

}  // namespace berth_local
