// What the plugin and the in-sandbox init say to each other: frames, their numbers, and a bounds-checked reader.
//
// Shared by both sides, so it needs nothing but integers and views: no exceptions, no allocation, no system calls.
// One Unix stream connection carries one operation. Each frame is a Header and `size` bytes of payload; numbers are in
// the machine's own byte order, byte strings are a 32-bit length and the bytes. Each side treats the other as hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace berth_local::protocol {

inline constexpr std::uint32_t version = 1;
inline constexpr std::uint32_t max_request = 8U << 20;      // the first frame to init: arguments and environment
inline constexpr std::uint32_t max_frame = 320U << 10;      // every other frame, either way
inline constexpr std::uint32_t data_chunk = 256U << 10;     // payload of one `data` frame at most
inline constexpr std::uint32_t inline_content = 64U << 10;  // a file up to this size travels within its `entry`
inline constexpr std::uint32_t max_path = 64U << 10;        // a path or link target
inline constexpr std::uint32_t max_strings = 1U << 20;      // arguments, variables or paths in one request

enum class Type : std::uint32_t {
    // First frames, plugin to init. Each payload begins with the protocol version.
    ping = 1,       // -> pong
    run = 2,        // -> failed | started, ended
    files_in = 3,   // then entry, data, file_end, file_abort, operation_end, end -> acknowledged, done | failed
    files_out = 4,  // -> entry, data, file_end, skipped, done | failed
    usage = 5,      // -> usage_sample
    attend = 6,     // nothing comes back: who asks sees the connection end with the sandbox
    live = 7,       // -> pong; the sandbox is made: its idle time counts from now on

    // Plugin to init during a run.
    signal = 20,  // u32 number
    ladder = 21,  // u32 cause, i64 grace in ms: TERM, and KILL after the grace
    leave = 22,   // the plugin goes on purpose: a terminal is not hung up

    // Either way, about files.
    entry = 40,          // u32 operation, u32 kind, u32 flags, u32 mode, u64 length, path, link target, content
    data = 41,           // bytes of the current file
    file_end = 42,       // the current file is complete
    file_abort = 43,     // the current file is not to be; what was written of it goes
    operation_end = 44,  // u32 operation: nothing more belongs to it
    end = 45,            // nothing more at all
    skipped = 46,        // u32 operation, path, reason

    // Init to plugin.
    pong = 60,     // u32 version, u32 running processes
    started = 61,  // u32 pid, u32 streams; with one descriptor for each stream
    ended = 62,    // u32 wait status, u32 cause, u64 nanoseconds
    failed = 63,   // u32 stage, u32 errno, u32 operation, path, text
    done = 64,
    acknowledged = 65,  // u32 operation
    usage_sample = 66,  // u64 resident bytes, u64 processes, u64 CPU nanoseconds, u64 now in nanoseconds, u64 network
                        // bytes received and sent by other interfaces than lo
};

struct Header {
    std::uint32_t type;
    std::uint32_t size;
};

// Flags of a run.
inline constexpr std::uint32_t run_discard_stdout = 1;
inline constexpr std::uint32_t run_discard_stderr = 2;
inline constexpr std::uint32_t run_stdin = 4;
inline constexpr std::uint32_t run_kill_background = 8;
inline constexpr std::uint32_t run_terminal = 16;  // u32 rows and u32 columns stand at the end of the request
// How many control groups to join: as many descriptors, open for writing on their cgroup.procs, come with the request.
inline constexpr std::uint32_t run_groups_shift = 8;
inline constexpr std::uint32_t most_groups = 3;
inline constexpr std::uint32_t run_known_flags = 31 | most_groups << run_groups_shift;

// Streams of a started run, in the order of their descriptors.
inline constexpr std::uint32_t stream_stdout = 1;
inline constexpr std::uint32_t stream_stderr = 2;
inline constexpr std::uint32_t stream_stdin = 4;
inline constexpr std::uint32_t stream_terminal = 8;  // the master's end, alone: for output, input and size

