// See tree_copy.hpp: the way through the directories. How each is listed is in tree_copy_scan.cpp, what is done with
// each entry in tree_copy_entries.cpp.
#include "tree_copy_frame.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "extended_attributes.hpp"
#include "failure.hpp"
#include "remove_tree.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

constexpr std::size_t most_open = 64;     // directories held open on the way down
constexpr std::size_t deepest = 100'000;  // directories in one another
constexpr std::uint64_t most_entries = 50'000'000;

}  // namespace

TreeCopy::TreeCopy(int links, TreeCopySettings settings) : links_(links), settings_(std::move(settings)) {}
TreeCopy::~TreeCopy() {
    // From the deepest up: modes are given back while there still is a way.
    while (!frames_.empty()) {
        frames_.pop_back();
    }
}

void TreeCopy::copy(int source, const std::string& name, int target, const std::string& shown) {
    shown_ = shown;
    enter(source, target, {name});
    if (frames_.empty()) {
        fail("it is not there", ENOENT);
    }
    while (!frames_.empty()) {
        if (frames_.back().below.empty()) {
            leave();
        } else {
            Below next = std::move(frames_.back().below.back());
            frames_.back().below.pop_back();
            enter(frames_.back().source.get(), frames_.back().target.get(), std::move(next));
        }
    }
}

void TreeCopy::step() {
    settings_.on_step();
    if (++copied_.entries > most_entries) {
        throw failure(BERTH_RESOURCE_EXHAUSTED, "there are more than 50 million files");
    }
}

// --- directories

void TreeCopy::enter(int source, int target, Below below) {
    step();
    std::optional<Frame> opened = open_source(source, below);
    if (!opened) {
        if (below.number != 0) {
            ::unlinkat(target, below.name.c_str(), AT_REMOVEDIR);
        }
        return;  // it is gone
    }
    const std::string& name = below.name;
    Frame frame = std::move(*opened);
    frame.name = name;
    if (!frame.lent && !settings_.owners && (frame.info.st_mode & 0500) != 0500 && frame.info.st_uid == ::geteuid()) {
        frame.lent = frame.info.st_mode & 07777;
        ::fchmod(frame.source.get(), *frame.lent | 0500);
    }
    if (frame.lent) {
        frame.info.st_mode = (frame.info.st_mode & ~mode_t{07777}) | *frame.lent;
    }
    if (below.number == 0 && ::mkdirat(target, name.c_str(), 0700) != 0) {
        fail("cannot make a directory", errno, name);
    }
    frame.target = open_directory(target, name);
    if (!frame.target) {
        fail("cannot open a directory just made", errno, name);
    }
    // At once: who removes what a killed copy has left tells by their owner whose trees these are.
    if (settings_.owners && ::fchown(frame.target.get(), settings_.owners->shifted(frame.info.st_uid),
                                     settings_.owners->shifted(frame.info.st_gid)) != 0) {
        fail("cannot give a directory its owner", errno, name);
    }
    copied_.bytes += static_cast<std::uint64_t>(frame.info.st_blocks) * 512;
    frames_.push_back(std::move(frame));
    if (frames_.size() > deepest) {
        throw failure(BERTH_RESOURCE_EXHAUSTED, "directories lie more than 100,000 deep in one another");
    }
    if (frames_.size() > most_open) {
        Frame& far = frames_[frames_.size() - most_open - 1];
        far.target.reset();
        if (!far.lent) {
            far.source.reset();
        }
    }
    scan();
}

// All below it is copied: what it looks like itself comes last, for making entries changes its times.
void TreeCopy::leave() {
    Frame done = std::move(frames_.back());
    frames_.pop_back();
    if (!frames_.empty() && !frames_.back().target) {
        reopen(frames_.back(), done);
    }
    take_over(done.source.get(), done.target.get(), done.info);
}

// The way back up. The source may be moved at any time: then `..` is another directory, which is not ours to read.
void TreeCopy::reopen(Frame& parent, const Frame& child) const {
    parent.target = Descriptor(::openat(child.target.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent.target) {
        fail("cannot go back to a directory", errno);
    }
    if (parent.source) {
        return;
    }
    const Descriptor handle(::openat(child.source.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat info {};
    if (!handle || ::fstat(handle.get(), &info) != 0 || info.st_dev != parent.info.st_dev ||
        info.st_ino != parent.info.st_ino) {
        throw failure(BERTH_CONFLICT, "a directory was moved while its files were copied",
                      "stop what moves it, and try again");
    }
    parent.source = Descriptor(::openat(handle.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent.source) {
        fail("cannot go back to a directory", errno);
    }
}

// --- failures

std::string TreeCopy::path_of(std::string_view name) const {
    constexpr std::size_t longest = 4096;
    std::string path = shown_;
    for (std::size_t i = 1; i < frames_.size() && path.size() < longest; ++i) {
        path += "/" + frames_[i].name;
    }
    if (!name.empty() && !frames_.empty() && path.size() < longest) {
        path.append("/").append(name);
    }
    return path;
}

void TreeCopy::fail(std::string_view what, int error, std::string_view name) const {
    Failure failed = system_failure(what, error);
    failed.path = path_of(name);
    if (failed.code == BERTH_RESOURCE_EXHAUSTED) {
        failed.hint = "make room on the disk that holds state_dir";
    }
    throw failed;
}

Copied copy_trees(int source, int target, const std::vector<NamedTree>& trees, TreeCopySettings settings) {
    constexpr const char* links_name = "links";
    const Descriptor links = make_directory(target, links_name, 0700);
    TreeCopy copy(links.get(), std::move(settings));
    for (const NamedTree& tree : trees) {
        copy.copy(source, tree.name, target, tree.shown);
    }
    remove_tree(target, links_name);
    return copy.copied();
}

}  // namespace berth_local
