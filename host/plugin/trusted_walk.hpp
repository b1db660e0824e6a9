// From the root of the file system to a file or directory, one step at a time: each directory and link on the way is
// opened first and judged then, by its descriptor, and the next name is looked up in that very directory. So nothing that is
// renamed, exchanged or linked meanwhile is ever used unjudged.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "../base/error.hpp"
#include "../base/file_descriptor.hpp"
#include "ownership.hpp"

namespace berth::inline host_v1 {

/// One thing on the way, as it was found.
struct WalkStep {
    std::string path;  ///< where it really lies
    TrustedKind kind;
    struct stat status;
    std::optional<Error> refusal;    ///< BERTH-P-04, BERTH-P-05
    std::optional<Error> set_aside;  ///< the same of a directory above the running program, which refuses nothing
};

struct Walk {
    FileDescriptor end;           ///< of what the path leads to, opened with O_PATH
    FileDescriptor directory;     ///< the directory in which that lies, likewise; none for the root itself
    std::string name;             ///< its name there
    std::vector<WalkStep> steps;  ///< the last one is the end
    [[nodiscard]] const WalkStep& last() const { return steps.back(); }
    /// The first refusal on the way, or nullptr.
    [[nodiscard]] const Error* refusal() const noexcept;
};

/// What lies at the end of the path.
enum class WalkGoal { file, directory };
/// Whether to go on behind what must not be trusted: to tell somebody all of it, never to use it.
enum class OnDistrust { stop, go_on };

/// `path` is absolute. Throws Error: BERTH-P-06 for a file and BERTH-P-02 for a directory that cannot be reached (code
/// FILE_NOT_FOUND when it is not there), after more than 40 links too; with OnDistrust::stop also BERTH-P-04, BERTH-P-05.
[[nodiscard]] Walk walk_to(const std::string& path, WalkGoal goal, const TrustRules& rules,
                           OnDistrust on_distrust = OnDistrust::stop);

/// A sentence with the number that fits the goal, located at `path`.
[[nodiscard]] Error unreachable(WalkGoal goal, const std::string& path, int reason);

}  // namespace berth::inline host_v1
