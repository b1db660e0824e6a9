#include "cgroup_layout.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "failure.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

constexpr std::size_t most_text = 4U << 20;  // of mountinfo: machines with thousands of mounts exist
constexpr std::size_t longest_path = 4096;

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = text.find(at);
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parts;
}

bool has_word(std::string_view text, char between, std::string_view word) {
    const std::vector<std::string_view> words = split(text, between);
    return std::find(words.begin(), words.end(), word) != words.end();
}

// mountinfo writes blanks and backslashes as \ooo.
std::optional<std::string> unescaped(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            result += text[i];
            continue;
        }
        int value = 0;
        for (std::size_t digit = 1; digit <= 3; ++digit) {
            if (i + digit >= text.size() || text[i + digit] < '0' || text[i + digit] > '7') {
                return std::nullopt;
            }
            value = value * 8 + (text[i + digit] - '0');
        }
        result += static_cast<char>(value);
        i += 3;
    }
    return result;
}

// Absolute, without a step back: what we join to other paths.
bool is_plain_path(std::string_view path) {
    return path.starts_with('/') && path.size() < longest_path &&
           path.find_first_of(std::string_view("\0\n", 2)) == std::string_view::npos && !has_word(path, '/', "..") &&
           !has_word(path, '/', ".");
}

// A line "number:controllers:path"; the path may hold more colons.
struct GroupLine {
    std::string_view controllers;
    std::string_view path;
    bool v2 = false;
};

std::vector<GroupLine> group_lines(std::string_view text) {
    std::vector<GroupLine> lines;
    for (const std::string_view line : split(text, '\n')) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) {
            continue;
        }
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        lines.push_back({controllers, line.substr(second + 1), line.substr(0, first) == "0" && controllers.empty()});
    }
    return lines;
}

struct MountLine {
    bool v2 = false;
    std::string root;  // which group of the hierarchy is mounted
    std::string target;
    std::string_view options;  // of the file system: on v1 it names the controllers
};

// "36 31 0:33 ROOT TARGET options [optional fields] - TYPE SOURCE super-options"
std::vector<MountLine> mount_lines(std::string_view text) {
    std::vector<MountLine> lines;
    for (const std::string_view line : split(text, '\n')) {
        const std::size_t dash = line.find(" - ");
        if (dash == std::string_view::npos) {
            continue;
        }
        const std::vector<std::string_view> left = split(line.substr(0, dash), ' ');
        const std::vector<std::string_view> right = split(line.substr(dash + 3), ' ');
        if (left.size() < 6 || right.size() < 3 || (right[0] != "cgroup" && right[0] != "cgroup2")) {
            continue;
        }
        const std::optional<std::string> root = unescaped(left[3]);
        const std::optional<std::string> target = unescaped(left[4]);
        if (root && target && is_plain_path(*target) && root->starts_with('/')) {
            lines.push_back({right[0] == "cgroup2", *root, *target, right[2]});
        }
    }
    return lines;
}

// `path` as seen from `root`: "" or "/a/b"; absent when it lies elsewhere.
std::optional<std::string> below(std::string_view root, std::string_view path) {
    if (!is_plain_path(path)) {
        return std::nullopt;  // "/..": our own group is outside of our control group namespace
    }
    if (root == "/") {
        root = "";
    }
    if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/')) {
        return std::nullopt;
    }
    const std::string_view rest = path.substr(root.size());
    return std::string(rest == "/" ? "" : rest);
}

// Of all mounts of one hierarchy the one that shows most of the way to our own group.
void improve(std::optional<CgroupPlace>& place, const MountLine& mount, std::string_view own_path) {
    const std::optional<std::string> own = below(mount.root, own_path);
    const bool better = !place || (own && (!place->own || own->size() > place->own->size()));
    if (better) {
        place = CgroupPlace{mount.v2 ? CgroupVersion::v2 : CgroupVersion::v1, mount.target, own};
    }
}

// --- looking for a parent

std::string first_line(const std::string& path) {
    try {
        std::string text = read_file(AT_FDCWD, path, 4096).value_or("");
        return text.substr(0, text.find('\n'));
    } catch (const Failure&) {
        return "";
    }
}

std::string writable(const std::string& path, int mode) {
    if (::access(path.c_str(), mode) == 0) {
        return "";
    }
    const int error = errno;
    return error == EROFS    ? path + " is mounted read-only"
           : error == EACCES ? path + " belongs to another user"
                             : path + ": " + words_of_errno(error);
}

