// How sandboxes, snapshots and the two sides of a copy are written: provider/id, and provider/id:/path. Pure text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::inline host_v1::cli {

/// A full name, checked in its form only.
struct Reference {
    std::string provider;
    std::string id;
};

/// "provider/id": the provider a name, the id 1 to 128 of [A-Za-z0-9._-]. Throws Error BERTH-X-03 saying what is wrong.
/// `what` is "sandbox" or "snapshot".
[[nodiscard]] Reference parse_reference(std::string_view text, std::string_view what);

/// One side of `berth cp`.
struct CopySide {
    std::optional<Reference> sandbox;  ///< absent: here
    std::string path;                  ///< bytes
};

/// REF:/path when what stands before the first colon is a full name, else a local path. So a local path of that form is
/// written with ./ before it. Throws Error BERTH-X-03 for an empty path.
[[nodiscard]] CopySide parse_copy_side(std::string_view text);

/// The last name of a path, slashes at its end not counted: "b" of "/a/b/"; empty for "/", ".", ".." and "a/.":
/// what is copied from there is what is in it.
[[nodiscard]] std::string_view last_name(std::string_view path);

/// `target` and a name below it, with one slash between; `target` without slashes at its end when there is no name.
[[nodiscard]] std::string join_target(std::string_view target, std::string_view name);

}  // namespace berth::inline host_v1::cli