// Who asked a run to end.
enum class Cause : std::uint32_t { none = 0, timeout = 1, cancelled = 2, killed = 3 };

// Where something failed.
enum class Stage : std::uint32_t {
    request = 1,      // the request itself is malformed, or its version unknown
    resources = 2,    // no descriptors, memory or processes left
    directory = 3,    // the working directory
    execute = 4,      // the program
    file = 5,         // a file of an upload or download
    changed = 6,      // a file changed while it was read
    unsupported = 7,  // a fifo, socket or device was named
    group = 8         // a control group could not be joined
};

enum class Kind : std::uint32_t { file = 1, directory = 2, symlink = 3 };
inline constexpr std::uint32_t entry_top = 1;         // the path the caller named
inline constexpr std::uint32_t entry_mode_known = 2;  // `mode` counts
inline constexpr std::uint32_t entry_complete = 4;    // `content` is the whole file
inline constexpr std::uint32_t entry_length_known = 8;

// Takes a payload apart. A value that is not there reads as zero or empty and `good()` stays false for ever after.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::uint64_t u64() { return number<std::uint64_t>(); }
    std::int64_t i64() { return number<std::int64_t>(); }
    std::string_view bytes(std::size_t limit) {
        const std::uint32_t size = u32();
        if (size > limit || size > bytes_.size()) {
            return fail();
        }
        const std::string_view result = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return result;
    }
    // A byte string that ends in its only NUL, which is not part of the result but stands behind it.
    std::string_view text(std::size_t limit) {
        const std::string_view with_end = bytes(limit);
        if (with_end.empty() || std::memchr(with_end.data(), 0, with_end.size()) != &with_end.back()) {
            return fail();
        }
        return with_end.substr(0, with_end.size() - 1);
    }
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] bool finished() const { return good_ && bytes_.empty(); }

private:
    template <class Number>
    Number number() {
        Number value = 0;
        if (bytes_.size() < sizeof value) {
            fail();
            return 0;
        }
        std::memcpy(&value, bytes_.data(), sizeof value);
        bytes_.remove_prefix(sizeof value);
        return value;
    }
    std::string_view fail() {
        good_ = false;
        bytes_ = {};
        return {};
    }

    std::string_view bytes_;
    bool good_ = true;
};

// Puts a frame together at the end of `Buffer`, which is anything with append(const char*, size_t), size() and data().
template <class Buffer>
class Writer {
public:
    Writer(Buffer& buffer, Type type) : buffer_(buffer), start_(buffer.size()) {
        const Header header{static_cast<std::uint32_t>(type), 0};
        raw(&header, sizeof header);
    }
    Writer& u32(std::uint32_t value) { return raw(&value, sizeof value); }
    Writer& u64(std::uint64_t value) { return raw(&value, sizeof value); }
    Writer& i64(std::int64_t value) { return raw(&value, sizeof value); }
    Writer& bytes(std::string_view value) {
        u32(static_cast<std::uint32_t>(value.size()));
        return raw(value.data(), value.size());
    }
    Writer& text(std::string_view value) {
        u32(static_cast<std::uint32_t>(value.size() + 1));
        raw(value.data(), value.size());
        return raw("", 1);
    }
    Writer& raw(const void* data, std::size_t size) {
        if (size != 0) {
            buffer_.append(static_cast<const char*>(data), size);
        }
        return *this;
    }
    // Writes the size into the header. Nothing may be added afterwards.
    void finish() {
        if (buffer_.size() < start_ + sizeof(Header)) {
            return;  // an init out of memory: its buffer tells
        }
        const auto size = static_cast<std::uint32_t>(buffer_.size() - start_ - sizeof(Header));
        std::memcpy(buffer_.data() + start_ + offsetof(Header, size), &size, sizeof size);
    }

private:
    Buffer& buffer_;
    std::size_t start_;
};

}  // namespace berth_local::protocol