// Why no group can be made in this one; empty: it can.
std::string objection(const std::string& group, CgroupVersion version, Controller controller) {
    if (std::string reason = writable(group, W_OK | X_OK); !reason.empty()) {
        return reason;
    }
    const std::string procs = group + "/cgroup.procs";
    if (std::string reason = writable(procs, W_OK); !reason.empty()) {
        return reason;
    }
    if (version == CgroupVersion::v1) {
        const bool able = controller != Controller::cpu || ::access((group + "/cpu.cfs_quota_us").c_str(), F_OK) == 0;
        return able ? "" : "this kernel was built without limits of CPU time (CONFIG_CFS_BANDWIDTH)";
    }
    if (std::string reason = writable(group + "/cgroup.subtree_control", W_OK); !reason.empty()) {
        return reason;
    }
    const std::string name(name_of(controller));
    if (!has_word(first_line(group + "/cgroup.controllers"), ' ', name)) {
        return group + " was not given the controller " + name;
    }
    // Only the root of the whole hierarchy, which has no type, may hold processes besides groups with controllers.
    if (::access((group + "/cgroup.type").c_str(), F_OK) == 0) {
        if (first_line(group + "/cgroup.type") != "domain") {
            return group + " is a threaded control group";
        }
        if (!first_line(procs).empty()) {
            return group + " holds processes itself, which control groups v2 do not allow beside groups with limits";
        }
    }
    return "";
}

std::string what_helps(CgroupVersion version) {
    return version == CgroupVersion::v2
               ? "start Berth in a control group of its own below one that is given to this user (with systemd: "
                 "`systemd-run --user --scope berth ...`)"
               : "let root give this user a control group: make one, chown it with its files to the user and move the "
                 "user's shell into it";
}

}  // namespace

std::string_view name_of(Controller controller) {
    switch (controller) {
        case Controller::memory:
            return "memory";
        case Controller::cpu:
            return "cpu";
        case Controller::pids:
            break;
    }
    return "pids";
}

CgroupLayout parse_cgroup_layout(std::string_view groups, std::string_view mounts) {
    CgroupLayout layout;
    const std::vector<GroupLine> own_lines = group_lines(groups);
    const std::vector<MountLine> mounted = mount_lines(mounts);
    for (const Controller controller : every_controller) {
        std::optional<CgroupPlace>& place = layout.places[static_cast<std::size_t>(controller)];
        const auto in = [&](const GroupLine& line) { return has_word(line.controllers, ',', name_of(controller)); };
        // A controller that a v1 hierarchy has is not in v2.
        auto line = std::find_if(own_lines.begin(), own_lines.end(), in);
        const bool v1 = line != own_lines.end();
        if (!v1) {
            line = std::find_if(own_lines.begin(), own_lines.end(), [](const GroupLine& l) { return l.v2; });
        }
        if (line == own_lines.end()) {
            continue;
        }
        for (const MountLine& mount : mounted) {
            if (v1 ? !mount.v2 && has_word(mount.options, ',', name_of(controller)) : mount.v2) {
                improve(place, mount, line->path);
            }
        }
    }
    return layout;
}

CgroupLayout cgroup_layout() {
    return parse_cgroup_layout(read_file(AT_FDCWD, "/proc/self/cgroup", most_text).value_or(""),
                               read_file(AT_FDCWD, "/proc/self/mountinfo", most_text).value_or(""));
}

CgroupParent find_cgroup_parent(const CgroupLayout& layout, Controller controller) {
    const std::optional<CgroupPlace>& place = layout.of(controller);
    const std::string name(name_of(controller));
    if (!place) {
        return {CgroupVersion::v2, "",
                "this machine shows no control groups with the controller " + name +
                    ": mount them at /sys/fs/cgroup and turn the controller on in the kernel"};
    }
    CgroupParent found{place->version, "", ""};
    if (!place->own) {
        found.reason = "the control group of this process lies outside of " + place->mount +
                       ": start Berth in a control group namespace of its own";
        return found;
    }
    std::string group = place->mount;
    std::string_view rest = *place->own;
    for (;;) {
        const std::string against = objection(group, place->version, controller);
        if (against.empty()) {
            found.path = group;
            return found;
        }
        if (rest.empty()) {
            found.reason = against + ": " + what_helps(place->version);  // that of our own group says most
            return found;
        }
        const std::size_t end = rest.find('/', 1);
        group += rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
    }
}

}  // namespace berth_local
