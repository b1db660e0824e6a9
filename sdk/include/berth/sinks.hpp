// Where results go that a method does not simply return: many sandboxes, bytes, the output of a process.
// The host copies inside each function: what is handed over may live on the stack.
#ifndef BERTH_SINKS_HPP
#define BERTH_SINKS_HPP

#include "call.hpp"

namespace berth::inline sdk_v1 {

namespace detail {

/// What a sink answered; throws when that is neither taken, enough nor cancelled.
inline Delivered delivered(berth_status status, const char* what) {
    switch (status) {
        case BERTH_OK:
            return Delivered::taken;
        case BERTH_ENOUGH:
            return Delivered::enough;
        case BERTH_CANCELLED:
            return Delivered::cancelled;
        case BERTH_CONTRACT:
            throw Error(Code::internal, std::string{"the plugin broke an order rule of the contract: "} + what);
        default:
            throw Error::recorded_by_host(status, what);
    }
}

}  // namespace detail

/// For a `list` that hands over one sandbox after the other.
class InfoSink {
public:
    explicit InfoSink(berth_info_sink* raw) : raw_(raw) {}
    Delivered put(const SandboxInfo& info) {
        return detail::delivered(raw_->put(raw_, detail::RawInfo{info}.get()), "a sandbox was put");
    }

private:
    berth_info_sink* raw_;
};

/// Bytes in order. Waits while the reader is behind.
class ByteSink {
public:
    explicit ByteSink(berth_bytes_sink* raw) : raw_(raw) {}
    Delivered write(std::string_view bytes) {
        return detail::delivered(raw_->write(raw_, detail::bytes(bytes)), "bytes were written");
    }

private:
    berth_bytes_sink* raw_;
};

/// The course of one process. Its end is what the method returns.
class ProcessSink {
public:
    ProcessSink(berth_process_sink* raw, Call& call) : raw_(raw), call_(&call) { call.idle_ = true; }

    /// The process runs; the backend's process id, when it has one. At most once, before any output.
    void started(std::optional<std::int64_t> pid = {}) {
        say_started();
        // Cancelled or not, the process has started: how it ended is still a result.
        (void)detail::delivered(raw_->started(raw_, detail::number_if(pid)), "a process was said to have started");
    }

    /// Hands over output, all of it or nothing. Waits while the reader is behind; when an event comes meanwhile,
    /// `on_event(const berth::Event&)` is called and the same bytes are offered again.
    template <class OnEvent>
    Delivered output(Stream stream, std::string_view bytes, OnEvent&& on_event) {
        constexpr std::size_t most = std::size_t{1} << 20;  // the contract's limit for one piece
        do {
            const Delivered answer = piece(stream, bytes.substr(0, most), on_event);
            if (answer != Delivered::taken) return answer;
            bytes = bytes.size() > most ? bytes.substr(most) : std::string_view{};
        } while (!bytes.empty());
        return Delivered::taken;
    }
    /// The same for a method without a handler: events are kept for Call::next_event, a cancel is the answer.
    Delivered output(Stream stream, std::string_view bytes) {
        return output(stream, bytes, [this](const Event& event) { call_->kept_.push_back(event); });
    }

    bool has_started() const { return started_; }

private:
    void say_started() {
        started_ = true;
        call_->idle_ = false;
    }
    template <class OnEvent>
    Delivered piece(Stream stream, std::string_view bytes, OnEvent& on_event) {
        for (;;) {
            const berth_status status = raw_->output(raw_, static_cast<std::int32_t>(stream), detail::bytes(bytes));
            if (status != BERTH_INTERRUPTED) {
                say_started();
                return detail::delivered(status, "output was put after the end of the process");
            }
            while (std::optional<Event> event = call_->take_event())
                on_event(*event);
        }
    }

    berth_process_sink* raw_;
    Call* call_;
    bool started_ = false;
};

}  // namespace berth::inline sdk_v1

#endif
