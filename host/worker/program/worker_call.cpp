#include "worker_call.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "../../service/admit.hpp"

namespace berth::inline host_v1::worker {

using wire::Encoder;
using wire::FrameKind;
using wire::Question;

namespace {

/// Releases are looked for once so much is under way.
constexpr std::uint64_t look_for_releases = wire::SharedRing::longest / 4;
constexpr std::size_t most_queued = std::size_t{64} * 1024;

berth_event event_of(const CallEvent& event, std::uint32_t size) noexcept {
    return {size,
            static_cast<std::uint32_t>(event.kind),
            static_cast<std::int32_t>(event.reason),
            event.signal,
            event.rows,
            event.columns};
}

/// What the plugin handed over, at this build's full size; nullptr when it is too short to be of any version, and the host
/// says so.
template <typename T>
Encoder encoded(const T* incoming) {
    const auto full = admit(incoming);
    Encoder message;
    message.put(full ? &*full : static_cast<const T*>(nullptr));
    return message;
}

}  // namespace

/// The functions of berth_call.
struct WorkerCall::CallFunctions {
    static std::int32_t cancelled(const berth_call* call) noexcept { return of(call)->call_.cancelled() ? 1 : 0; }
    static int events_fd(berth_call* call) noexcept { return of(call)->call_.events_descriptor(); }

    static berth_status next_event(berth_call* call, berth_event* event) noexcept {
        auto& self = *of(call);
        if (event == nullptr || event->size < size_in_v1_0<berth_event>) {
            Encoder message;
            message.put(std::string_view("the plugin asked for an event without room for it"));
            (void)self.send(FrameKind::breach, message);
            return BERTH_CONTRACT;
        }
        const auto next = self.call_.next_event();
        if (!next) return BERTH_AGAIN;
        Encoder message;
        message.put(static_cast<std::uint32_t>(next->kind)).put(next->signal);
        self.body_.say(FrameKind::event_taken, self.number_, message.bytes());
        return give_back(event_of(*next, event->size), event) ? BERTH_OK : BERTH_CONTRACT;
    }

    static int stdin_fd(berth_call* call) noexcept { return of(call)->call_.standard_input(); }

    static berth_status fail(berth_call* call, const berth_error* error) noexcept {
        auto& self = *of(call);
        const auto sent = self.send(FrameKind::fail, encoded(error));
        if (sent == BERTH_CONTRACT) return BERTH_CONTRACT;
        const auto full = admit(error);
        if (!full) return BERTH_CONTRACT;
        return full->code == BERTH_OK ? BERTH_INTERNAL : full->code;
    }

    static std::int64_t begin_cleanup(berth_call* call, std::int64_t wanted_ms) noexcept {
        auto& self = *of(call);
        Encoder message;
        message.put(wanted_ms);
        try {
            const auto answer = self.ask(Question::begin_cleanup, message);
            if (!answer) return 0;
            const auto granted = answer->decoder().get<std::int64_t>();
            const auto reason = answer->decoder().get<std::int32_t>();
            if (granted <= 0) return 0;
            // The event may still be on its way.
            self.call_.cancel(static_cast<CancelReason>(reason));
            (void)self.call_.begin_cleanup(Milliseconds(granted));
            return granted;
        } catch (const std::exception&) {
            return 0;
        }
    }

    static void progress(berth_call* call, berth_str what, std::uint64_t done, std::uint64_t total) noexcept {
        Encoder message;
        message.put(what).put(done).put(total);
        (void)of(call)->send(FrameKind::progress, message);
    }
};

struct WorkerCall::SinkFunctions {
    template <typename Sink>
    static WorkerCall& owner(Sink* sink) noexcept {
        return *static_cast<WorkerCall*>(sink->host_data);
    }

