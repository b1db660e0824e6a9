#include "merged_root.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace berth_root {
namespace {

using berth_local::Descriptor;

constexpr const char* scratch = "/tmp";
constexpr const char* template_place = "/tmp/template";
constexpr const char* changes_place = "/tmp/changes";

// linux/mount.h and sys/mount.h cannot be included together in Debian 12, so these come from the kernel's side.
constexpr unsigned long flag_nosuid = 2;
constexpr unsigned long flag_nodev = 4;
constexpr unsigned long flag_recursive = 16384;
constexpr unsigned long flag_slave = 1 << 19;

int mount_at(const char* type, const char* place, unsigned long flags, const char* options) {
    return static_cast<int>(::syscall(SYS_mount, type, place, type, flags, options));
}

Descriptor clone_mount(int tree) {
    return Descriptor(
        static_cast<int>(::syscall(SYS_open_tree, tree, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
}

bool set_attributes(const Descriptor& mount, std::uint64_t attributes, int user_namespace) {
    mount_attr wanted{};
    wanted.attr_set = attributes;
    wanted.userns_fd = user_namespace < 0 ? 0 : static_cast<std::uint64_t>(user_namespace);
    return ::syscall(SYS_mount_setattr, mount.get(), "", AT_EMPTY_PATH, &wanted, sizeof wanted) == 0;
}

bool put_mount(const Descriptor& mount, int place, const char* name, unsigned flags) {
    return ::syscall(SYS_move_mount, mount.get(), "", place, name, MOVE_MOUNT_F_EMPTY_PATH | flags) == 0;
}

void leave_mount_namespace() {
    if (::unshare(CLONE_NEWNS) != 0 || mount_at("none", "/", flag_recursive | flag_slave, nullptr) != 0) {
        give_up("cannot make a mount namespace", errno);
    }
}

// An empty place of our own. Everybody may write there: only we and bubblewrap ever see it.
void make_scratch() {
    if (mount_at("tmpfs", scratch, flag_nosuid | flag_nodev, "mode=0777,size=4m") != 0 ||
        ::mkdir(template_place, 0755) != 0 || ::mkdir(changes_place, 0755) != 0 || ::mkdir(merged_place, 0755) != 0) {
        give_up("cannot prepare the place of the sandbox's root", errno);
    }
}

// The same directory in the mount namespace we are in now: what was opened in another one cannot be mounted here.
Descriptor reopen(int directory) {
    const std::string link = "/proc/self/fd/" + std::to_string(directory);
    char path[4096];
    const ssize_t size = ::readlink(link.c_str(), path, sizeof path - 1);
    path[size > 0 ? size : 0] = 0;
    struct stat before {};
    struct stat now {};
    Descriptor opened(::open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened || ::fstat(directory, &before) != 0 || ::fstat(opened.get(), &now) != 0 ||
        before.st_dev != now.st_dev || before.st_ino != now.st_ino) {
        give_up("cannot find a directory of the sandbox again", errno);
    }
    return opened;
}

void put_template(const Descriptor& mount, int user_namespace) {
    const std::uint64_t plain = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (!set_attributes(mount, plain | (user_namespace >= 0 ? MOUNT_ATTR_IDMAP : 0), user_namespace)) {
        give_up("the file system of the template has no id-mapped mounts", errno);
    }
    if (!put_mount(mount, AT_FDCWD, template_place, 0)) {
        give_up("cannot mount the template", errno);
    }
}

void put_changes(const Descriptor& mount) {
    if (!put_mount(mount, AT_FDCWD, changes_place, 0)) {
        give_up("cannot mount what the sandbox changed", errno);
    }
}

// Root prepares in a mount namespace of its own, where it may still do everything, and then gives all that up.
void enter_as_root(const Layers& layers) {
    const Descriptor lower = clone_mount(layers.lower);
    const Descriptor changes = clone_mount(layers.changes);
    const Descriptor map = namespace_with({layers.template_ids, layers.ids, ids_of_a_sandbox});
    leave_mount_namespace();
    make_scratch();
    put_template(lower, map.get());
    put_changes(changes);
    make_namespace({{0, layers.ids, ids_of_a_sandbox}});
    become_first_id();
    leave_mount_namespace();
}

void enter_as_user(const Layers& layers) {
    make_namespace({{0, layers.ids, ids_of_a_sandbox}});
    leave_mount_namespace();
    // While we still are the user, who can find them.
    const Descriptor lower = reopen(layers.lower);
    const Descriptor changes = reopen(layers.changes);
    become_first_id();
    make_scratch();
    put_template(clone_mount(lower.get()), -1);
    put_changes(clone_mount(changes.get()));
}

Descriptor open_beneath(const Descriptor& root, const char* name, std::uint64_t flags, std::uint64_t mode) {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return Descriptor(static_cast<int>(::syscall(SYS_openat2, root.get(), name, &how, sizeof how)));
}

Descriptor open_merged() {
    Descriptor root(::open(merged_place, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) {
        give_up("cannot open the sandbox's root", errno);
    }
    return root;
}

// Makes it when nothing of that name is there.
void offer_directory(const Descriptor& root, const char* name, mode_t mode) {
    if (::mkdirat(root.get(), name, mode) != 0 && errno != EEXIST) {
        give_up((std::string("cannot make /") + name + " in the sandbox's root").c_str(), errno);
    }
}

void need_directory(const Descriptor& root, const char* name, mode_t mode) {
    if (!open_beneath(root, name, O_PATH | O_DIRECTORY, 0)) {
        // A link or a file in its place: the sandbox's own doing, and only its own to lose.
        ::unlinkat(root.get(), name, 0);
        offer_directory(root, name, mode);
    }
}

// A copy of the file in our own place: nothing that was opened in another mount namespace can be mounted here.
Descriptor copy_to_scratch(int file) {
    std::string path = std::string(scratch) + "/file-" + std::to_string(file);
    Descriptor copy(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    char part[4096];
    ssize_t size = 0;
    while (copy && (size = ::read(file, part, sizeof part)) > 0) {
        if (::write(copy.get(), part, static_cast<std::size_t>(size)) != size) {
            return {};
        }
    }
    return size < 0 ? Descriptor() : std::move(copy);
}

}  // namespace

void enter_merged_root(const Layers& layers) {
    if (::geteuid() == 0) {
        enter_as_root(layers);
    } else {
        enter_as_user(layers);
    }
    const std::string options = std::string("userxattr,lowerdir=") + template_place + ",upperdir=" + changes_place +
                                "/upper,workdir=" + changes_place + "/work";
    if (mount_at("overlay", merged_place, flag_nosuid | flag_nodev, options.c_str()) != 0) {
        give_up("cannot mount the overlay of the sandbox's root", errno);
    }
}

void prepare_mount_points() {
    const mode_t before = ::umask(0);
    const Descriptor root = open_merged();
    need_directory(root, "proc", 0755);
    need_directory(root, "dev", 0755);
    need_directory(root, "run", 0755);
    offer_directory(root, "tmp", 01777);
    offer_directory(root, "workspace", 0755);
    ::umask(before);
}

void cover_file(int file, const char* place) {
    const Descriptor root = open_merged();
    Descriptor target = open_beneath(root, place, O_PATH | O_NOFOLLOW, 0);
    if (!target) {
        target = open_beneath(root, place, O_WRONLY | O_CREAT | O_EXCL, 0644);
    }
    const Descriptor copy = copy_to_scratch(file);
    const Descriptor mount = clone_mount(copy.get());
    if (!target || !mount || !set_attributes(mount, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, -1) ||
        !put_mount(mount, target.get(), "", MOVE_MOUNT_T_EMPTY_PATH)) {
        give_up((std::string("cannot put a file of the host over ") + place + " of the sandbox's root").c_str(), errno);
    }
}

}  // namespace berth_root
