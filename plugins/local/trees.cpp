#include "trees.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "failure.hpp"
#include "remove_tree.hpp"
#include "subordinate_ids.hpp"
#include "system_files.hpp"

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

std::string read_all(const Descriptor& from) {
    std::string text;
    char part[4096];
    for (ssize_t size = 1; size > 0 || (size < 0 && errno == EINTR);) {
        size = ::read(from.get(), part, sizeof part);
        text.append(part, size > 0 && text.size() < most_words ? static_cast<std::size_t>(size) : 0);
    }
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

class FileActions {
public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    void put(int descriptor, int number) { ::posix_spawn_file_actions_adddup2(&actions_, descriptor, number); }
    void close_from(int number) { ::posix_spawn_file_actions_addclosefrom_np(&actions_, number); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

// Numbers that no target has: a source must not be overwritten before it is placed.
Descriptor out_of_the_way(int descriptor) {
    return Descriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, 10));
}

}  // namespace

std::span<const char* const> trees_of(const Record& record) {
    return record.root ? std::span<const char* const>(template_trees) : std::span<const char* const>(host_trees);
}

void Trees::make(const Descriptor& sandbox, const Record& record) const {
    if (record.root && ::geteuid() != 0) {
        act(record.root->ids, sandbox.get(), {"make"});
        return;
    }
    const auto make_one = [&](int parent, const char* name, mode_t mode) {
        Descriptor made = make_directory(parent, name, 0700);
        const std::optional<std::uint32_t> owner = record.root ? record.root->ids : record.uid;
        if ((owner && ::fchown(made.get(), *owner, *owner) != 0) || ::fchmod(made.get(), mode) != 0) {
            throw system_failure("cannot make the sandbox's directories", errno);
        }
        return made;
    };
    for (const char* tree : trees_of(record)) {
        const Descriptor made = make_one(sandbox.get(), tree, record.root ? 0700 : mode_of(tree));
        if (record.root) {
            (void)make_one(made.get(), "upper", 0755);
            (void)make_one(made.get(), "work", 0700);
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

std::optional<std::uint64_t> Trees::bytes(const Descriptor& sandbox, const Record& record) const {
    std::uint64_t sum = 0;
    for (const std::string tree : trees_of(record)) {
        long long bytes = -1;
        if (belongs_to_a_range(sandbox.get(), tree)) {
            const std::string text = act(record.root ? record.root->ids : 0, sandbox.get(), {"bytes", tree});
            std::from_chars(text.data(), text.data() + text.size(), bytes);
        } else {
            bytes = tree_bytes(sandbox.get(), tree);
        }
        if (bytes < 0) {
            return std::nullopt;
        }
        sum += static_cast<std::uint64_t>(bytes);
    }
    return sum;
}

std::string Trees::act(std::uint32_t ids, int parent, std::vector<std::string> action, int other) const {
    std::vector<std::string> words{root_program_, "tree", std::to_string(ids)};
    words.insert(words.end(), action.begin(), action.end());
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    int answer[2];
    int complaint[2];
    if (::pipe2(answer, O_CLOEXEC) != 0 || ::pipe2(complaint, O_CLOEXEC) != 0) {
        throw system_failure("cannot make a pipe", errno);
    }
    const Descriptor answered(answer[0]);
    const Descriptor complained(complaint[0]);
    Descriptor to_answer = out_of_the_way(Descriptor(answer[1]).get());
    Descriptor to_complain = out_of_the_way(Descriptor(complaint[1]).get());
    const Descriptor tree = out_of_the_way(parent);
    const Descriptor second = other >= 0 ? out_of_the_way(other) : Descriptor();
    FileActions files;
    files.put(to_answer.get(), 1);
    files.put(to_complain.get(), 2);
    files.put(tree.get(), 3);
    if (second) {
        files.put(second.get(), 4);
    }
    files.close_from(second ? 5 : 4);
    char* const no_environment[] = {nullptr};
    pid_t child = 0;
    const int error =
        ::posix_spawn(&child, root_program_.c_str(), files.get(), nullptr, arguments.data(), no_environment);
    if (error != 0) {
        throw system_failure("cannot start " + root_program_, error);
    }
    to_answer.reset();
    to_complain.reset();
    std::string text = read_all(answered);
    const std::string why = read_all(complained);  // short: it fits into the pipe meanwhile
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
        throw failure(BERTH_INTERNAL, why.empty() ? "berth-root failed without a word" : why);
    }
    return text;
}

}  // namespace berth_local
