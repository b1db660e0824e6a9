#include "trees.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "caller.hpp"
#include "copy_answer.hpp"
#include "failure.hpp"
#include "helper_process.hpp"
#include "remove_tree.hpp"
#include "subordinate_ids.hpp"
#include "system_files.hpp"
#include "tree_state.hpp"
#include "uid_range.hpp"

namespace berth_local {
namespace {

constexpr std::array host_trees{"workspace", "home", "tmp"};
constexpr std::array template_trees{"root"};
constexpr std::size_t most_words = 64U << 10;

mode_t mode_of(std::string_view tree) {
    return tree == "tmp" ? 01777 : 0755;
}

bool belongs_to_a_range(int parent, const std::string& name) {
    struct stat info {};
    return ::geteuid() != 0 && ::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           info.st_uid != ::geteuid();
}

void give_up_if_cancelled(const Caller& caller) {
    if (caller.cancelled()) {
        throw refusal(BERTH_CANCELLED, "cancelled while the sandbox's files were counted");
    }
}

std::string read_all(const Descriptor& from, const std::function<void()>& on_wait) {
    std::string text;
    char part[4096];
    for (ssize_t size = 1; size > 0 || (size < 0 && errno == EINTR);) {
        pollfd waits{from.get(), POLLIN, 0};
        while (::poll(&waits, 1, blind_poll_ms) <= 0) {
            on_wait();
        }
        size = ::read(from.get(), part, sizeof part);
        text.append(part, size > 0 && text.size() < most_words ? static_cast<std::size_t>(size) : 0);
    }
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

}  // namespace

std::span<const char* const> trees_of(const Record& record) {
    return record.root ? std::span<const char* const>(template_trees) : std::span<const char* const>(host_trees);
}

void Trees::make(const Descriptor& sandbox, const Record& record) const {
    if (record.root) {
        make_owned(sandbox.get(), {"root", "root/upper", "root/work"}, record.root->ids);
        return;
    }
    for (const char* tree : trees_of(record)) {
        const Descriptor made = make_directory(sandbox.get(), tree, 0700);
        if ((record.uid && ::fchown(made.get(), *record.uid, *record.uid) != 0) ||
            ::fchmod(made.get(), mode_of(tree)) != 0) {
            throw system_failure("cannot make the sandbox's directories", errno);
        }
    }
}

void Trees::make_owned(int parent, const std::vector<std::string>& names, std::uint32_t ids) const {
    if (::geteuid() != 0) {
        std::vector<std::string> action{"make"};
        action.insert(action.end(), names.begin(), names.end());
        act(ids, parent, std::move(action));
        return;
    }
    for (const std::string& name : names) {
        const Descriptor made = make_directory(parent, name, 0700);
        if (::fchown(made.get(), ids, ids) != 0 || ::fchmod(made.get(), 0755) != 0) {
            throw system_failure("cannot make the directory " + name, errno);
        }
    }
}

void Trees::remove(int parent, const std::string& name) const {
    if (!belongs_to_a_range(parent, name)) {
        remove_tree(parent, name);
        return;
    }
    const SubordinateIds range = subordinate_ids();
    if (!range.first) {
        throw failure(BERTH_PERMISSION_DENIED,
                      "cannot delete " + name + ", which belongs to a range of ids: " + range.missing, range.remedy);
    }
    act(*range.first, parent, {"remove", name});
}

std::string Trees::counted(std::uint32_t ids, int parent, const std::string& tree, const Caller& caller) const {
    HelperProcess helper(root_program_, {"tree", std::to_string(ids), "bytes", tree}, {{parent, 3}, {parent, 4}});
    // Hung up or with something to say: both end the waiting. A helper that is not waited for is killed.
    pollfd answer{helper.output().get(), POLLIN, 0};
    while (::poll(&answer, 1, blind_poll_ms) <= 0) {
        give_up_if_cancelled(caller);
    }
    std::string text = read_all(helper.output(), [] {});
    helper.finish(BERTH_INTERNAL, "cannot measure files of the sandbox's ids");
    return text;
}

std::optional<std::uint64_t> Trees::bytes(const Descriptor& sandbox, const Record& record, const Caller& caller) const {
    std::uint64_t sum = 0;
    for (const std::string tree : trees_of(record)) {
        long long bytes = -1;
        if (belongs_to_a_range(sandbox.get(), tree)) {
            const std::string text = counted(record.root ? record.root->ids : 0, sandbox.get(), tree, caller);
            std::from_chars(text.data(), text.data() + text.size(), bytes);
        } else {
            bytes = tree_bytes(sandbox.get(), tree, [&caller] { return caller.cancelled(); });
        }
        give_up_if_cancelled(caller);
        if (bytes < 0) {
            return std::nullopt;
        }
        sum += static_cast<std::uint64_t>(bytes);
    }
    return sum;
}

Copied Trees::copy(const Record& record, int from, int to, const TreeCopySettings& settings) const {
    if (!record.root) {
        std::vector<NamedTree> trees;
        for (const std::string tree : trees_of(record)) {
            trees.push_back({tree, tree == "home" ? "/home/sandbox" : "/" + tree});
        }
        return copy_trees(from, to, trees, settings);
    }
    const IdShift owners = settings.owners.value_or(IdShift{record.root->ids, record.root->ids, ids_of_a_template});
    make_owned(to, {"root", "root/work"}, owners.to);
    const Descriptor source = open_directory(from, "root");
    const Descriptor target = open_directory(to, "root");
    if (!source || !target) {
        throw system_failure("cannot open the sandbox's files", errno);
    }
    if (::geteuid() == 0) {
        return copy_trees(source.get(), target.get(), {{"upper", ""}}, settings);
    }
    if (owners.from != owners.to) {
        throw refusal(BERTH_UNSUPPORTED,
                      "the snapshot's files belong to the ids from " + std::to_string(owners.from) +
                          " on, the sandbox's to those from " + std::to_string(owners.to) + " on",
                      "restore it into a sandbox made while /etc/subuid gave the same range");
    }
    const char* const kind = settings.source == TreeCopySettings::Source::changing ? "changing" : "still";
    return parse_copy_answer(
        act(owners.to, source.get(), {"copy", kind, "upper", ""}, {target.get(), settings.on_step}));
}

void Trees::move(const Record& record, int from, const std::string& name, int to, const std::string& new_name) const {
    if (::renameat(from, name.c_str(), to, new_name.c_str()) == 0) {
        return;
    }
    if (errno != EACCES || !record.root || ::geteuid() == 0) {
        throw system_failure("cannot move the sandbox's files", errno);
    }
    act(record.root->ids, from, {"move", name, new_name}, {to});  // the tree itself would be ours to write for that
}

std::string Trees::state(const std::string& path, std::uint32_t ids) const {
    const Descriptor tree(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!tree) {
        throw refusal(BERTH_TEMPLATE_NOT_FOUND,
                      "the template at " + path + " cannot be opened: " + words_of_errno(errno),
                      "put it back, or correct its path in the provider's config");
    }
    return ::geteuid() == 0 ? tree_state(tree.get(), path) : act(ids, tree.get(), {"state", path});
}

std::string Trees::act(std::uint32_t ids, int parent, std::vector<std::string> action, const Acting& acting) const {
    action.insert(action.begin(), {"tree", std::to_string(ids)});
    HelperProcess helper(root_program_, std::move(action),
                         {{parent, 3}, {acting.other >= 0 ? acting.other : parent, 4}});
    std::string text = read_all(helper.output(), acting.on_wait);
    helper.finish(BERTH_INTERNAL, "cannot act on files of the sandbox's ids");
    return text;
}

}  // namespace berth_local
