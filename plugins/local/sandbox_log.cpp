#include "sandbox_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "failure.hpp"
#include "system_files.hpp"

namespace berth_local {

namespace {

constexpr std::string_view prefix = "log.";
constexpr mode_t mark_of_cut_line = S_IXUSR;

Descriptor open_segment(int directory, std::uint64_t number) {
    return Descriptor(::openat(directory, log_segment_name(number).c_str(),
                               O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
}

}  // namespace

std::string log_segment_name(std::uint64_t number) {
    return std::string(prefix) + std::to_string(number);
}

std::vector<std::uint64_t> log_segments(int directory) {
    std::vector<std::uint64_t> numbers;
    try {
        for (const std::string& name : names_in(directory)) {
            std::uint64_t number = 0;
            if (name.starts_with(prefix) &&
                std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number).ec == std::errc()) {
                numbers.push_back(number);
            }
        }
    } catch (const Failure&) {
        numbers.clear();
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

bool LogSegment::open_newest() {
    const std::vector<std::uint64_t> there = log_segments(directory_);
    number_ = there.empty() ? 0 : there.back();
    file_ = open_segment(directory_, number_);
    return static_cast<bool>(file_);
}

// Ours is full. Somebody may be ahead of us already.
bool LogSegment::begin_next() {
    const std::vector<std::uint64_t> there = log_segments(directory_);
    number_ = std::max(there.empty() ? 0 : there.back(), number_ + 1);
    file_ = open_segment(directory_, number_);
    for (const std::uint64_t number : there) {
        if (file_ && number + 1 < number_) {
            ::unlinkat(directory_, log_segment_name(number).c_str(), 0);
        }
    }
    return static_cast<bool>(file_);
}

LogSegment::Written LogSegment::append(std::string_view lines) {
    struct stat info {};
    if (!file_ && !open_newest()) {
        return Written::not_all;
    }
    while (::fstat(file_.get(), &info) == 0 && info.st_size >= static_cast<off_t>(log_segment_bytes)) {
        if (!begin_next()) {
            return Written::not_all;
        }
    }
    // Somebody's last line may have been cut. Not told from the last byte: others are writing just now.
    const bool cut = (info.st_mode & mark_of_cut_line) != 0;
    std::string text = cut ? "\n" : "";
    if (left_out_ > 0) {
        write_log_line(text, log_time(now_ms()), "system", "-",
                       std::to_string(left_out_) + " bytes are left out here: there was no room for them");
    }
    const std::size_t before = text.size();
    std::string_view whole = lines;
    if (before > 0) {
        whole = text.append(lines);
        ::fchmod(file_.get(), 0600);
    }
    ssize_t size = -1;
    do {
        size = ::write(file_.get(), whole.data(), whole.size());
    } while (size < 0 && errno == EINTR);
    const std::size_t written = size > 0 ? static_cast<std::size_t>(size) : 0;
    left_out_ = written >= before ? 0 : left_out_;
    if (written == whole.size()) {
        return Written::all;
    }
    // The disk is full. The rest would stand behind what others write meanwhile: it is left out.
    left_out_ += std::min(whole.size() - written, lines.size());
    if (written == 0 ? cut : whole[written - 1] != '\n') {
        ::fchmod(file_.get(), 0600 | mark_of_cut_line);
    }
    return Written::not_all;
}

std::string log_time(std::int64_t ms_since_1970) {
    const std::time_t seconds = ms_since_1970 / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                  static_cast<int>(ms_since_1970 % 1000));
    return text.data();
}

void write_log_line(std::string& to, std::string_view time, std::string_view source, std::string_view pid,
                    std::string_view text) {
    to.append(time).append(1, ' ').append(source).append(1, ' ').append(pid).append(1, ' ').append(text).append(1,
                                                                                                                '\n');
}

void log_event(const Descriptor& sandbox, std::string_view text) {
    std::string line;
    write_log_line(line, log_time(now_ms()), "system", "-", text);
    (void)LogSegment(sandbox.get()).append(line);
}

}  // namespace berth_local
