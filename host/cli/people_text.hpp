// Small things as people read them: an age, a percentage, pairs on one line. Pure text.
#pragma once

#include <string>
#include <string_view>

#include "../provider/values.hpp"

namespace berth::inline host_v1::cli {

/// "5s", "3m", "2h", "4d": whole units of the largest that fits; "0s" for what lies ahead.
[[nodiscard]] std::string age_text(Moment since, Moment now);
/// "12.5%"; "?" for what is no number.
[[nodiscard]] std::string percent_text(double percent);
/// "a=1,b=2"
[[nodiscard]] std::string pairs_text(const Variables& variables);
/// Printable, on one line.
[[nodiscard]] std::string one_line(std::string_view bytes);
/// Printable, but lines and tabs stay: for text of somebody else's on a terminal.
[[nodiscard]] std::string terminal_lines(std::string_view bytes);

}  // namespace berth::inline host_v1::cli
