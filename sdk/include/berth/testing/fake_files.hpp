// The file source and the file sink of the fake host, in memory.
#ifndef BERTH_TESTING_FAKE_FILES_HPP
#define BERTH_TESTING_FAKE_FILES_HPP

#include <algorithm>
#include <map>
#include <set>

#include "../files.hpp"
#include "fake_sinks.hpp"

namespace berth::inline sdk_v1::testing {

/// Gives entries one after the other; what was lent with one is dead at the next.
class FakeFileSource : public FakeSink<berth_file_source> {
public:
    FakeFileSource(FakeCall& call, const std::vector<UploadEntry>& entries) : FakeSink(call), entries_(entries) {
        berth_file_source::next = [](berth_file_source* raw, berth_file_entry* entry) noexcept {
            return self(raw).give(*entry);
        };
        berth_file_source::read = [](berth_file_source* raw, void* to, std::uint64_t most,
                                     std::uint64_t* got) noexcept {
            return self(raw).give(static_cast<char*>(to), most, *got);
        };
        berth_file_source::rewind = [](berth_file_source* raw) noexcept {
            const FakeCall::Use use{self(raw).call_, "rewind"};
            self(raw).at_ = 0;
            return berth_status{BERTH_OK};
        };
        berth_file_source::pipe = [](berth_file_source* raw) noexcept {
            const FakeCall::Use use{self(raw).call_, "pipe"};
            return -1;  // always allowed: the plugin reads instead
        };
        berth_file_source::done = [](berth_file_source* raw, std::uint64_t operation) noexcept {
            self(raw).complete(operation);
        };
    }
    /// The operations that the plugin said were complete.
    std::set<std::uint64_t> completed;

private:
    static FakeFileSource& self(berth_file_source* raw) { return *static_cast<FakeFileSource*>(raw); }

    berth_status give(berth_file_entry& to) {
        const FakeCall::Use use{call_, "next of a source"};
        if (to.size < sizeof(berth_file_entry)) call_.broken("V2", "next was given an entry without its size");
        lent_.die();
        at_ = 0;
        current_ = nullptr;
        if (call_.stopped()) return call_.host_stops();
        if (next_ == entries_.size()) return BERTH_END;
        current_ = &entries_[next_];
        const bool top = next_ == 0 || entries_[next_ - 1].operation != current_->operation;
        ++next_;
        FileEntry entry;
        entry.kind = current_->kind;
        entry.operation = current_->operation;
        entry.mode = current_->mode;
        entry.top = top;
        if (current_->kind == EntryKind::file) entry.length = current_->content.size();
        to = ::berth::detail::raw(entry);
        to.path = lent_.text(current_->path);
        if (current_->kind == EntryKind::symlink) to.link_target = lent_.text(current_->link_target);
        return BERTH_OK;
    }
    berth_status give(char* to, std::uint64_t most, std::uint64_t& got) {
        const FakeCall::Use use{call_, "read of a source"};
        got = 0;
        if (current_ == nullptr || current_->kind != EntryKind::file) {
            call_.broken("order", "read was called where there is no current file");
            return BERTH_CONTRACT;
        }
        if (call_.stopped()) return call_.host_stops();
        const std::string& content = current_->content;
        if (at_ == content.size()) {
            return current_->changes ? call_.host_fails(BERTH_CONFLICT, "the file changed while it was read")
                                     : berth_status{BERTH_END};
        }
        // Never everything at once: a plugin that reads only once is to lose bytes here and not at its user's.
        got = std::min<std::uint64_t>({most, content.size() - at_, 1000});
        std::memcpy(to, content.data() + at_, static_cast<std::size_t>(got));
        at_ += static_cast<std::size_t>(got);
        return BERTH_OK;
    }
    void complete(std::uint64_t operation) {
        const FakeCall::Use use{call_, "done"};
        const bool known = std::any_of(entries_.begin(), entries_.end(),
                                       [&](const UploadEntry& entry) { return entry.operation == operation; });
        if (!known || !completed.insert(operation).second)
            call_.broken("order", "done was called for an operation that is unknown, or twice");
    }

