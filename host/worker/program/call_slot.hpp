// One call channel and the thread behind it: receives a call, enters the plugin, says how it returned, waits for the next.
// Knows the methods only as the table of wire/methods.hpp.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "../../provider/call.hpp"
#include "../wire/link.hpp"
#include "../wire/shared_bytes.hpp"

namespace berth::inline host_v1::worker {

class WorkerBody;
class WorkerCall;

/// An event as the host's side put it.
[[nodiscard]] CallEvent get_event(wire::Decoder& message);

/// A call channel as the worker has it.
struct CallChannel {
    CallChannel(wire::Link to_host, FileDescriptor memory)
        : link(std::move(to_host)), bytes(wire::SharedBytes::adopt(std::move(memory))) {
        bytes.close_descriptor();
    }
    wire::Link link;
    wire::SharedBytes bytes;
    wire::SharedRing ring;
};

class CallSlot {
public:
    CallSlot(WorkerBody& body, wire::Link link, FileDescriptor memory);
    CallSlot(const CallSlot&) = delete;
    CallSlot& operator=(const CallSlot&) = delete;
    ~CallSlot();

    /// The caller said something to that call; it may not have begun yet, or be over. The control thread.
    void event(std::uint64_t call, const CallEvent& event);
    /// The host is gone: the thread ends when the method that runs has returned.
    void shut_down() const noexcept { channel_.link.shut_down(); }

private:
    void run();
    void serve(wire::Frame frame);
    void retire(std::unique_ptr<WorkerCall> call);

    WorkerBody& body_;
    CallChannel channel_;
    std::mutex mutex_;  ///< guards the two that follow
    WorkerCall* current_ = nullptr;
    std::deque<std::pair<std::uint64_t, CallEvent>> early_;
    /// Calls that are over: a plugin that still uses a sink of theirs hears CONTRACT instead of crashing. Bounded.
    std::deque<std::unique_ptr<WorkerCall>> retired_;
    std::thread thread_;
};

}  // namespace berth::inline host_v1::worker
