#include "remote_call.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "../provider/diagnostics.hpp"

namespace berth::inline host_v1 {

using wire::Decoder;
using wire::Encoder;
using wire::FrameKind;

namespace {

/// A plugin has so long to return after its call was given up, when it asks for no clean-up window.
constexpr Milliseconds usual_patience{250};
/// A release is worth a message of its own from here on.
constexpr std::uint64_t much = wire::SharedRing::longest / 4;
/// So many frames are read ahead while output waits; far more than a plugin that listens to events ever sends.
constexpr std::size_t most_read_ahead = 100'000;
constexpr std::size_t longest_words = 4096;
/// What a view points at that is only there to be refused for its size.
constexpr std::uint8_t never_read = 0;

}  // namespace

RemoteCall::RemoteCall(CCall& call, const berth_host* host, const wire::CallObjects& objects, EventCarrier& carrier)
    : face_(call), host_(host), objects_(objects), carrier_(carrier) {}

RemoteCall::~RemoteCall() {
    close();
}

berth_status status_returned(std::string_view payload) {
    Decoder message(payload);
    const auto status = message.get<std::int32_t>();
    const auto thrown = message.get<std::uint8_t>();
    if (thrown == 0) return status;
    throw PluginThrew(thrown == 1 ? bearable(message.get<std::string_view>(), longest_words)
                                  : "something that is no std::exception");
}

void put_event(Encoder& message, const CallEvent& event) {
    message.put(static_cast<std::uint32_t>(event.kind)).put(static_cast<std::int32_t>(event.reason));
    message.put(event.signal).put(event.rows).put(event.columns);
}

void put_answer_head(Encoder& message, berth_status status, std::optional<CancelReason> cancelled) {
    message.put(status).put(cancelled ? static_cast<std::int32_t>(*cancelled) : std::int32_t{0});
}

Encoder RemoteCall::listen() {
    {
        const std::lock_guard lock(mutex_);
        said_before_.emplace();
    }
    face_.call().tell(this);
    const std::lock_guard lock(mutex_);
    auto events = std::move(*said_before_);
    said_before_.reset();
    return events;
}

void RemoteCall::call_event(const CallEvent& event) noexcept {
    bool goes_with_the_call = false;
    {
        const std::lock_guard lock(mutex_);
        if (said_before_) {
            goes_with_the_call = true;
            put_event(*said_before_, event);
        }
    }
    if (!goes_with_the_call) carrier_.carry(number(), event);
    {
        const std::lock_guard lock(mutex_);
        if (event.kind == CallEvent::Kind::cancel && !cancelled_at_) cancelled_at_ = Clock::now();
        if (wake_) raise_event(wake_);
    }
    if (event.kind == CallEvent::Kind::cancel) carrier_.look_at_patience();
}

void RemoteCall::event_taken(const CallEvent& event) {
    face_.call().take(event);
    const std::lock_guard lock(mutex_);
    if (wake_) raise_event(wake_);
}

std::optional<RemoteCall::Clock::time_point> RemoteCall::must_return_at() const {
    std::optional<Clock::time_point> cancelled;
    bool is_busy = false;
    Clock::time_point idle_since;
    {
        const std::lock_guard lock(mutex_);
        cancelled = cancelled_at_;
        is_busy = busy_ > 0;
        idle_since = idle_since_;
    }
    if (!cancelled) return std::nullopt;
    const auto& call = face_.call();
    const auto last = call.patience_end().value_or(*cancelled) + usual_patience;
    auto moment = *cancelled + usual_patience;
    if (const auto window = call.cleanup_until()) moment = std::max(moment, *window + usual_patience);
    // What the host itself took is not the plugin's, up to the point where nobody waits for anything any more.
    if (is_busy) {
        moment = Clock::now() + usual_patience;
    } else {
        moment = std::max(moment, idle_since + usual_patience);
    }
    const auto end = call.cleanup_until() ? std::max(last, *call.cleanup_until() + usual_patience) : last;
    return std::min(moment, end);
}

// --- the caller's thread ---------------------------------------------------------------------------------------------

std::optional<berth_status> RemoteCall::converse(HostChannel& channel) {
    for (;;) {
        auto handled = Handled::more;
        if (next_read_ahead_ < read_ahead_.size()) {
            const auto ahead = std::move(read_ahead_[next_read_ahead_++]);
            handled = handle(channel, {ahead.kind, ahead.call, ahead.payload, {}});
        } else {
            read_ahead_.clear();
            next_read_ahead_ = 0;
            std::optional<wire::Frame> frame;
            if (unreleased_ > wire::SharedRing::slack) {
                // Before this thread waits, the worker must not be left waiting for room.
                frame = channel.link.try_receive();
                if (!frame && !channel.link.is_gone()) release(channel, 0, BERTH_OK);
            }
            if (!frame && !channel.link.is_gone()) frame = channel.link.receive();
            if (!frame) return std::nullopt;
            if (frame->call != number()) throw wire::Malformed("it speaks of another call");
            handled = handle(channel, *frame);
        }
        if (handled == Handled::returned) break;
    }
    return status_returned(returned_);
}

template <typename Sink>
Sink& RemoteCall::required(Sink* sink) {
    if (sink == nullptr) throw wire::Malformed("it answers a question that was not asked");
    return *sink;
}

RemoteCall::Handled RemoteCall::handle(HostChannel& channel, const wire::Frame& frame) {
    Decoder message(frame.payload);
    const Busy busy(*this);
    switch (frame.kind) {
        case FrameKind::put_info: {
            auto& sink = required(objects_.info);
            (void)sink.put(&sink, message.get<const berth_sandbox_info*>());
            break;
        }
        case FrameKind::put_usage: {
            auto& sink = required(objects_.usage);
            (void)sink.put(&sink, message.get<const berth_usage*>());
            break;
        }
        case FrameKind::put_ready: {
            auto& sink = required(objects_.ready);
            (void)sink.put(&sink, message.get<std::int32_t>());
            break;
        }
        case FrameKind::put_pair: {
            auto& sink = required(objects_.pairs);
            const bool there = message.get<std::uint8_t>() != 0;
            const auto pair = there ? message.get<berth_pair>() : berth_pair{};
            (void)sink.put(&sink, there ? &pair : nullptr);
            break;
        }
        case FrameKind::put_feature: {
            auto& sink = required(objects_.feature);
            (void)sink.put(&sink, message.get<const berth_feature*>());
            break;
        }
        case FrameKind::put_snapshot: {
            auto& sink = required(objects_.snapshot);
            (void)sink.put(&sink, message.get<const berth_snapshot_info*>());
            break;
        }
        case FrameKind::process_started: {
            auto& sink = required(objects_.process);
            (void)sink.started(&sink, message.get<berth_opt_i64>());
            break;
        }
        case FrameKind::process_ended: {
            auto& sink = required(objects_.process);
            (void)sink.ended(&sink, message.get<const berth_process_end*>());
            break;
        }
        case FrameKind::process_output:
        case FrameKind::write_bytes:
        case FrameKind::file_write:
            take_bytes(channel, frame);
            break;
        case FrameKind::source_done: {
            auto& source = required(objects_.source);
            source.done(&source, message.get<std::uint64_t>());
            break;
        }
        case FrameKind::file_begin: {
            auto& sink = required(objects_.files);
            const auto status = sink.begin(&sink, message.get<const berth_file_entry*>());
            if (status != BERTH_OK) release(channel, 0, status);
            break;
        }
        case FrameKind::file_commit: {
            auto& sink = required(objects_.files);
            const auto status = sink.commit(&sink);
            if (status != BERTH_OK) release(channel, 0, status);
            break;
        }
        case FrameKind::file_skip: {
            auto& sink = required(objects_.files);
            const auto* const entry = message.get<const berth_file_entry*>();
            (void)sink.skip(&sink, entry, message.get<berth_str>());
            break;
        }
        case FrameKind::fail: {
            auto* const call = face_.face();
            (void)call->fail(call, message.get<const berth_error*>());
            break;
        }
        case FrameKind::told_cancelled:
            if (face_.call().cancelled()) (void)face_.cancelled();
            break;
        case FrameKind::breach: {
            const auto words = bearable(face_.safe(message.get<std::string_view>()), longest_words);
            (void)face_.breach(Breach(provider_diagnostics::malformed, words));
            break;
        }
        case FrameKind::progress: {
            auto* const call = face_.face();
            const auto what = message.get<berth_str>();
            const auto done = message.get<std::uint64_t>();
            call->progress(call, what, done, message.get<std::uint64_t>());
            break;
        }
        case FrameKind::returned:
            returned_ = frame.payload;
            return Handled::returned;
        default:
            throw wire::Malformed("it sends what only a host sends");
    }
    return Handled::more;
}

void RemoteCall::take_bytes(HostChannel& channel, const wire::Frame& frame) {
    Decoder message(frame.payload);
    const auto stream = message.get<std::int32_t>();
    const bool there = message.get<std::uint8_t>() != 0;
    const auto offset = message.get<std::uint64_t>();
    const auto size = message.get<std::uint64_t>();
    berth_bytes bytes{nullptr, size};
    const bool in_memory = offset != ~std::uint64_t{0};
    if (in_memory) {
        const auto part = channel.bytes.part(offset, size);
        if (!part || !there || size > wire::SharedRing::longest) throw wire::Malformed("its bytes lie nowhere");
        bytes.data = reinterpret_cast<const std::uint8_t*>(part->data());
    } else if (there) {
        // Only what the sink refuses for its size, before it looks at any of it.
        if (size != 0 && (frame.kind != FrameKind::process_output || size <= wire::SharedRing::longest))
            throw wire::Malformed("its bytes lie nowhere");
        bytes.data = &never_read;
    }
    berth_status status = BERTH_OK;
    if (frame.kind == FrameKind::process_output) {
        status = put_output(channel, stream, bytes);
    } else if (frame.kind == FrameKind::write_bytes) {
        auto& sink = required(objects_.bytes);
        status = sink.write(&sink, bytes);
    } else {
        auto& sink = required(objects_.files);
        status = sink.write(&sink, bytes);
    }
    if (in_memory) unreleased_ += size;
    if (unreleased_ >= much || status != BERTH_OK) release(channel, 0, status);
}

void RemoteCall::release(HostChannel& channel, std::uint64_t bytes, berth_status status) {
    Encoder message;
    message.put(std::exchange(unreleased_, 0) + bytes).put(status);
    // A worker that is gone is noticed where it is listened to.
    (void)channel.link.send(FrameKind::released, number(), message.bytes());
}

/// The plugin is not held up by this, as it would be in this process: it hears of events by itself. Only this thread has to
/// let go of a reader that is behind, until the plugin knows.
berth_status RemoteCall::put_output(HostChannel& channel, std::int32_t stream, berth_bytes bytes) {
    auto& sink = required(objects_.process);
    for (;;) {
        const auto status = sink.output(&sink, stream, bytes);
        if (status != BERTH_INTERRUPTED) return status;
        if (face_.stopped()) return face_.cancelled();
        wait_for_event_taken(channel);
        if (channel.link.is_gone()) return BERTH_UNAVAILABLE;
    }
}

void RemoteCall::wait_for_event_taken(HostChannel& channel) {
    auto& call = face_.call();
    {
        const std::lock_guard lock(mutex_);
        if (!wake_) wake_ = make_event();
    }
    while (call.event_waiting() && !call.stopped() && !channel.link.is_gone()) {
        if (read_ahead_.size() < most_read_ahead) {
            if (const auto frame = channel.link.try_receive()) {
                read_ahead_.push_back({frame->kind, frame->call, std::string(frame->payload)});
                // It has returned and will take no event any more: what it put out before still counts.
                if (frame->kind == FrameKind::returned) {
                    while (call.next_event()) {
                    }
                }
                continue;
            }
        }
        auto timeout = Milliseconds{-1};
        if (const auto end = call.cleanup_until())
            timeout = std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(*end - Clock::now()));
        std::array<pollfd, 2> both{pollfd{channel.link.descriptor(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
        ::poll(both.data(), both.size(), static_cast<int>(timeout.count()));
        clear_event(wake_);
    }
}

}  // namespace berth::inline host_v1
