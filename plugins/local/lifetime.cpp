#include "lifetime.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "failure.hpp"
#include "system_files.hpp"

namespace berth_local {
namespace {

constexpr const char* note_name = "over";
constexpr const char* stop_name = "stopped";  // its time: when somebody first saw that the first process is gone
constexpr const char* use_name = "used";      // its time: the latest use

std::optional<std::int64_t> time_of(const Descriptor& sandbox, const char* name) {
    struct stat info {};
    if (::fstatat(sandbox.get(), name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return std::nullopt;
    }
    return std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
}

bool is_filled(const Descriptor& sandbox, const char* name) {
    struct stat info {};
    return ::fstatat(sandbox.get(), name, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_size > 0;
}

Descriptor make_file(const Descriptor& sandbox, const char* name, int flags) {
    return Descriptor(::openat(sandbox.get(), name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, 0600));
}

// Nobody knows when it died or what ran till then, so the time counts from when it was first seen, not from before.
std::int64_t idle_since_ms(const Descriptor& sandbox, const Record& record) {
    if (!time_of(sandbox, stop_name)) {
        (void)make_file(sandbox, stop_name, 0);
    }
    return std::max({record.created_at_ms, last_use_ms(sandbox).value_or(0), time_of(sandbox, stop_name).value_or(0)});
}

}  // namespace

bool has_lifetime(const Record& record) {
    return record.expires_at_ms > 0 || record.idle_ttl_ms > 0;
}

std::int64_t life_left_ms(const Record& record) {
    return record.expires_at_ms > 0 ? std::max<std::int64_t>(record.expires_at_ms - now_ms(), 1) : 0;
}

std::int64_t next_look_ms(const Record& record) {
    const std::int64_t idle = now_ms() + record.idle_ttl_ms;
    if (record.expires_at_ms == 0 || record.idle_ttl_ms == 0) {
        return record.idle_ttl_ms > 0 ? idle : record.expires_at_ms;
    }
    return std::min(idle, record.expires_at_ms);
}

Descriptor open_lifetime_note(const Descriptor& sandbox) {
    Descriptor note = make_file(sandbox, note_name, O_TRUNC | O_APPEND);
    if (!note) {
        throw system_failure("cannot note the sandbox's lifetime", errno);
    }
    return note;
}

bool is_over(const Descriptor& sandbox, const Record& record, FirstProcess first) {
    if (!has_lifetime(record)) {
        return false;
    }
    if ((record.expires_at_ms > 0 && now_ms() >= record.expires_at_ms) || is_filled(sandbox, note_name)) {
        return true;
    }
    return first == FirstProcess::gone && record.idle_ttl_ms > 0 &&
           now_ms() - idle_since_ms(sandbox, record) >= record.idle_ttl_ms;
}

void forget_stop(const Descriptor& sandbox) {
    ::unlinkat(sandbox.get(), stop_name, 0);
}

void stamp_use(const Descriptor& sandbox) {
    if (::utimensat(sandbox.get(), use_name, nullptr, AT_SYMLINK_NOFOLLOW) != 0) {
        (void)make_file(sandbox, use_name, 0);
    }
}

std::optional<std::int64_t> last_use_ms(const Descriptor& sandbox) {
    return time_of(sandbox, use_name);
}

std::optional<std::int64_t> expected_end_ms(const Descriptor& sandbox, const Record& record) {
    std::optional<std::int64_t> end;
    if (record.expires_at_ms > 0) {
        end = record.expires_at_ms;
    }
    if (record.idle_ttl_ms > 0) {
        const std::int64_t idle = std::max(record.created_at_ms, last_use_ms(sandbox).value_or(0)) + record.idle_ttl_ms;
        end = end ? std::min(*end, idle) : idle;
    }
    return end;
}

}  // namespace berth_local
