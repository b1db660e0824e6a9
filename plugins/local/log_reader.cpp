#include "log_reader.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "failure.hpp"
#include "sandbox_log.hpp"

namespace berth_local {
namespace {

constexpr std::size_t piece = std::size_t{256} << 10;
constexpr int unwatched_poll_ms = 200;

Descriptor open_segment(const Descriptor& sandbox, std::uint64_t number) {
    return Descriptor(
        ::openat(sandbox.get(), log_segment_name(number).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
}

// One segment, read from its beginning on as it grows.
class Segment {
public:
    Segment() = default;
    Segment(const Descriptor& sandbox, std::uint64_t number) : file_(open_segment(sandbox, number)), number_(number) {}

    [[nodiscard]] std::uint64_t number() const { return number_; }
    explicit operator bool() const { return static_cast<bool>(file_); }
    // What came since the last time, as whole lines: what follows the last of them waits for its end.
    std::string more() {
        std::string text = std::exchange(begun_, {});
        for (;;) {
            const std::size_t before = text.size();
            text.resize(before + piece);
            const ssize_t size = file_ ? ::pread(file_.get(), text.data() + before, piece, offset_) : 0;
            text.resize(before + (size > 0 ? static_cast<std::size_t>(size) : 0));
            if (size < 0 && errno == EINTR) {
                continue;
            }
            if (size <= 0 || text.size() > 2 * log_segment_bytes) {
                break;
            }
            offset_ += size;
        }
        const std::size_t end = text.rfind('\n');
        begun_ = text.substr(end == std::string::npos ? 0 : end + 1);
        text.resize(text.size() - begun_.size());
        return text;
    }

private:
    Descriptor file_;
    std::uint64_t number_ = 0;
    off_t offset_ = 0;
    std::string begun_;
};

struct Segments {
    Segment old;
    Segment current;
};

Segments open_segments(const Descriptor& sandbox) {
    for (int round = 0;; ++round) {
        const std::vector<std::uint64_t> there = log_segments(sandbox.get());
        Segments segments;
        if (!there.empty()) {
            segments.current = Segment(sandbox, there.back());
        }
        if (there.size() >= 2) {
            segments.old = Segment(sandbox, there[there.size() - 2]);
        }
        // The old one may be gone by now: then there are newer ones.
        if (there.size() < 2 || segments.old || round == 10) {
            return segments;
        }
    }
}

// The next one after `segments.current`, if it was begun: true.
bool advance(const Descriptor& sandbox, Segments& segments) {
    for (const std::uint64_t number : log_segments(sandbox.get())) {
        if (!segments.current || number > segments.current.number()) {
            if (Segment next(sandbox, number); next) {
                segments.old = std::move(segments.current);
                segments.current = std::move(next);
                return true;
            }
        }
    }
    return false;
}

// Calls `take` with each line, its end included, until it says false.
template <class Take>
void for_each_line(std::string_view text, const Take& take) {
    while (!text.empty()) {
        const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
        if (!take(text.substr(0, size))) {
            return;
        }
        text.remove_prefix(size);
    }
}

// Times have one width, so their order is that of their texts.
std::string of_moment(std::string text, const std::optional<std::int64_t>& since_ms) {
    if (!since_ms || *since_ms <= 0) {
        return text;
    }
    constexpr std::int64_t last_year = 253'402'300'799'999;
    const std::string since = log_time(std::min(*since_ms, last_year));
    std::string kept;
    for_each_line(text, [&](std::string_view line) {
        if (line.substr(0, log_time_size) >= since) {
            kept += line;
        }
        return true;
    });
    return kept;
}

std::string_view last_lines(std::string_view text, std::uint64_t lines) {
    std::size_t begin = text.size();
    for (; lines > 0 && begin > 0; --lines) {
        const std::size_t end = begin < 2 ? std::string_view::npos : text.rfind('\n', begin - 2);
        begin = end == std::string_view::npos ? 0 : end + 1;
    }
    return text.substr(begin);
}

// Hands on whole lines in bounded pieces.
bool hand_on(std::string_view text, Caller& caller, const LogTaker& take) {
    while (!text.empty()) {
        if (caller.cancelled()) {
            return false;
        }
        std::size_t size = text.size();
        if (size > piece) {
            const std::size_t end = text.rfind('\n', piece - 1);
            size = end == std::string_view::npos ? piece : end + 1;
        }
        if (!take(text.substr(0, size))) {
            return false;
        }
        text.remove_prefix(size);
    }
    return true;
}

// Tells that something in the sandbox's directory has changed. Without inotify (its instances are few) it is looked at
// now and then.
class Watch {
public:
    explicit Watch(const Descriptor& sandbox) : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
        const std::string path = "/proc/self/fd/" + std::to_string(sandbox.get());
        if (inotify_ && ::inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY | IN_CREATE | IN_DELETE) < 0) {
            inotify_.reset();
        }
    }
    void wait(Caller& caller) {
        std::array<pollfd, 2> waits{{{inotify_.get(), POLLIN, 0}, {caller.events(), POLLIN, 0}}};
        int limit = inotify_ ? -1 : unwatched_poll_ms;
        if (waits[1].fd < 0 && (limit < 0 || limit > blind_poll_ms)) {
            limit = blind_poll_ms;
        }
        ::poll(waits.data(), waits.size(), limit);
        alignas(inotify_event) std::array<char, 4096> events{};
        while (inotify_ && ::read(inotify_.get(), events.data(), events.size()) > 0) {
        }
        while (caller.next_event()) {  // the only event here is the cancel, which `cancelled` tells
        }
    }

private:
    Descriptor inotify_;
};

bool is_destroyed(const Descriptor& sandbox) {
    struct stat info {};
    return ::fstatat(sandbox.get(), "record", &info, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

void follow(const Descriptor& sandbox, Segments segments, Watch& watch, const LogRequest& request, Caller& caller,
            const LogTaker& take) {
    for (bool destroyed = false; !destroyed && !caller.cancelled();) {
        destroyed = is_destroyed(sandbox);  // before what is left is read
        // Who was about to write when the next segment was begun still writes into the old one.
        std::string text = segments.old.more();
        text += segments.current.more();
        while (advance(sandbox, segments)) {
            text += segments.old.more();
            text += segments.current.more();
        }
        if (!hand_on(of_moment(std::move(text), request.since_ms), caller, take)) {
            return;
        }
        if (!destroyed) {
            watch.wait(caller);
        }
    }
}

}  // namespace

void read_log(const Descriptor& sandbox, std::int64_t created_at_ms, const LogRequest& request, Caller& caller,
              const LogTaker& take) {
    std::optional<Watch> watch;
    if (request.follow) {
        watch.emplace(sandbox);  // before reading: nothing may fall between
    }
    Segments segments = open_segments(sandbox);
    {
        std::string text;
        if ((segments.old ? segments.old : segments.current).number() == 0) {
            write_log_line(text, log_time(created_at_ms), "system", "-", "created");
        }
        text += segments.old.more();
        text += segments.current.more();
        text = of_moment(std::move(text), request.since_ms);
        const std::string_view wanted = request.lines ? last_lines(text, *request.lines) : std::string_view(text);
        if (!hand_on(wanted, caller, take)) {
            if (caller.cancelled() && !request.follow) {
                throw refusal(BERTH_CANCELLED, "cancelled");
            }
            return;
        }
    }
    if (request.follow) {
        follow(sandbox, std::move(segments), *watch, request, caller, take);
    }
}

}  // namespace berth_local
