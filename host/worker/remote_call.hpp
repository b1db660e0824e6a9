// One call whose plugin runs in a worker, as the host has it: gives what the worker sends to the same sinks, sources and
// services that a plugin in this process would call, and so to the same checks. Knows no process.
#pragma once

#include <berth/plugin.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../provider/c_call.hpp"
#include "../worker/wire/link.hpp"
#include "../worker/wire/methods.hpp"
#include "../worker/wire/shared_bytes.hpp"

namespace berth::inline host_v1 {

/// One channel, as the host has it.
struct HostChannel {
    HostChannel(FileDescriptor socket, wire::FrameKind of_kind)
        : kind(of_kind), link(std::move(socket), wire::Descriptors::never), bytes(wire::SharedBytes::make()) {}
    const wire::FrameKind kind;  ///< that made it
    wire::Link link;
    wire::SharedBytes bytes;
};

/// An event as it crosses.
void put_event(wire::Encoder& message, const CallEvent& event);

/// In front of every answer. A cancel travels with it: what the host's services say because of it must not come before it.
void put_answer_head(wire::Encoder& message, berth_status status, std::optional<CancelReason> cancelled);

/// Carries events to the worker; never waits. Any thread.
class EventCarrier {
public:
    virtual void carry(std::uint64_t call, const CallEvent& event) noexcept = 0;
    /// A call was given up: see when its patience ends.
    virtual void look_at_patience() noexcept = 0;

protected:
    ~EventCarrier() = default;
};

/// The plugin threw an exception; its words.
class PluginThrew : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a frame `returned` says. Throws PluginThrew and wire::Malformed.
[[nodiscard]] berth_status status_returned(std::string_view payload);

class RemoteCall final : private CallEventListener {
public:
    using Clock = Call::Clock;

    /// `host` may be null before `open` has handed it over.
    RemoteCall(CCall& call, const berth_host* host, const wire::CallObjects& objects, EventCarrier& carrier);
    RemoteCall(const RemoteCall&) = delete;
    RemoteCall& operator=(const RemoteCall&) = delete;
    ~RemoteCall();

    [[nodiscard]] CCall& face() const noexcept { return face_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return face_.call().number(); }

    // --- the caller's thread ---
    /// Begins to carry events. Those that were said before the call go with it; they are given encoded.
    [[nodiscard]] wire::Encoder listen();
    /// How the method returned; absent when the worker is gone. Throws wire::Malformed and PluginThrew.
    [[nodiscard]] std::optional<berth_status> converse(HostChannel& channel);
    /// No question is answered any more; waits for those that are being answered.
    void close();

    // --- the threads of service channels ---
    /// A question came; whoever enters leaves, and the call lives until then. False: the call is over.
    [[nodiscard]] bool enter();
    void leave();
    /// Answers one question, between enter and leave. False: the worker is gone. Throws wire::Malformed.
    [[nodiscard]] bool answer(HostChannel& channel, std::string_view question);

    // --- the watching thread ---
    void event_taken(const CallEvent& event);
    /// When the plugin must have returned; absent as long as nobody gave the call up.
    [[nodiscard]] std::optional<Clock::time_point> must_return_at() const;

private:
    enum class Handled { more, returned };
    struct Handle {
        berth_exchange* exchange = nullptr;
        berth_socket* socket = nullptr;
        bool is_busy = false;
    };
    /// The host is at work for the plugin: until it is done, nothing can be held against the plugin.
    class Busy {
    public:
        explicit Busy(RemoteCall& call) : call_(call) {
            const std::lock_guard lock(call_.mutex_);
            ++call_.busy_;
        }
        Busy(const Busy&) = delete;
        Busy& operator=(const Busy&) = delete;
        ~Busy() {
            const std::lock_guard lock(call_.mutex_);
            if (--call_.busy_ == 0) call_.idle_since_ = Clock::now();
        }

    private:
        RemoteCall& call_;
    };
    class Answering;
    friend class Answering;

    void call_event(const CallEvent& event) noexcept override;
    [[nodiscard]] Handled handle(HostChannel& channel, const wire::Frame& frame);
    void take_bytes(HostChannel& channel, const wire::Frame& frame);
    [[nodiscard]] berth_status put_output(HostChannel& channel, std::int32_t stream, berth_bytes bytes);
    void wait_for_event_taken(HostChannel& channel);
    void release(HostChannel& channel, std::uint64_t bytes, berth_status status);
    template <typename Sink>
    [[nodiscard]] static Sink& required(Sink* sink);

    CCall& face_;
    const berth_host* const host_;
    const wire::CallObjects objects_;
    EventCarrier& carrier_;

    mutable std::mutex mutex_;
    std::condition_variable idle_;
    std::map<std::uint64_t, Handle> handles_;
    std::uint64_t last_handle_ = 0;
    std::size_t answering_ = 0;
    bool is_closed_ = false;
    std::optional<wire::Encoder> said_before_;  ///< while listen() collects
    std::mutex source_mutex_;                   ///< what a source lends must still be its own when it is sent
    FileDescriptor wake_;                       ///< made when output first has to wait for an event to be taken
    std::optional<Clock::time_point> cancelled_at_;
    std::size_t busy_ = 0;  ///< threads of the host that are at work for the plugin
    Clock::time_point idle_since_{};

    // The caller's thread.
    std::uint64_t unreleased_ = 0;
    struct KeptFrame {
        wire::FrameKind kind;
        std::uint64_t call;
        std::string payload;
    };
    std::vector<KeptFrame> read_ahead_;
    std::size_t next_read_ahead_ = 0;
    std::string returned_;
};

}  // namespace berth::inline host_v1