    static berth_status put_info(berth_info_sink* sink, const berth_sandbox_info* info) noexcept {
        auto& self = owner(sink);
        auto full = admit(info);
        // What it points at grows, too.
        const auto environment = full ? admit(full->environment) : std::nullopt;
        const auto usage = full ? admit(full->usage) : std::nullopt;
        if (full) {
            full->environment = environment ? &*environment : nullptr;
            full->usage = usage ? &*usage : nullptr;
        }
        Encoder message;
        message.put(full ? &*full : static_cast<const berth_sandbox_info*>(nullptr));
        // A create must be known the moment it is said: this process may be killed the next.
        const bool at_once = self.call_.method() == "create";
        const auto sent = self.send(FrameKind::put_info, message, at_once ? When::now : When::later);
        return sent == BERTH_OK ? self.stopped_status() : sent;
    }
    static berth_status put_usage(berth_usage_sink* sink, const berth_usage* usage) noexcept {
        return owner(sink).send(FrameKind::put_usage, encoded(usage), When::later);
    }
    static berth_status put_ready(berth_ready_sink* sink, std::int32_t ready) noexcept {
        Encoder message;
        message.put(ready);
        return owner(sink).send(FrameKind::put_ready, message, When::later);
    }
    static berth_status put_pair(berth_pairs_sink* sink, const berth_pair* pair) noexcept {
        Encoder message;
        message.put(static_cast<std::uint8_t>(pair != nullptr ? 1 : 0));
        if (pair != nullptr) message.put(*pair);
        return owner(sink).send(FrameKind::put_pair, message, When::later);
    }
    static berth_status put_feature(berth_feature_sink* sink, const berth_feature* feature) noexcept {
        return owner(sink).send(FrameKind::put_feature, encoded(feature), When::later);
    }
    static berth_status put_snapshot(berth_snapshot_sink* sink, const berth_snapshot_info* snapshot) noexcept {
        return owner(sink).send(FrameKind::put_snapshot, encoded(snapshot), When::later);
    }
    static berth_status write_bytes(berth_bytes_sink* sink, berth_bytes bytes) noexcept {
        auto& self = owner(sink);
        if (self.call_.stopped()) return self.told_cancelled();
        return self.send_bytes(FrameKind::write_bytes, 0, bytes, Interrupts::no);
    }

    static berth_status started(berth_process_sink* sink, berth_opt_i64 pid) noexcept {
        Encoder message;
        message.put(pid);
        return owner(sink).send(FrameKind::process_started, message);
    }
    static berth_status output(berth_process_sink* sink, std::int32_t stream, berth_bytes bytes) noexcept {
        auto& self = owner(sink);
        if (self.call_.stopped())
            return self.call_.event_waiting() ? berth_status{BERTH_INTERRUPTED} : self.told_cancelled();
        return self.send_bytes(FrameKind::process_output, stream, bytes, Interrupts::yes);
    }
    static berth_status ended(berth_process_sink* sink, const berth_process_end* end) noexcept {
        return owner(sink).send(FrameKind::process_ended, encoded(end), When::later);
    }