    const std::vector<UploadEntry>& entries_;
    Arena lent_;
    const UploadEntry* current_ = nullptr;
    std::size_t next_ = 0;
    std::size_t at_ = 0;
};

/// A file, directory or link that came out of a sandbox.
struct Downloaded {
    EntryKind kind = EntryKind::file;
    std::string content;
    std::string link_target;
    std::optional<std::uint32_t> mode;
};

/// Keeps what was committed, by operation and path below it ("" is the wanted path itself).
class FakeFileSink : public FakeSink<berth_file_sink> {
public:
    FakeFileSink(FakeCall& call, std::size_t operations) : FakeSink(call), operations_(operations) {
        berth_file_sink::begin = [](berth_file_sink* raw, const berth_file_entry* entry) noexcept {
            return self(raw).start(::berth::detail::entry(*entry));
        };
        berth_file_sink::write = [](berth_file_sink* raw, berth_bytes bytes) noexcept {
            return self(raw).take(::berth::detail::view(bytes));
        };
        berth_file_sink::commit = [](berth_file_sink* raw) noexcept { return self(raw).finish(); };
        berth_file_sink::skip = [](berth_file_sink* raw, const berth_file_entry*, berth_str) noexcept {
            const FakeCall::Use use{self(raw).call_, "skip"};
            ++self(raw).skipped;
            return self(raw).call_.stopped() ? self(raw).call_.host_stops() : berth_status{BERTH_OK};
        };
    }
    std::map<std::pair<std::uint64_t, std::string>, Downloaded> files;
    std::size_t skipped = 0;

private:
    static FakeFileSink& self(berth_file_sink* raw) { return *static_cast<FakeFileSink*>(raw); }

    berth_status start(const FileEntry& entry) {
        const FakeCall::Use use{call_, "begin of a file"};
        open_ = false;  // an entry without commit never existed
        call_.check_text(entry.path, "the path of a file");
        if (entry.operation >= operations_)
            return refuse("data", "a file was begun for an operation that was not asked for");
        if (entry.kind < EntryKind::file || entry.kind > EntryKind::symlink)
            return refuse("V3", "a file was begun without its kind");
        if (call_.stopped()) return call_.host_stops();
        if (escapes(entry.path)) return call_.host_fails(BERTH_PATH_ESCAPE, "the entry would leave its target");
        if (const auto slash = entry.path.rfind('/'); slash != std::string_view::npos) {
            const auto parent = files.find({entry.operation, std::string{entry.path.substr(0, slash)}});
            if (parent == files.end() || parent->second.kind != EntryKind::directory)
                return refuse("order", "a file was begun before its directory");
        }
        current_ = {entry.kind, "", std::string{entry.link_target}, entry.mode};
        key_ = {entry.operation, std::string{entry.path}};
        length_ = entry.length;
        open_ = true;
        return BERTH_OK;
    }
    berth_status take(std::string_view bytes) {
        const FakeCall::Use use{call_, "write of a file"};
        if (!open_ || current_.kind != EntryKind::file)
            return refuse("order", "bytes were written where no file is begun");
        call_.check_text(bytes, "the bytes of a file");
        if (call_.stopped()) return call_.host_stops();
        current_.content.append(bytes);
        return BERTH_OK;
    }
    berth_status finish() {
        const FakeCall::Use use{call_, "commit"};
        if (!open_) return refuse("order", "commit was called where nothing is begun");
        if (call_.stopped()) return call_.host_stops();
        open_ = false;
        if (length_ && current_.kind == EntryKind::file && *length_ != current_.content.size())
            return refuse("order", "a file was committed with another length than announced");
        files[key_] = std::move(current_);
        return BERTH_OK;
    }
    static bool escapes(std::string_view path) {
        return (!path.empty() && path[0] == '/') || ("/" + std::string{path} + "/").find("/../") != std::string::npos;
    }
    berth_status refuse(std::string_view rule, std::string_view what) {
        call_.broken(rule, what);
        return BERTH_CONTRACT;
    }

    std::size_t operations_;
    bool open_ = false;
    Downloaded current_;
    std::pair<std::uint64_t, std::string> key_;
    std::optional<std::uint64_t> length_;
};

}  // namespace berth::inline sdk_v1::testing

#endif
