#include "tree_actions.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "../failure.hpp"
#include "../remove_tree.hpp"
#include "../system_files.hpp"
#include "id_namespace.hpp"

namespace berth_root {
namespace {

berth_local::Descriptor make(int parent, const char* name, mode_t mode) {
    berth_local::Descriptor made = berth_local::make_directory(parent, name, 0700);
    if (::fchown(made.get(), first_of_range, first_of_range) != 0 || ::fchmod(made.get(), mode) != 0) {
        give_up("cannot make a directory of the sandbox", errno);
    }
    return made;
}

}  // namespace

int act_on_tree(std::span<char*> action) {
    const std::string_view what = action[0];
    try {
        if (what == "make" && action.size() == 1) {
            const berth_local::Descriptor root = make(tree_parent, "root", 0700);
            (void)make(root.get(), "upper", 0755);
            (void)make(root.get(), "work", 0700);
        } else if (what == "remove" && action.size() == 2) {
            berth_local::remove_tree(tree_parent, action[1]);
        } else if (what == "bytes" && action.size() == 2) {
            std::printf("%lld\n", berth_local::tree_bytes(tree_parent, action[1]));
        } else {
            return 2;
        }
        return std::fflush(stdout) == 0 ? 0 : 1;
    } catch (const berth_local::Failure& failure) {
        give_up(failure.message.c_str(), 0);
    }
}

}  // namespace berth_root
