// Copies trees that somebody hostile has filled and may be changing meanwhile: a sandbox's files into a snapshot, and
// back.
//
// What is copied: directories, files with their holes, links of both kinds, fifos and the marks of an overlay, with
// owner, mode, times and the attributes that extended_attributes.hpp names. Sockets mean nothing without who listens, and are counted.
// Nothing is ever followed out of a tree: every step is one name below a descriptor, `..` only back to a directory that
// is still the one we came from. Depth costs neither descriptors nor stack. A file is copied as it was at one moment, or
// the whole copy fails. Entries are known by their numbers, not by their names: one that is renamed in its directory
// meanwhile comes along once, under a name that it had. Where the file system can, content is cloned instead of copied.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "descriptor.hpp"
#include "file_content.hpp"

namespace berth_local {

// Whose files become whose: `count` ids from `from` on become those from `to` on. Any other id becomes `to`.
struct IdShift {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    std::uint32_t count = 1;
    [[nodiscard]] std::uint32_t shifted(std::uint32_t id) const {
        return id >= from && id - from < count ? to + (id - from) : to;
    }
    [[nodiscard]] bool knows(std::uint32_t id) const { return id >= from && id - from < count; }
};

struct TreeCopySettings {
    enum class Source { still, changing } source = Source::still;
    std::optional<IdShift> owners;          // absent: we are not root, everything is ours
    std::function<void()> on_step = [] {};  // called often; throws to give up
};

// What copies came to.
struct Copied {
    std::uint64_t bytes = 0;  // on disk, each file once
    std::uint64_t entries = 0;
    std::uint64_t skipped = 0;  // sockets and devices
};

class TreeCopy {
public:
    // `links`: an empty directory of ours on the target's file system, for files with several names. What is left in
    // it afterwards means nothing.
    TreeCopy(int links, TreeCopySettings settings);
    ~TreeCopy();
    TreeCopy(const TreeCopy&) = delete;
    TreeCopy& operator=(const TreeCopy&) = delete;

    // Copies the directory `source/name` to `target/name`, which must not exist. `shown`: its path in failures.
    void copy(int source, const std::string& name, int target, const std::string& shown);

    [[nodiscard]] const Copied& copied() const { return copied_; }  // so far, of all trees

private:
    struct Frame;
    struct Below;
    struct Scan;
    struct Linked {
        std::string place;  // in links_
        nlink_t missing = 0;
        struct timespec changed {};
        off_t size = 0;
    };
    enum class Made { yes, no, vanished, collides };  // collides: something else that we copied has that name

    void enter(int source, int target, Below below);
    [[nodiscard]] std::optional<Frame> open_source(int source, Below& below) const;
    [[nodiscard]] std::optional<Frame> try_open_source(int source, const Below& below) const;
    void scan();
    enum class Scanned { all, collided };
    [[nodiscard]] Scanned try_scan();
    void forget_scan(const Copied& before);
    [[nodiscard]] Scanned list(Scan& scan);
    [[nodiscard]] Scanned look(Scan& scan, const struct dirent& found);
    [[nodiscard]] Made directory(const char* name, const struct stat& info);
    [[nodiscard]] Made visit(Scan& scan, const struct dirent& found);
    [[nodiscard]] bool changed_since(std::int64_t moment_ns) const;
    void leave();
    [[nodiscard]] Made entry(const char* name, const struct stat& info);
    [[nodiscard]] Made link_again(const char* name, const struct stat& info);
    void remember_link(const char* name, const struct stat& info);
    [[nodiscard]] Made file(const char* name, const struct stat& info);
    [[nodiscard]] Made symlink(const char* name, const struct stat& info);
    [[nodiscard]] Made special(const char* name, const struct stat& info);
    void reopen(Frame& parent, const Frame& child) const;
    void take_over(int source, int target, const struct stat& info) const;
    void step();
    [[nodiscard]] bool changing() const { return settings_.source == TreeCopySettings::Source::changing; }
    [[noreturn]] void fail(std::string_view what, int error, std::string_view name = {}) const;
    [[nodiscard]] std::string path_of(std::string_view name) const;

    int links_;
    TreeCopySettings settings_;
    FileContent content_;
    std::vector<Frame> frames_;
    std::string shown_;
    std::map<std::pair<dev_t, ino_t>, Linked> linked_;
    std::uint64_t link_count_ = 0;
    Copied copied_;
};

// One tree of several: its name in the directory of trees, and its path in failures.
struct NamedTree {
    std::string name;
    std::string shown;
};
// Copies these trees from one directory to another, where none of them is yet. What a failure leaves there is for the
// caller to remove; until then it may hold a directory `links` more.
Copied copy_trees(int source, int target, const std::vector<NamedTree>& trees, TreeCopySettings settings);

}  // namespace berth_local
