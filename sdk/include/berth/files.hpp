// Files on their way into a sandbox and out of it. The plugin never sees a host path: the host opens, walks, checks and
// writes; the plugin's part is the sandbox's side.
#ifndef BERTH_FILES_HPP
#define BERTH_FILES_HPP

#include "call.h"
#include "detail/convert.hpp"

namespace berth::inline sdk_v1 {

/// One file, directory or link, as a source gives it and a sink takes it. Its views live until the source's next entry.
struct FileEntry {
    EntryKind kind = EntryKind::file;
    std::uint64_t operation = 0;  ///< Index of the caller's file operation.
    std::string_view path = {};   ///< Upload: the whole sandbox path. Download: below the wanted path, "" for itself.
    std::string_view link_target = {};         ///< With EntryKind::symlink.
    std::optional<std::uint64_t> length = {};  ///< Bytes of a file, when known beforehand.
    std::optional<std::uint32_t> mode = {};    ///< Permission bits, 0-0777.
    bool top = false;                          ///< The path that the caller named, first of its operation.
};

namespace detail {

inline FileEntry entry(const berth_file_entry& raw) {
    FileEntry to;
    to.kind = static_cast<EntryKind>(raw.kind);
    to.operation = raw.operation;
    to.path = view(raw.path);
    to.link_target = view(raw.link_target);
    to.length = given(raw.length);
    if ((raw.flags & BERTH_ENTRY_MODE_KNOWN) != 0) to.mode = raw.mode;
    to.top = (raw.flags & BERTH_ENTRY_TOP) != 0;
    return to;
}

inline berth_file_entry raw(const FileEntry& from) {
    berth_file_entry to = sized<berth_file_entry>();
    to.flags =
        (from.mode ? std::uint32_t{BERTH_ENTRY_MODE_KNOWN} : 0) | (from.top ? std::uint32_t{BERTH_ENTRY_TOP} : 0);
    to.kind = static_cast<std::int32_t>(from.kind);
    to.mode = from.mode.value_or(0);
    to.operation = from.operation;
    to.path = text(from.path);
    if (from.kind == EntryKind::symlink) to.link_target = text(from.link_target);
    to.length = number_if(from.length);
    return to;
}

inline void must_be_ok(berth_status status, const char* what) {
    if (status != BERTH_OK) throw Error::recorded_by_host(status, what);
}

}  // namespace detail

/// Files for the sandbox, parents before children. A source that fails throws the host's own error: let it pass.
class FileSource {
public:
    explicit FileSource(berth_file_source* raw) : raw_(raw) {}

    /// The next entry, absent after the last. What was not read of the one before is skipped.
    std::optional<FileEntry> next() {
        berth_file_entry entry = detail::sized<berth_file_entry>();
        const berth_status status = raw_->next(raw_, &entry);
        if (status == BERTH_END) return std::nullopt;
        detail::must_be_ok(status, "the next file to upload could not be had");
        return detail::entry(entry);
    }
    /// Up to `capacity` bytes of the current file; 0 at its end.
    std::size_t read(void* buffer, std::size_t capacity) {
        std::uint64_t got = 0;
        const berth_status status = raw_->read(raw_, buffer, capacity, &got);
        if (status == BERTH_END) return 0;
        detail::must_be_ok(status, "a file to upload could not be read");
        return static_cast<std::size_t>(got);
    }
    /// Begins the current file anew; false when it cannot, and then the transfer must not be repeated.
    bool rewind() {
        const berth_status status = raw_->rewind(raw_);
        if (status == BERTH_UNSUPPORTED) return false;
        detail::must_be_ok(status, "a file to upload could not be read again");
        return true;
    }
    /// A pipe that carries the rest of the current file, or -1. The host's, closed at next(). Check what came against
    /// the entry's length, then read() once: it tells the end, or throws when the file changed meanwhile.
    int pipe() { return raw_->pipe(raw_); }
    /// Every entry of this operation is in place.
    void done(std::uint64_t operation) { raw_->done(raw_, operation); }

    /// Calls `take(const FileEntry&)` for every entry, and done() whenever an operation is complete.
    template <class Take>
    void each(Take&& take) {
        std::optional<std::uint64_t> current;
        while (std::optional<FileEntry> entry = next()) {
            if (current && *current != entry->operation) done(*current);
            current = entry->operation;
            take(*entry);
        }
        if (current) done(*current);
    }

private:
    berth_file_source* raw_;
};

/// Files from the sandbox. A refusal of the host (a name that would leave the target, a full disk) is thrown: let it
/// pass. Without commit() a file never existed.
class FileSink {
public:
    explicit FileSink(berth_file_sink* raw) : raw_(raw) {}

    /// Announces an entry; a file's bytes follow.
    void begin(const FileEntry& entry) {
        const berth_file_entry raw = detail::raw(entry);
        detail::must_be_ok(raw_->begin(raw_, &raw), "the host did not take a file");
    }
    void write(std::string_view bytes) {
        detail::must_be_ok(raw_->write(raw_, detail::bytes(bytes)), "the host did not take the bytes of a file");
    }
    /// The announced entry is complete.
    void commit() { detail::must_be_ok(raw_->commit(raw_), "the host did not complete a file"); }
    /// A fifo, socket or device met inside a directory: counted, not copied.
    void skip(const FileEntry& entry, std::string_view reason) {
        const berth_file_entry raw = detail::raw(entry);
        detail::must_be_ok(raw_->skip(raw_, &raw, detail::text(reason)), "the host did not skip a file");
    }

private:
    berth_file_sink* raw_;
};

}  // namespace berth::inline sdk_v1

#endif
