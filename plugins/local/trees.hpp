// The writable trees of a sandbox, which lie in its directory: made, measured, removed, whoever's ids their files have.
//
// Ours to touch directly are those of the host's root, and as root all. What an ordinary user's sandbox from a template
// left behind belongs to a range of /etc/subuid: there berth-root acts, in a namespace that has the range. Whoever works
// on trees of sandboxes goes through here. The sandbox must be stopped, except for `bytes` and `copy`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "caller.hpp"
#include "descriptor.hpp"
#include "record.hpp"
#include "tree_copy.hpp"

namespace berth_local {

// A sandbox from a template has one, `root`: what it changed (`root/upper`, with overlayfs' whiteouts and user.overlay.*
// attributes) and overlayfs' own `root/work`. Any other has its directories.
[[nodiscard]] std::span<const char* const> trees_of(const Record& record);

// Beyond the descriptor of the directory that the tree lies in.
struct Acting {
    int other = -1;                         // descriptor 4
    std::function<void()> on_wait = [] {};  // called now and then; throws to end it
};

class Trees {
public:
    // `root_program`: berth-root.
    explicit Trees(std::string root_program) : root_program_(std::move(root_program)) {}

    // Makes them, empty, in the sandbox's directory.
    void make(const Descriptor& sandbox, const Record& record) const;
    // Makes directories that belong to the first of these ids, mode 0755, whose parents belong to us or to them.
    void make_owned(int parent, const std::vector<std::string>& names, std::uint32_t ids) const;
    // Removes `parent/name`, a tree of any sandbox or anything else of ours.
    void remove(int parent, const std::string& name) const;
    // What all of them take on disk; absent when that cannot be known. Throws CANCELLED when the caller gives up.
    [[nodiscard]] std::optional<std::uint64_t> bytes(const Descriptor& sandbox, const Record& record,
                                                     const Caller& caller) const;
    // Copies all trees of such a sandbox between two directories of ours, a sandbox's or a snapshot's; see tree_copy.hpp.
    // Of a template's sandbox that is what it changed, never the template. What a failure leaves is for the caller to
    // remove. With a template the settings must say whose the files become.
    Copied copy(const Record& record, int from, int to, const TreeCopySettings& settings) const;
    // Moves a tree of such a sandbox from one directory of ours to another.
    void move(const Record& record, int from, const std::string& name, int to, const std::string& new_name) const;
    // Which state the tree of a template is in (tree_state.hpp), when its files belong to us or begin with `ids`.
    [[nodiscard]] std::string state(const std::string& path, std::uint32_t ids) const;

    // Acts as the owner of everything in the range that begins with `ids`: `berth-root tree IDS ACTION...`, with
    // descriptor 3 for `parent`. What it printed; throws what it complained about.
    std::string act(std::uint32_t ids, int parent, std::vector<std::string> action, const Acting& acting = {}) const;

private:
    // What berth-root counted in a tree of somebody else's ids.
    [[nodiscard]] std::string counted(std::uint32_t ids, int parent, const std::string& tree,
                                      const Caller& caller) const;

    std::string root_program_;
};

}  // namespace berth_local
