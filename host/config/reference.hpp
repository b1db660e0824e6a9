// `${env:NAME}` and `${file:PATH}` inside text: takes them apart and reads what they point at. Knows no YAML and does
// not know which values are secrets.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "environment.hpp"

namespace berth::inline host_v1 {

/// One piece of a text.
struct TextPart {
    enum class Kind { literal, variable, file };
    Kind kind = Kind::literal;
    std::string text;  ///< the characters themselves, the variable's name, or the path as written
};

/// A text taken apart. `$${` stands for the characters `${`; any other `${` has to begin a reference.
struct ReferencedText {
    std::vector<TextPart> parts;  ///< no two literals side by side; empty for empty text
    std::string problem;          ///< what is malformed; empty: nothing. Holds no part of the text

    [[nodiscard]] bool has_reference() const noexcept;
    /// The whole text is one reference and nothing else: the only form in which a secret may be given.
    [[nodiscard]] bool is_one_reference() const noexcept;
};

[[nodiscard]] ReferencedText take_apart(std::string_view text);

/// What came out of a variable or file, or why nothing did.
struct FoundText {
    std::string text;
    std::string problem;  ///< such as "the environment variable X is not set"; never any byte of the text
};

/// "~/x" starts in $HOME, a relative path in `directory`. Absent `problem`: `text` is an absolute path.
[[nodiscard]] FoundText expand_path(std::string_view path, const std::filesystem::path& directory,
                                    const EnvironmentVariables& environment);

/// A regular file of at most 64 KiB; one newline at its end is dropped.
[[nodiscard]] FoundText read_reference_file(const std::filesystem::path& path);

[[nodiscard]] FoundText read_variable(const std::string& name, const EnvironmentVariables& environment);

}  // namespace berth::inline host_v1
