// One call inside the worker, as the plugin sees it: the call, its sinks and sources. What the plugin says goes to the host,
// which judges it as if the plugin ran there; here is only what must not wait for the host. Knows no method.
#pragma once

#include <berth/plugin.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../provider/call.hpp"
#include "../wire/codec.hpp"
#include "../wire/methods.hpp"
#include "call_slot.hpp"
#include "worker_body.hpp"

namespace berth::inline host_v1::worker {

class ServiceHandle;

/// What the host answered. `decoder` reads behind the status; the bytes live as long as this.
class HostAnswer {
public:
    explicit HostAnswer(std::string payload, std::vector<FileDescriptor> descriptors)
        : payload_(std::move(payload)), descriptors_(std::move(descriptors)), decoder_(payload_) {
        status_ = decoder_.get<std::int32_t>();
        if (const auto reason = decoder_.get<std::int32_t>(); reason != 0)
            cancelled_ = static_cast<CancelReason>(reason);
    }
    HostAnswer(const HostAnswer&) = delete;
    HostAnswer& operator=(const HostAnswer&) = delete;
    [[nodiscard]] berth_status status() const noexcept { return status_; }
    /// The call had been cancelled when the host answered.
    [[nodiscard]] std::optional<CancelReason> cancelled() const noexcept { return cancelled_; }
    [[nodiscard]] wire::Decoder& decoder() noexcept { return decoder_; }
    [[nodiscard]] std::vector<FileDescriptor>& descriptors() noexcept { return descriptors_; }

private:
    std::string payload_;
    std::vector<FileDescriptor> descriptors_;
    wire::Decoder decoder_;
    berth_status status_ = BERTH_INTERNAL;
    std::optional<CancelReason> cancelled_;
};

class WorkerCall {
public:
    WorkerCall(WorkerBody& body, CallChannel& channel, std::uint64_t number, Call::Options options,
               Call::Listening listening);
    WorkerCall(const WorkerCall&) = delete;
    WorkerCall& operator=(const WorkerCall&) = delete;
    ~WorkerCall();

    [[nodiscard]] berth_call* face() noexcept { return &face_; }
    [[nodiscard]] const wire::CallObjects& objects() const noexcept { return objects_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] WorkerBody& body() noexcept { return body_; }
    void event(const CallEvent& event);  ///< the control thread
    /// The method has returned: nothing is taken any more. Sends what is queued, and `returned` behind it.
    void finish(std::string_view returned);

    // --- for services, any thread ---
    [[nodiscard]] static WorkerCall* of(const berth_call* call) noexcept;
    /// Asks the host and waits. nullptr: the call is over, or the host is gone.
    [[nodiscard]] std::unique_ptr<HostAnswer> ask(ServiceChannel& channel, wire::Question question,
                                                  const wire::Encoder& message);
    [[nodiscard]] std::unique_ptr<HostAnswer> ask(wire::Question question, const wire::Encoder& message);
    ServiceHandle* keep(std::unique_ptr<ServiceHandle> handle);

private:
    struct CallFunctions;
    struct SinkFunctions;
    struct SourceFunctions;
    enum class When { later, now };
    /// A frame to the host, which judges it. CONTRACT once the method has returned.
    berth_status send(wire::FrameKind kind, const wire::Encoder& message, When when = When::now) noexcept;
    /// Bytes through the shared memory. With `interrupts`, an event that waits lets go of a full one.
    enum class Interrupts { no, yes };
    berth_status send_bytes(wire::FrameKind kind, std::int32_t stream, berth_bytes bytes,
                            Interrupts interrupts) noexcept;
    berth_status send_part(wire::FrameKind kind, std::int32_t stream, berth_bytes bytes, Interrupts interrupts);
    berth_status stopped_status();
    /// CANCELLED, and the host knows that it was said.
    berth_status told_cancelled();
    void take_releases();
    void wait_for_room();
    [[nodiscard]] bool begin_question(ServiceChannel& channel, wire::Question question, std::string_view message);
    [[nodiscard]] std::unique_ptr<HostAnswer> receive_answer(ServiceChannel& channel);
    void fill_source();
    berth_status source_next(berth_file_entry* entry);
    berth_status source_read(void* buffer, std::uint64_t capacity, std::uint64_t* got);
    berth_status fetch_block();
    void drop_fetched();
    [[nodiscard]] std::unique_ptr<HostAnswer> ask_source(wire::Question question);

    WorkerBody& body_;
    CallChannel& channel_;
    const std::uint64_t number_;
    Call call_;
    FileDescriptor wake_;
    std::mutex sending_;
    std::mutex bulk_mutex_;                     ///< of the ring, and of receiving on the channel
    std::atomic<berth_status> host_status_{0};  ///< once a sink of the host failed or wants no more
    std::atomic<bool> closed_{false};           ///< the method has returned; changes under sending_
    std::mutex handles_mutex_;
    std::list<std::unique_ptr<ServiceHandle>> handles_;

    /// The source: its own channel, one block in hand and one on its way.
    struct Fetching {
        std::unique_ptr<ServiceChannel> channel;
        std::unique_ptr<HostAnswer> entry;  ///< its views live until the next entry
        std::string_view block;
        berth_status after = BERTH_OK;  ///< what comes when the block is used up
        std::uint8_t half = 0;
        bool asked = false;
        bool has_read = false;
        FileDescriptor pipe;
    } fetching_;
    std::mutex source_mutex_;

    berth_call face_{};
    berth_info_sink info_{};
    berth_usage_sink usage_{};
    berth_ready_sink ready_{};
    berth_pairs_sink pairs_{};
    berth_bytes_sink bytes_{};
    berth_feature_sink feature_{};
    berth_snapshot_sink snapshot_{};
    berth_process_sink process_{};
    berth_file_source source_{};
    berth_file_sink files_{};
    wire::CallObjects objects_;
};

/// Something that a service opened for a call, such as a request. Lives as long as the call, closed or not.
class ServiceHandle {
public:
    ServiceHandle(WorkerCall& opened_for, std::uint64_t at_the_host) : call(opened_for), number(at_the_host) {}
    WorkerCall& call;
    const std::uint64_t number;  ///< the host's
    bool closed = false;
    FileDescriptor descriptor;
    std::unique_ptr<HostAnswer> kept;  ///< what handed-out views point into
};

}  // namespace berth::inline host_v1::worker
