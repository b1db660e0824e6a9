// Small files and directories of our own state, by descriptor: whole reads, atomic writes, locks that a cancel ends.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caller.hpp"
#include "descriptor.hpp"

namespace berth_local {

enum class Durable { no, yes };
enum class LockKind { shared, exclusive };

// A directory below `parent` (AT_FDCWD for a path), made when missing, never through a link at its end.
[[nodiscard]] Descriptor open_directory(int parent, const std::string& name);
[[nodiscard]] Descriptor make_directory(int parent, const std::string& name, mode_t mode);
void make_directories(const std::string& path, mode_t mode);

// Absent when there is no such file. At most `limit` bytes.
[[nodiscard]] std::optional<std::string> read_file(int directory, const std::string& name, std::size_t limit);
// Whole or not at all; with Durable::yes also after a power cut.
void write_file(int directory, const std::string& name, std::string_view content, Durable durable);

// In place: for a file that nobody reads before it is whole.
void put_file(int directory, const std::string& name, std::string_view content);

// Waits for the lock and is empty when the caller gave up; `try_lock` does not wait.
[[nodiscard]] bool lock(const Descriptor& file, Caller& caller);
[[nodiscard]] bool try_lock(const Descriptor& file);

// Everything in a directory but `.` and `..`.
[[nodiscard]] std::vector<std::string> names_in(int directory);

[[nodiscard]] std::string random_name(std::size_t characters);
[[nodiscard]] std::int64_t now_ms();

}  // namespace berth_local
