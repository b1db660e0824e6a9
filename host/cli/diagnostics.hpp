// The numbered failures of the command line itself: wrong usage, and what can go wrong between a shell and a sandbox.
// Each has a row in docs/diagnostics.md; a number is never reused.
#pragma once

#include <array>

#include "../base/diagnostic.hpp"

namespace berth::inline host_v1::cli_diagnostics {

/// The command line cannot be understood: unknown command or flag, too few or too many words.
inline constexpr Diagnostic wrong_usage{"BERTH-X-01", Code::invalid_argument};
/// A flag or word has a value that cannot be meant: `--memory lots`.
inline constexpr Diagnostic wrong_value{"BERTH-X-02", Code::invalid_argument};
/// No sandbox or snapshot can have this name.
inline constexpr Diagnostic wrong_reference{"BERTH-X-03", Code::invalid_argument};
/// What was to be printed could not be written.
inline constexpr Diagnostic output_failed{"BERTH-X-04", Code::internal};
/// Standard input cannot be read, or is too much for a provider without live stdin.
inline constexpr Diagnostic input_failed{"BERTH-X-05", Code::invalid_argument};
/// The caller gave up (Ctrl-C) before the command ended.
inline constexpr Diagnostic interrupted{"BERTH-X-06", Code::cancelled};
/// Something failed that no other number covers: a bug.
inline constexpr Diagnostic unexpected{"BERTH-X-07", Code::internal};
/// `exec -i` with a terminal, or with more than can be sent at once, on a provider without live stdin.
inline constexpr Diagnostic no_live_stdin{"BERTH-X-08", Code::unsupported};
/// `-it` where standard input is no terminal.
inline constexpr Diagnostic no_terminal{"BERTH-X-09", Code::invalid_argument};

inline constexpr std::array all{wrong_usage, wrong_value, wrong_reference, output_failed, input_failed,
                                interrupted, unexpected,  no_live_stdin,   no_terminal};

}  // namespace berth::inline host_v1::cli_diagnostics
