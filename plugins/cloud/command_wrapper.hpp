// The shell text around each command, and the shell texts that end one. It gives what the API does not: exact bytes, the
// process id, 126 and 127, a checked directory, stdin from a file, a timeout with grace for the whole group, and an end
// that does not wait for what was left in the background. Pure text; what it prints is read by command_output.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth_cloud {

enum class Background { keep, end };

struct CommandPlan {
    std::string token;  // 32 hexadecimal digits that nobody else has
    std::vector<std::string> argv;
    std::string directory;                                           // absolute
    std::vector<std::pair<std::string, std::string>> odd_variables;  // no way but through the script
    std::optional<std::string> input_file;                           // absolute
    std::int64_t timeout_ms = 0;                                     // 0: none
    std::int64_t kill_grace_ms = 2000;
    std::int64_t drain_grace_ms = 200;
    Background background = Background::keep;
};

// For `sh -c` or a file. Uses sh, setsid, mkfifo, dd, base64, sleep, cat and rm of the image.
[[nodiscard]] std::string wrapper_script(const CommandPlan& plan);

// Whether the wrapper has a use of its own for a variable of this name: in its environment it would not live to the program.
[[nodiscard]] bool is_wrappers_own(std::string_view name);

// A backend that shows the words of a command, such as in its answers, gets the script as the value of this variable instead,
// and these words for `sh`.
constexpr const char* script_variable = "BERTH_SCRIPT";
[[nodiscard]] std::vector<std::string> words_for_script_variable();

// Where the wrapper of this token keeps its files: names begin with this.
[[nodiscard]] std::string scratch_prefix(const std::string& token);

// What the wrapper writes behind the last byte that counts.
[[nodiscard]] std::string end_mark(const std::string& token);

// Sends a signal: TERM and KILL to the whole group, others to the main process.
[[nodiscard]] std::string signal_script(std::int64_t pid, int signal);

// TERM to the group, and KILL after the grace to what is left of it.
[[nodiscard]] std::string ladder_script(std::int64_t pid, std::int64_t kill_grace_ms);

}  // namespace berth_cloud
