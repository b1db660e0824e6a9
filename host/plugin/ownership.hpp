// Who may change a file, a directory or a link, by its owner, its mode and its access list; and whether that is too
// many for something that is run as code. Looks at one thing at a time and opens nothing.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "../base/error.hpp"

namespace berth::inline host_v1 {

/// Whom to trust besides root.
struct TrustRules {
    uid_t self;
    std::string program_directory = {};  ///< absolute; empty: not known
    /// The effective user of this process, and where its program lies.
    [[nodiscard]] static TrustRules of_this_process();
    /// Directories above the running program are not judged on the way to a plugin: whoever may change them may put
    /// another program in its place, and there is nothing left to protect.
    [[nodiscard]] bool is_above_program(const std::string& directory) const;
};

enum class TrustedKind { plugin_file, plugin_directory, directory_above, link };

/// What is looked at, for the words of a refusal. Views of the caller's texts.
struct Judged {
    TrustedKind kind;
    std::string_view path;    ///< its own
    std::string_view target;  ///< what Berth was on its way to
};

/// "0755"
[[nodiscard]] std::string mode_text(mode_t mode);

/// Why this must not be trusted: BERTH-P-05 when it belongs to neither root nor oneself, BERTH-P-04 when others may
/// write to it. In a directory with the sticky bit (/tmp) everybody may make things, but nobody may move what is not his:
/// such a directory passes, because what is in it is looked at in turn. `descriptor` is of the thing itself, O_PATH will do.
[[nodiscard]] std::optional<Error> distrust(int descriptor, const struct stat& status, const Judged& judged,
                                            const TrustRules& rules);

}  // namespace berth::inline host_v1
