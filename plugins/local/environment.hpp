// The variables of a sandbox: what lies under what, what counts as the sandbox's own, and how much of it there may be.
// Pure functions. From the bottom up: Berth's defaults, the sandbox's own (given to create, changed later), a process's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "record.hpp"

namespace berth_local {

// A sandbox's own variables together, each counted as NAME=value with its end.
inline constexpr std::size_t most_environment_bytes = 128U << 10;

// `over` laid over `under`. What was secret stays secret.
void lay_over(std::vector<NamedValue>& under, const std::vector<NamedValue>& over);

// What processes of this sandbox get when they bring nothing of their own.
[[nodiscard]] std::vector<NamedValue> whole_environment(const Record& record);

// NAME=value, as the kernel takes them.
[[nodiscard]] std::vector<std::string> as_texts(const std::vector<NamedValue>& variables);

// Changes the sandbox's own variables: all of it, or it throws RESOURCE_EXHAUSTED and nothing is changed. A name that
// was ever secret in this sandbox is secret again when it comes back.
void change_environment(Record& record, const std::vector<NamedValue>& set, const std::vector<std::string>& unset);

}  // namespace berth_local
