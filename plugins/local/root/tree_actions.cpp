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

void make(const char* name) {
    const berth_local::Descriptor made = berth_local::make_directory(tree_parent, name, 0755);
    if (::fchown(made.get(), first_of_range, first_of_range) != 0) {
        give_up("cannot make a directory of the sandbox", errno);
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
        } else {
            return 2;
        }
        return std::fflush(stdout) == 0 ? 0 : 1;
    } catch (const berth_local::Failure& failure) {
        give_up(failure.message.c_str(), 0);
    }
}

}  // namespace berth_root
