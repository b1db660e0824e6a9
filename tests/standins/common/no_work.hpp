// A stand-in as a measure, with the behaviour `work: none`: what a command that does nothing prints where a provider of
// Berth's wraps it (plugins/cloud), whose side is known by its text alone. Knows no vendor.
#pragma once

#include <string>
#include <string_view>

namespace standin {

/// Whether a shell text is the providers' wrapper around a command.
[[nodiscard]] bool is_wrapped(std::string_view script);

/// The wrapper's own lines: that the program begins, that nothing follows on stderr, and how it ended.
constexpr std::string_view begin_line = ":p 7\n";
constexpr std::string_view error_end_line = ":z\n";
constexpr std::string_view end_line = ":x 0 \n";

/// What the wrapper makes of `bytes` of a program's output: lines of base64.
[[nodiscard]] std::string wrapped_output(std::string_view bytes);

}  // namespace standin
