// Completion for shells: one short script for each, and one answer to "what could the last word become?", so that all
// shells know the same. Names that only a running host knows are asked for by the caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command_table.hpp"

namespace berth::inline host_v1::cli {

/// What the last word of a command line could become.
struct CompletionAnswer {
    Completes wanted = Completes::nothing;  ///< names to add that the table does not know
    std::vector<std::string> candidates;    ///< already filtered by what was typed
    std::string typed;                      ///< the part of the last word that names must begin with
    std::string before;                     ///< what stands before that in the word: "--provider="
    std::optional<std::string> configuration;
    std::vector<std::string> plugin_directories;
};

/// `words` is what stands after "berth", the unfinished word last (it may be empty). Words that bash has split at `=`
/// and `:` are put together again.
[[nodiscard]] CompletionAnswer complete(std::vector<std::string> words);

/// The words of one of the closed lists, such as the formats of -o; empty for what only a host knows.
[[nodiscard]] std::vector<std::string> known_words(Completes what);

/// bash, zsh or fish.
[[nodiscard]] std::string completion_script(std::string_view shell);

}  // namespace berth::inline host_v1::cli
