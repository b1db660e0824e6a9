// berth-root: makes and changes what only the ids of a template's sandbox may touch, in a user namespace that has them.
//
//   berth-root start|start-with-namespaces IDS TEMPLATE_IDS LOWER CHANGES [RESOLVER [HOSTS]] -- BUBBLEWRAP...
//       builds the root of a sandbox and becomes bubblewrap in it. IDS are first ids, the other words descriptors.
//       With the second name what runs inside may make user namespaces of its own.
//   berth-root unpack IDS
//       becomes berth-tar (descriptor 5) in namespaces with the range and nothing else.
//   berth-root tree IDS ACTION [ARGUMENT...]
//       for an ordinary user: acts on trees whose files belong to a range; see tree_actions.hpp.
//
// Static and without threads: it may fork, and its start costs little.
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

#include "id_namespace.hpp"
#include "merged_root.hpp"
#include "tree_actions.hpp"

namespace {

using namespace berth_root;

constexpr int misuse = 2;
constexpr int unpacker = 5;

enum class UserNamespaces { off, allowed };

std::uint32_t number(const char* text) {
    return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

void close_at_exec(std::span<char*> descriptors) {
    for (const char* text : descriptors) {
        ::fcntl(static_cast<int>(number(text)), F_SETFD, FD_CLOEXEC);
    }
}

// bubblewrap makes none here, as it is in one already.
void close_user_namespaces() {
    const berth_local::Descriptor limit(::open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC));
    if (!limit || ::write(limit.get(), "0", 1) != 1) {
        give_up("cannot switch user namespaces off in the sandbox", errno);
    }
}

// `bubblewrap` ends with a null pointer, as the arguments of main do.
int start(std::span<char*> words, std::span<char*> bubblewrap, UserNamespaces inside) {
    if (words.size() < 4 || words.size() > 6 || bubblewrap.empty()) {
        return misuse;
    }
    const Layers layers{static_cast<int>(number(words[2])), static_cast<int>(number(words[3])), number(words[0]),
                        number(words[1])};
    close_at_exec(words.subspan(2));
    enter_merged_root(layers);
    prepare_mount_points();
    if (words.size() > 4) {
        cover_file(static_cast<int>(number(words[4])), "etc/resolv.conf");
    }
    if (words.size() > 5) {
        cover_file(static_cast<int>(number(words[5])), "etc/hosts");
    }
    if (inside == UserNamespaces::off) {
        close_user_namespaces();
    }
    char* const no_environment[] = {nullptr};
    ::execve(bubblewrap[0], bubblewrap.data(), no_environment);
    give_up("cannot run bubblewrap", errno);
}

int unpack(std::span<char*> words) {
    if (words.size() != 1) {
        return misuse;
    }
    make_namespace({{0, number(words[0]), ids_of_a_sandbox}});
    become_first_id();
    if (::unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
        give_up("cannot make the namespaces of the unpacker", errno);
    }
    char name[] = "berth-tar";
    char action[] = "unpack";
    char* const arguments[] = {name, action, nullptr};
    char* const no_environment[] = {nullptr};
    ::fcntl(unpacker, F_SETFD, FD_CLOEXEC);
    ::syscall(SYS_execveat, unpacker, "", arguments, no_environment, AT_EMPTY_PATH);
    give_up("cannot run berth-tar", errno);
}

int act(std::span<char*> words) {
    if (words.size() < 2) {
        return misuse;
    }
    make_namespace({{0, ::getuid(), 1}, {first_of_range, number(words[0]), ids_of_a_sandbox}});
    become_first_id();
    return act_on_tree(words.subspan(1));
}

}  // namespace

int main(int count, char** arguments) {
    const std::span<char*> words(arguments, static_cast<std::size_t>(count));
    if (count >= 3 && std::strcmp(words[1], "tree") == 0) {
        return act(words.subspan(2));
    }
    if (count >= 3 && std::strcmp(words[1], "unpack") == 0) {
        return unpack(words.subspan(2));
    }
    const auto dashes =
        std::find_if(words.begin(), words.end(), [](const char* word) { return !std::strcmp(word, "--"); });
    if (count >= 3 && dashes != words.end()) {
        const std::span<char*> plan(words.begin() + 2, dashes);
        const std::span<char*> bubblewrap(dashes + 1, words.end());
        if (std::strcmp(words[1], "start") == 0) {
            return start(plan, bubblewrap, UserNamespaces::off);
        }
        if (std::strcmp(words[1], "start-with-namespaces") == 0) {
            return start(plan, bubblewrap, UserNamespaces::allowed);
        }
    }
    return misuse;
}
