// See file_transfer.hpp: files into a sandbox.
#include <sys/socket.h>

#include <memory>
#include <set>

#include "conversation.hpp"
#include "file_transfer.hpp"
#include "sandbox_path.hpp"

namespace berth_local {
namespace {

constexpr std::size_t gather = 256U << 10;  // how much is gathered before it is sent

class Upload {
public:
    Upload(Link link, TransferEntry first, std::string_view directory, EntrySource& source, Caller& caller)
        : link_(std::move(link)),
          entry_(first),
          directory_(directory),
          source_(source),
          caller_(caller),
          buffer_(std::make_unique_for_overwrite<char[]>(protocol::data_chunk)) {
        // Room for several chunks, so that both sides work at once; the kernel gives as much of it as it allows.
        const int room = 2 << 20;
        ::setsockopt(link_.descriptor(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    }

    void run();

private:
    void send_everything();
    bool next_entry();
    void settle();
    void send_entry(const TransferEntry& entry);
    void send_file(const TransferEntry& entry);
    void put_entry(const TransferEntry& entry, std::string_view content, bool complete);
    void end_operation();
    std::size_t fill(std::size_t wanted, bool& end);
    void send();
    void hear();
    void take(const Frame& frame);
    // What was not asked for ends the conversation: somebody who says it endlessly would hold us.
    [[noreturn]] static void distrust() {
        throw failure(BERTH_PROTOCOL_ERROR, "the sandbox answered an upload against its protocol",
                      "destroy the sandbox: it cannot be trusted");
    }

    Link link_;
    TransferEntry entry_;  // the one in hand
    std::string_view directory_;
    EntrySource& source_;
    Caller& caller_;
    std::unique_ptr<char[]> buffer_;
    std::optional<std::uint64_t> operation_;
    std::set<std::uint64_t> unacknowledged_;
    std::string path_;
    bool done_ = false;
    bool source_failed_ = false;
};

void Upload::run() {
    try {
        send_everything();
    } catch (...) {
        if (source_failed_) {
            settle();
        }
        throw;
    }
}

// The source cannot go on: files that are complete stay, the one in hand goes, and both before the caller hears of it.
void Upload::settle() {
    try {
        protocol::Writer(link_.output(), protocol::Type::file_abort).finish();
        protocol::Writer(link_.output(), protocol::Type::end).finish();
        send();
        while (!done_) {
            wait_for(link_, caller_);
            hear();
        }
    } catch (const Failure&) {
        // The source's own failure is what the caller is told.
    }
}

bool Upload::next_entry() {
    source_failed_ = true;
    const bool more = source_.next(entry_);
    source_failed_ = false;
    return more;
}

void Upload::send_everything() {
    protocol::Writer(link_.output(), protocol::Type::files_in).u32(protocol::version).finish();
    do {
        if (operation_ && *operation_ != entry_.operation) {
            end_operation();
        }
        operation_ = entry_.operation;
        send_entry(entry_);
    } while (next_entry());
    end_operation();
    protocol::Writer(link_.output(), protocol::Type::end).finish();
    send();
    while (!done_) {
        wait_for(link_, caller_);
        hear();
    }
}

void Upload::send_entry(const TransferEntry& entry) {
    try {
        path_ = resolve_path(directory_, entry.path);
    } catch (Failure& failure) {
        failure.index = entry.operation;
        throw;
    }
    if (entry.kind == protocol::Kind::file) {
        send_file(entry);
    } else {
        put_entry(entry, {}, true);
    }
    if (link_.output().size() >= gather) {
        send();
    }
}

void Upload::send_file(const TransferEntry& entry) {
    bool end = false;
    std::size_t size = fill(protocol::inline_content, end);
    put_entry(entry, {buffer_.get(), size}, end);
    while (!end) {
        size = fill(protocol::data_chunk, end);
        if (size > 0) {
            protocol::Writer(link_.output(), protocol::Type::data).raw(buffer_.get(), size).finish();
        }
        send();
        if (end) {
            protocol::Writer(link_.output(), protocol::Type::file_end).finish();
        }
    }
}

std::size_t Upload::fill(std::size_t wanted, bool& end) {
    std::size_t size = 0;
    while (size < wanted && !end) {
        source_failed_ = true;
        const std::size_t got = source_.read(buffer_.get() + size, wanted - size);
        source_failed_ = false;
        end = got == 0;
        size += got;
    }
    return size;
}

void Upload::put_entry(const TransferEntry& entry, std::string_view content, bool complete) {
    std::uint32_t flags = entry.top ? protocol::entry_top : 0;
    flags |= entry.mode ? protocol::entry_mode_known : 0;
    flags |= complete ? protocol::entry_complete : 0;
    protocol::Writer(link_.output(), protocol::Type::entry)
        .u32(static_cast<std::uint32_t>(entry.operation))
        .u32(static_cast<std::uint32_t>(entry.kind))
        .u32(flags)
        .u32(entry.mode.value_or(0))
        .u64(entry.length.value_or(0))
        .text(path_)
        .text(entry.target)
        .bytes(content)
        .finish();
}

void Upload::end_operation() {
    protocol::Writer(link_.output(), protocol::Type::operation_end)
        .u32(static_cast<std::uint32_t>(*operation_))
        .finish();
    unacknowledged_.insert(*operation_);
}

void Upload::send() {
    for (;;) {
        const bool all = send_gathered(link_, caller_);
        hear();
        if (all) {
            return;
        }
    }
}

// Takes what is there without waiting.
void Upload::hear() {
    for (;;) {
        Frame frame;
        switch (link_.next(frame)) {
            case Link::Got::frame:
                take(frame);
                break;
            case Link::Got::nothing:
                return;
            case Link::Got::closed:
            case Link::Got::broken:
                if (done_) {
                    return;
                }
                throw transfer_cut();
        }
    }
}

void Upload::take(const Frame& frame) {
    protocol::Reader reader(frame.payload);
    if (frame.type == protocol::Type::acknowledged) {
        const std::uint32_t operation = reader.u32();
        if (unacknowledged_.erase(operation) == 0) {
            distrust();
        }
        source_.done(operation);
    } else if (frame.type == protocol::Type::failed) {
        throw transfer_failure(frame.payload);
    } else if (frame.type == protocol::Type::done) {
        done_ = true;
    } else {
        distrust();
    }
}

}  // namespace

void upload(int sandbox_directory, std::string_view directory, EntrySource& source, Caller& caller) {
    TransferEntry first;
    if (source.next(first)) {
        Upload(Link::to(sandbox_directory), first, directory, source, caller).run();
    }
}

}  // namespace berth_local
