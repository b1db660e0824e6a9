// A sandbox's log on disk: written by any number of threads and processes at once, and never larger than 8 MiB.
//
// One entry a line: `TIME SOURCE PID TEXT`, the time in UTC with milliseconds, the source system, stdout or stderr, the
// pid `-` where there is none. Segments `log.N` in the sandbox's directory: lines are appended to the newest in whole
// writes; when it is full the next is begun and the one before it goes, so there are two. Every step of that may be done
// by several at once or left half done by one that was stopped: there is no lock to wait for. Nothing here throws: a full
// disk must not stop a process because of its log. A segment that ends in a line which was cut for that is marked by its
// mode, and the line gets its end from whoever writes next; what had no room is counted and told once there is some.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"

namespace berth_local {

inline constexpr std::size_t log_segment_bytes = (std::size_t{4} << 20) - (std::size_t{256} << 10);
inline constexpr std::size_t most_log_append = std::size_t{64} << 10;  // one write; a border is overstepped by it
inline constexpr std::size_t log_time_size = 24;                       // 2026-11-25T07:11:56.123Z

class LogSegment {
public:
    enum class Written { all, not_all };
    // `directory`: the sandbox's, which must outlive this.
    explicit LogSegment(int directory) : directory_(directory) {}
    // Appends whole lines, best not more than most_log_append. Not all: no room, or the sandbox is gone.
    Written append(std::string_view lines);

private:
    [[nodiscard]] bool open_newest();
    [[nodiscard]] bool begin_next();

    int directory_;
    std::uint64_t number_ = 0;
    std::uint64_t left_out_ = 0;  // bytes that had no room
    Descriptor file_;
};

// The segments there are, oldest first; usually two, seldom a third.
[[nodiscard]] std::vector<std::uint64_t> log_segments(int directory);
[[nodiscard]] std::string log_segment_name(std::uint64_t number);

[[nodiscard]] std::string log_time(std::int64_t ms_since_1970);
// `TIME SOURCE PID TEXT\n` at the end of `to`.
void write_log_line(std::string& to, std::string_view time, std::string_view source, std::string_view pid,
                    std::string_view text);

// Notes something that happened to the sandbox.
void log_event(const Descriptor& sandbox, std::string_view text);

}  // namespace berth_local
