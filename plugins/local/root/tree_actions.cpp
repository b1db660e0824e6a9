#include "tree_actions.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include "../caller.hpp"
#include "../copy_answer.hpp"
#include "../failure.hpp"
#include "../remove_tree.hpp"
#include "../system_files.hpp"
#include "../tree_copy.hpp"
#include "../tree_state.hpp"
#include "id_namespace.hpp"

namespace berth_root {
namespace {

void make(const char* name) {
    const berth_local::Descriptor made = berth_local::make_directory(tree_parent, name, 0755);
    if (::fchown(made.get(), first_of_range, first_of_range) != 0) {
        give_up("cannot make a directory of the sandbox", errno);
    }
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

// Who asked may have died, and somebody else may be removing what it began.
void end_when_nobody_listens() {
    constexpr std::chrono::milliseconds look_each{20};
    static berth_local::Clock::time_point looked;
    const berth_local::Clock::time_point now = berth_local::Clock::now();
    if (now - looked < look_each) {
        return;
    }
    looked = now;
    pollfd answer{STDOUT_FILENO, 0, 0};
    if (::poll(&answer, 1, 0) > 0 && (answer.revents & POLLERR) != 0) {
        give_up("whoever asked for a copy is gone", 0);
    }
}

// Every id of the range keeps its files; the user's own, which no sandbox has, become the first's.
void copy(std::string_view kind, const char* name, const char* shown) {
    berth_local::TreeCopySettings settings;
    settings.source = kind == "changing" ? berth_local::TreeCopySettings::Source::changing
                                         : berth_local::TreeCopySettings::Source::still;
    settings.owners = berth_local::IdShift{first_of_range, first_of_range, ids_of_a_sandbox};
    settings.on_step = end_when_nobody_listens;
    try {
        print(berth_local::copy_answer(
            berth_local::copy_trees(tree_parent, other_parent, {{name, shown}}, std::move(settings))));
    } catch (const berth_local::Failure& failure) {
        print(berth_local::copy_answer(failure));
    }
}

void move(const char* name, const char* new_name) {
    if (::renameat(tree_parent, name, other_parent, new_name) != 0) {
        throw berth_local::system_failure("cannot move the sandbox's files", errno);
    }
}

}  // namespace

int act_on_tree(std::span<char*> action) {
    const std::string_view what = action[0];
    try {
        if (what == "make") {
            for (const char* name : action.subspan(1)) {
                make(name);
            }
        } else if (what == "remove" && action.size() == 2) {
            berth_local::remove_tree(tree_parent, action[1]);
        } else if (what == "bytes" && action.size() == 2) {
            std::printf("%lld\n", berth_local::tree_bytes(tree_parent, action[1]));
        } else if (what == "copy" && action.size() == 4) {
            copy(action[1], action[2], action[3]);
        } else if (what == "move" && action.size() == 3) {
            move(action[1], action[2]);
        } else if (what == "state" && action.size() == 2) {
            print(berth_local::tree_state(tree_parent, action[1]));
        } else {
            return 2;
        }
        return std::fflush(stdout) == 0 ? 0 : 1;
    } catch (const berth_local::Failure& failure) {
        give_up(failure.message.c_str(), 0);
    }
}

}  // namespace berth_root
