#include "trusted_walk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <utility>

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

// As many as the kernel follows, and as long a way as any path can describe.
constexpr int max_links = 40;
constexpr std::size_t max_steps = PATH_MAX;
constexpr std::size_t max_path = PATH_MAX;

std::deque<std::string> parts_of(std::string_view path) {
    std::deque<std::string> parts;
    while (!path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        if (end != 0 && path.substr(0, end) != ".") parts.emplace_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return parts;
}

struct Directory {
    FileDescriptor descriptor;
    std::string path;
};

class Walker {
public:
    Walker(const std::string& path, WalkGoal goal, const TrustRules& rules, OnDistrust on_distrust)
        : path_(path), goal_(goal), rules_(rules), on_distrust_(on_distrust), parts_(parts_of(path)) {}

    Walk run() {
        enter_root();
        while (!parts_.empty()) {
            auto part = std::move(parts_.front());
            parts_.pop_front();
            if (part == "..") {
                if (directories_.size() > 1) directories_.pop_back();
            } else {
                step_to(std::move(part));
            }
        }
        return std::move(walk_.end ? walk_ : end_in_directory());
    }

private:
    void enter_root() {
        FileDescriptor root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
        if (!root) throw unreachable(goal_, path_, errno);
        const auto kind = parts_.empty() && goal_ == WalkGoal::directory ? TrustedKind::plugin_directory
                                                                         : TrustedKind::directory_above;
        judge(root, kind, "/");
        directories_.push_back({std::move(root), "/"});
    }

    /// Opens one name in the directory where we are; goes into a directory, and where a link points.
    void step_to(std::string name) {
        if (walk_.steps.size() > max_steps) throw unreachable(goal_, path_, ELOOP);
        const auto& here = directories_.back();
        FileDescriptor next{::openat(here.descriptor.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!next) throw unreachable(goal_, path_, errno);
        auto where = (here.path == "/" ? "" : here.path) + "/" + name;
        if (where.size() > max_path) throw unreachable(goal_, path_, ENAMETOOLONG);
        const bool last = parts_.empty();
        const auto goal_kind = goal_ == WalkGoal::file ? TrustedKind::plugin_file : TrustedKind::plugin_directory;
        const auto& status = judge(next, last ? goal_kind : TrustedKind::directory_above, where);
        if (S_ISLNK(status.st_mode)) {
            follow(next);
        } else if (S_ISDIR(status.st_mode)) {
            directories_.push_back({std::move(next), std::move(where)});
        } else if (last) {
            walk_.end = std::move(next);
            walk_.name = std::move(name);
            walk_.directory.reset(::fcntl(here.descriptor.get(), F_DUPFD_CLOEXEC, 0));
            if (!walk_.directory) throw unreachable(goal_, path_, errno);
        } else {
            throw unreachable(goal_, path_, ENOTDIR);
        }
    }

    void follow(const FileDescriptor& link) {
        if (++links_ > max_links) throw unreachable(goal_, path_, ELOOP);
        std::array<char, PATH_MAX> target{};
        const auto length = ::readlinkat(link.get(), "", target.data(), target.size());
        if (length <= 0) throw unreachable(goal_, path_, length < 0 ? errno : ENOENT);
        if (static_cast<std::size_t>(length) >= target.size()) throw unreachable(goal_, path_, ENAMETOOLONG);
        const std::string_view text(target.data(), static_cast<std::size_t>(length));
        if (text.front() == '/') directories_.resize(1);
        auto before = parts_of(text);
        parts_.insert(parts_.begin(), std::make_move_iterator(before.begin()), std::make_move_iterator(before.end()));
    }

    const struct stat& judge(const FileDescriptor& descriptor, TrustedKind kind, const std::string& where) {
        struct stat status {};
        if (::fstat(descriptor.get(), &status) != 0) throw unreachable(goal_, path_, errno);
        if (S_ISLNK(status.st_mode)) kind = TrustedKind::link;
        auto refusal = distrust(descriptor.get(), status, {kind, where, path_}, rules_);
        std::optional<Error> set_aside;
        if (kind == TrustedKind::directory_above && rules_.is_above_program(where)) std::swap(refusal, set_aside);
        if (refusal && on_distrust_ == OnDistrust::stop) throw *refusal;
        walk_.steps.push_back({where, kind, status, std::move(refusal), std::move(set_aside)});
        return walk_.steps.back().status;
    }

    /// The path led to a directory: where we are.
    Walk& end_in_directory() {
        auto here = std::move(directories_.back());
        directories_.pop_back();
        walk_.end = std::move(here.descriptor);
        walk_.name = here.path.substr(here.path.rfind('/') + 1);
        if (!directories_.empty()) walk_.directory = std::move(directories_.back().descriptor);
        return walk_;
    }

    const std::string& path_;
    WalkGoal goal_;
    const TrustRules& rules_;
    OnDistrust on_distrust_;
    std::deque<std::string> parts_;       ///< still to go
    std::vector<Directory> directories_;  ///< from the root to where we are, so that ".." means what it meant then
    int links_ = 0;
    Walk walk_;
};

}  // namespace

const Error* Walk::refusal() const noexcept {
    for (const auto& step : steps) {
        if (step.refusal) return &*step.refusal;
    }
    return nullptr;
}

Error unreachable(WalkGoal goal, const std::string& path, int reason) {
    const bool directory = goal == WalkGoal::directory;
    ErrorFields fields;
    fields.message =
        (directory ? "this plugin directory cannot be read: " : "cannot be opened: ") + system_message(reason);
    fields.hint = reason == ELOOP ? "Links lead in a circle, or through too many others: point them at the file itself"
                  : !directory    ? "Check that it is there and may be read"
                  : reason == ENOENT ? "Make it, or take it off the search path"
                                     : "Check the path and its mode";
    fields.location = printable(path);
    return {directory ? plugin_diagnostics::bad_directory : plugin_diagnostics::unreadable, code_of_errno(reason),
            std::move(fields)};
}

Walk walk_to(const std::string& path, WalkGoal goal, const TrustRules& rules, OnDistrust on_distrust) {
    return Walker(path, goal, rules, on_distrust).run();
}

}  // namespace berth::inline host_v1
