// See file_transfer.hpp: files out of a sandbox. The file server may be anything by now: order, sizes and numbers are
// checked here, names once more by the host's sink.
#include "conversation.hpp"
#include "file_transfer.hpp"
#include "sandbox_path.hpp"

namespace berth_local {
namespace {

class Download {
public:
    Download(Link link, std::uint64_t operations, EntrySink& sink, Caller& caller)
        : link_(std::move(link)), operations_(operations), sink_(sink), caller_(caller) {}

    void run(std::string_view directory, const std::vector<std::string>& paths);

private:
    void take(const Frame& frame);
    void take_entry(protocol::Reader& reader);
    [[noreturn]] static void broken() {
        throw failure(BERTH_PROTOCOL_ERROR, "the sandbox sent files against its protocol",
                      "destroy the sandbox: it cannot be trusted");
    }

    Link link_;
    std::uint64_t operations_;
    EntrySink& sink_;
    Caller& caller_;
    std::uint64_t operation_ = 0;
    bool in_file_ = false;
    bool top_seen_ = false;
    bool done_ = false;
};

void Download::run(std::string_view directory, const std::vector<std::string>& paths) {
    protocol::Writer request(link_.output(), protocol::Type::files_out);
    request.u32(protocol::version).u32(static_cast<std::uint32_t>(paths.size()));
    for (std::size_t i = 0; i < paths.size(); ++i) {
        try {
            request.text(resolve_path(directory, paths[i]));
        } catch (Failure& failure) {
            failure.index = i;
            throw;
        }
    }
    request.finish();
    if (link_.output().size() > protocol::max_request) {
        throw refusal(BERTH_INVALID_ARGUMENT, "the paths together are larger than 8 MiB");
    }
    while (!done_) {
        link_.flush();
        Frame frame;
        switch (link_.next(frame)) {
            case Link::Got::frame:
                take(frame);
                if (caller_.cancelled()) {
                    wait_for(link_, caller_);  // throws
                }
                break;
            case Link::Got::nothing:
                wait_for(link_, caller_);
                break;
            case Link::Got::closed:
                throw transfer_cut();
            case Link::Got::broken:
                broken();
        }
    }
}

void Download::take(const Frame& frame) {
    protocol::Reader reader(frame.payload);
    switch (frame.type) {
        case protocol::Type::entry:
            return take_entry(reader);
        case protocol::Type::data:
            if (!in_file_) {
                broken();
            }
            return sink_.write(frame.payload);
        case protocol::Type::file_end:
            if (!in_file_) {
                broken();
            }
            in_file_ = false;
            return sink_.commit();
        case protocol::Type::skipped: {
            const std::uint32_t operation = reader.u32();
            const std::string_view path = reader.text(protocol::max_path);
            const std::string_view reason = reader.text(256);
            if (!reader.finished() || operation != operation_ || in_file_ || !top_seen_) {
                broken();
            }
            return sink_.skip(operation, path, reason);
        }
        case protocol::Type::operation_end:
            if (reader.u32() != operation_ || !reader.finished() || in_file_ || !top_seen_) {
                broken();
            }
            ++operation_;
            top_seen_ = false;
            return;
        case protocol::Type::done:
            if (operation_ != operations_) {
                broken();
            }
            done_ = true;
            return;
        case protocol::Type::failed:
            throw transfer_failure(frame.payload);
        default:
            broken();
    }
}

void Download::take_entry(protocol::Reader& reader) {
    TransferEntry entry;
    entry.operation = reader.u32();
    const std::uint32_t kind = reader.u32();
    const std::uint32_t flags = reader.u32();
    entry.mode = reader.u32() & 0777;
    const std::uint64_t length = reader.u64();
    entry.path = reader.text(protocol::max_path);
    entry.target = reader.text(protocol::max_path);
    const std::string_view content = reader.bytes(protocol::max_frame);
    entry.kind = static_cast<protocol::Kind>(kind);
    entry.top = (flags & protocol::entry_top) != 0;
    if ((flags & protocol::entry_length_known) != 0) {
        entry.length = length;
    }
    if (!reader.finished() || in_file_ || entry.operation != operation_ || operation_ >= operations_ || kind < 1 ||
        kind > 3 || entry.top == top_seen_ || entry.top != entry.path.empty()) {
        broken();
    }
    top_seen_ = true;
    sink_.begin(entry);
    if (entry.kind == protocol::Kind::file) {
        in_file_ = true;
        if (!content.empty()) {
            sink_.write(content);
        }
    } else {
        sink_.commit();
    }
}

}  // namespace

void download(int sandbox_directory, std::string_view directory, const std::vector<std::string>& paths, EntrySink& sink,
              Caller& caller) {
    if (!paths.empty()) {
        Download(Link::to(sandbox_directory), paths.size(), sink, caller).run(directory, paths);
    }
}

}  // namespace berth_local
