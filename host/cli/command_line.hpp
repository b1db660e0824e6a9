// From the words of argv to one command of the table with its flags and words. The one room that uses CLI11.
// Judges how many words and values there are, not what they mean: that is command_builder's.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "command_table.hpp"

namespace berth::inline host_v1::cli {

struct ParsedLine {
    const CommandRow* command = nullptr;  ///< nullptr: only flags that stand alone, --help or --version
    std::string group;                    ///< "snapshot", with or without a command of it
    std::map<std::string, std::vector<std::string>, std::less<>> flags;  ///< by long name; switches have "" per use
    std::vector<std::string> words;                                      ///< besides flags and the command's name
    std::vector<std::string> argv;  ///< of commands that pass an argv on: byte for byte as typed

    [[nodiscard]] bool has(std::string_view flag) const { return flags.find(flag) != flags.end(); }
    /// The values in the order typed.
    [[nodiscard]] std::vector<std::string> values(std::string_view flag) const;
    [[nodiscard]] std::size_t count(std::string_view flag) const { return values(flag).size(); }
};

/// `words` is argv without the program's name. Throws Error BERTH-X-01 that says what was expected and, for a
/// misspelt command or flag, the nearest known one.
[[nodiscard]] ParsedLine parse_line(std::vector<std::string> words);

/// Where the command that is to be run begins in `words`; everything from there on is its argv.
struct Border {
    const CommandRow* command = nullptr;  ///< the command of ours that was found
    std::string group;                    ///< the group, when a word of one was found
    std::string unknown;                  ///< the word in the place of a command that is none
    std::size_t words = 0;                ///< how many words besides flags the command got
    std::size_t ours = 0;                 ///< how many words are ours
    std::size_t argv = 0;                 ///< where the argv begins: `ours`, or one more after `--`
};
[[nodiscard]] Border find_border(const std::vector<std::string>& words);

}  // namespace berth::inline host_v1::cli