    static berth_status file_begin(berth_file_sink* sink, const berth_file_entry* entry) noexcept {
        auto& self = owner(sink);
        if (self.call_.stopped()) return self.told_cancelled();
        return self.send(FrameKind::file_begin, encoded(entry), When::later);
    }
    static berth_status file_write(berth_file_sink* sink, berth_bytes bytes) noexcept {
        auto& self = owner(sink);
        if (self.call_.stopped()) return self.told_cancelled();
        return self.send_bytes(FrameKind::file_write, 0, bytes, Interrupts::no);
    }
    static berth_status file_commit(berth_file_sink* sink) noexcept {
        auto& self = owner(sink);
        if (self.call_.stopped()) return self.told_cancelled();
        return self.send(FrameKind::file_commit, Encoder(), When::later);
    }
    static berth_status file_skip(berth_file_sink* sink, const berth_file_entry* entry, berth_str reason) noexcept {
        auto message = encoded(entry);
        message.put(reason);
        return owner(sink).send(FrameKind::file_skip, message, When::later);
    }
};

WorkerCall::WorkerCall(WorkerBody& body, CallChannel& channel, std::uint64_t number, Call::Options options,
                       Call::Listening listening)
    : body_(body), channel_(channel), number_(number), call_(std::move(options)) {
    call_.listen(listening);
    face_ = {sizeof face_,
             0,
             number,
             0,
             this,
             &CallFunctions::cancelled,
             &CallFunctions::events_fd,
             &CallFunctions::next_event,
             &CallFunctions::stdin_fd,
             &CallFunctions::fail,
             &CallFunctions::begin_cleanup,
             &CallFunctions::progress};
    face_.deadline_ns = call_.deadline_ns();
    info_ = {sizeof info_, 0, this, &SinkFunctions::put_info};
    usage_ = {sizeof usage_, 0, this, &SinkFunctions::put_usage};
    ready_ = {sizeof ready_, 0, this, &SinkFunctions::put_ready};
    pairs_ = {sizeof pairs_, 0, this, &SinkFunctions::put_pair};
    bytes_ = {sizeof bytes_, 0, this, &SinkFunctions::write_bytes};
    feature_ = {sizeof feature_, 0, this, &SinkFunctions::put_feature};
    snapshot_ = {sizeof snapshot_, 0, this, &SinkFunctions::put_snapshot};
    process_ = {sizeof process_, 0, this, &SinkFunctions::started, &SinkFunctions::output, &SinkFunctions::ended};
    files_ = {sizeof files_,
              0,
              this,
              &SinkFunctions::file_begin,
              &SinkFunctions::file_write,
              &SinkFunctions::file_commit,
              &SinkFunctions::file_skip};
    fill_source();
    objects_ = {&info_, &usage_, &ready_, &pairs_, &bytes_, &feature_, &snapshot_, &process_, &source_, &files_};
}

WorkerCall::~WorkerCall() = default;

WorkerCall* WorkerCall::of(const berth_call* call) noexcept {
    if (call == nullptr || call->size < sizeof(berth_call)) return nullptr;
    return static_cast<WorkerCall*>(call->host_data);
}

void WorkerCall::event(const CallEvent& event) {
    switch (event.kind) {
        case CallEvent::Kind::cancel:
            call_.cancel(event.reason);
            break;
        case CallEvent::Kind::signal:
            call_.signal(event.signal);
            break;
        case CallEvent::Kind::resize:
            call_.resize(event.rows, event.columns);
            break;
        case CallEvent::Kind::detach:
            call_.detach();
            break;
    }
    const std::lock_guard lock(sending_);
    if (wake_) raise_event(wake_);
}

berth_status WorkerCall::stopped_status() {
    return call_.stopped() ? told_cancelled() : berth_status{BERTH_OK};
}

berth_status WorkerCall::told_cancelled() {
    const auto sent = send(FrameKind::told_cancelled, {}, When::later);
    return sent == BERTH_CONTRACT ? sent : berth_status{BERTH_CANCELLED};
}

berth_status WorkerCall::send(FrameKind kind, const Encoder& message, When when) noexcept {
    try {
        const std::lock_guard lock(sending_);
        if (closed_) return BERTH_CONTRACT;
        auto& link = channel_.link;
        link.queue(kind, number_, message.bytes());
        if ((when == When::now || link.queued() > most_queued) && !link.flush()) return BERTH_UNAVAILABLE;
        // That nobody reads the output any more is said where output is put, and nowhere else.
        const auto status = host_status_.load(std::memory_order_relaxed);
        const bool is_bulk = kind == FrameKind::process_output || kind == FrameKind::write_bytes;
        return !is_bulk && (status >= BERTH_END || status == BERTH_CANCELLED) ? berth_status{BERTH_OK} : status;
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    }
}

void WorkerCall::take_releases() {
    while (const auto frame = channel_.link.try_receive()) {
        if (frame->kind != FrameKind::released || frame->call != number_) continue;
        wire::Decoder decoder(frame->payload);
        (void)channel_.ring.release(decoder.get<std::uint64_t>());
        if (const auto status = decoder.get<std::int32_t>(); status != BERTH_OK) host_status_ = status;
    }
    if (channel_.link.is_gone()) host_status_ = BERTH_UNAVAILABLE;
}

void WorkerCall::wait_for_room() {
    {
        const std::lock_guard lock(sending_);
        if (!wake_) wake_ = make_event();
        clear_event(wake_);
        if (closed_) return;
        (void)channel_.link.flush();
    }
    // An event between the last look and here has raised nothing.
    if (call_.event_waiting() || call_.stopped()) return;
    std::array<pollfd, 2> both{pollfd{channel_.link.descriptor(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
    ::poll(both.data(), both.size(), -1);
}

berth_status WorkerCall::send_bytes(FrameKind kind, std::int32_t stream, berth_bytes bytes,
                                    Interrupts interrupts) noexcept {
    try {
        const std::lock_guard bulk(bulk_mutex_);
        if (closed_) return BERTH_CONTRACT;
        if (kind != FrameKind::process_output) {
            // Only one output is all or nothing.
            while (bytes.data != nullptr && bytes.size > wire::SharedRing::longest) {
                const auto status = send_part(kind, stream, {bytes.data, wire::SharedRing::longest}, interrupts);
                if (status != BERTH_OK) return status;
                bytes.data += wire::SharedRing::longest;
                bytes.size -= wire::SharedRing::longest;
            }
        }
        return send_part(kind, stream, bytes, interrupts);
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    } catch (const std::exception&) {
        return BERTH_UNAVAILABLE;
    }
}

berth_status WorkerCall::send_part(FrameKind kind, std::int32_t stream, berth_bytes bytes, Interrupts interrupts) {
    Encoder message;
    message.put(stream);
    // What is wrong with it, the host says.
    if (bytes.size == 0 || bytes.data == nullptr || bytes.size > wire::SharedRing::longest) {
        message.put(static_cast<std::uint8_t>(bytes.data == nullptr ? 0 : 1)).put(~std::uint64_t{0}).put(bytes.size);
        return send(kind, message);
    }
    auto& ring = channel_.ring;
    if (ring.taken() > look_for_releases) take_releases();
    std::optional<std::size_t> offset;
    while (!(offset = ring.take(static_cast<std::size_t>(bytes.size)))) {
        take_releases();
        if (closed_) return BERTH_CONTRACT;
        if (const auto status = host_status_.load(); status != BERTH_OK) return status;
        if ((offset = ring.take(static_cast<std::size_t>(bytes.size)))) break;
        if (interrupts == Interrupts::yes && call_.event_waiting()) return BERTH_INTERRUPTED;
        if (call_.stopped()) return told_cancelled();
        wait_for_room();
    }
    std::memcpy(channel_.bytes.all().data() + *offset, bytes.data, static_cast<std::size_t>(bytes.size));
    message.put(std::uint8_t{1}).put(static_cast<std::uint64_t>(*offset)).put(bytes.size);
    return send(kind, message);
}

void WorkerCall::finish(std::string_view returned) {
    {
        const std::lock_guard lock(source_mutex_);
        if (fetching_.channel) {
            drop_fetched();
            body_.give_back(std::move(fetching_.channel));
        }
    }
    {
        const std::lock_guard lock(sending_);
        closed_ = true;
        if (wake_) raise_event(wake_);
    }
    // A thread of the plugin that still writes is on its way out: the channel is the next call's after this.
    const std::lock_guard bulk(bulk_mutex_);
    const std::lock_guard lock(sending_);
    channel_.link.queue(FrameKind::returned, number_, returned);
    (void)channel_.link.flush();
}

}  // namespace berth::inline host_v1::worker
