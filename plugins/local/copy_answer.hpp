// How berth-root answers the one who asked it for a copy: what it came to, or why it failed, whole, as if the copy had been
// made here. Fields end with a zero byte, which no path and no message holds.
#pragma once

#include <string>
#include <string_view>

#include "failure.hpp"
#include "tree_copy.hpp"

namespace berth_local {

[[nodiscard]] std::string copy_answer(const Copied& copied);
[[nodiscard]] std::string copy_answer(const Failure& failure);

// The former, or throws the latter.
[[nodiscard]] Copied parse_copy_answer(std::string_view answer);

}  // namespace berth_local
