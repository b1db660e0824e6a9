// Which exit code a result or a failure has. Numbers that scripts rely on; the main help lists them.
#pragma once

#include "../base/error.hpp"
#include "../provider/values.hpp"

namespace berth::inline host_v1::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_not_ready = 1;
inline constexpr int exit_outcome_unknown = 123;  ///< something may have been done: look before you repeat it
inline constexpr int exit_deadline = 124;
inline constexpr int exit_failure = 125;
inline constexpr int exit_signal_base = 128;

/// 123 when the call may have changed something and nobody knows (not for calls that only read, nor for
/// answers as definite as a file that is not there), else 124 for a
/// deadline, else 125.
[[nodiscard]] int exit_code_of(const Error& error) noexcept;

/// The process's own, 128+n for a signal, 124 for its timeout.
[[nodiscard]] int exit_code_of(const ProcessResult& result) noexcept;

/// Of several failures the one a script must know most: 123, then 125, then 124, then anything else.
[[nodiscard]] int worse_exit_code(int one, int other) noexcept;

}  // namespace berth::inline host_v1::cli
