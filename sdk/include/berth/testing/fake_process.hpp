// The sink for a process: keeps started, output..., ended in order, and says what the caller sees when the method
// returns: exactly one of a result and an error.
#ifndef BERTH_TESTING_FAKE_PROCESS_HPP
#define BERTH_TESTING_FAKE_PROCESS_HPP

#include "fake_sinks.hpp"

namespace berth::inline sdk_v1::testing {

class FakeProcessSink : public FakeSink<berth_process_sink> {
public:
    FakeProcessSink(FakeCall& call, const ProcessRequest& request) : FakeSink(call), request_(request) {
        berth_process_sink::started = [](berth_process_sink* raw, berth_opt_i64 process_id) noexcept {
            return static_cast<FakeProcessSink*>(raw)->start(process_id);
        };
        berth_process_sink::output = [](berth_process_sink* raw, std::int32_t stream, berth_bytes bytes) noexcept {
            return static_cast<FakeProcessSink*>(raw)->take(stream, ::berth::detail::view(bytes));
        };
        berth_process_sink::ended = [](berth_process_sink* raw, const berth_process_end* raw_end) noexcept {
            return static_cast<FakeProcessSink*>(raw)->finish(*raw_end);
        };
    }

    bool has_started = false;
    std::optional<std::int64_t> pid;
    std::string out;
    std::string err;
    std::optional<ProcessEnd> end;

    /// What the caller sees. `error` is what the call ended with, if it failed.
    std::optional<Error> terminal(std::optional<Error> error) {
        if (pending_ && must_come_again_) call_.broken("order", "interrupted bytes were not offered again");
        if (end) return std::nullopt;  // a later error is only logged
        if (!error) {
            call_.broken("E4", "the method returned OK without the end of the process");
            return Error(Code::protocol_error, "OK without the end of the process");
        }
        if (error->code() != Code::cancelled) return error;
        if (has_started)
            call_.broken("C2", "a process that ran and was cancelled was reported as an error");
        else if (error->outcome() != Outcome::none)
            call_.broken("C2", "a cancel before the start was reported with an outcome other than none");
        return error;
    }

private:
    berth_status start(berth_opt_i64 process_id) {
        const FakeCall::Use use{call_, "started"};
        if (has_started || end) return refuse("order", "started was called twice, or after output");
        has_started = true;
        pid = detail::given(process_id);
        if (request_.on_started) request_.on_started(call_);
        return call_.stopped() ? berth_status{BERTH_CANCELLED} : berth_status{BERTH_OK};
    }
    berth_status take(std::int32_t stream, std::string_view bytes) {
        const FakeCall::Use use{call_, "output"};
        if (end) return refuse("C5", "output was put after the end of the process");
        if (stream != BERTH_STDOUT && stream != BERTH_STDERR)
            return refuse("data", "output was put on no known stream");
        if (bytes.size() > (std::size_t{1} << 20)) return refuse("order", "more than 1 MiB was put at once");
        call_.check_text(bytes, "output");
        has_started = true;
        if (pending_ && !call_.stopped() && (pending_->first != stream || pending_->second != bytes))
            call_.broken("order", "after INTERRUPTED other bytes were offered");
        const bool again = pending_.has_value();
        if (!again && request_.on_output) request_.on_output(call_, static_cast<Stream>(stream), bytes);
        // Only a stream is told of events; one of an unknown kind is to be skipped.
        const bool planned =
            !again && call_.method() == "execute_stream" && call_.shared().plan.strikes(Interruption::event);
        if (planned) call_.push({static_cast<EventKind>(99), {}, 0, 0, 0});
        if (call_.event_waits()) {
            if (again) return refuse("order", "output was offered again before the waiting event was read");
            pending_ = {stream, std::string{bytes}};
            must_come_again_ = planned && !call_.is_cancelled();
            return BERTH_INTERRUPTED;
        }
        pending_.reset();
        if (call_.stopped()) return call_.host_stops();
        const berth_status status = answer();
        if (status == BERTH_OK) (stream == BERTH_STDOUT ? out : err).append(bytes);
        return status;
    }
    berth_status finish(const berth_process_end& raw) {
        const FakeCall::Use use{call_, "ended"};
        if (end) return refuse("C5", "the end of the process was said twice");
        if (raw.kind < BERTH_ENDED_EXITED || raw.kind > BERTH_ENDED_DETACHED)
            call_.broken("V3", "the process ended in the way " + std::to_string(raw.kind));
        if (raw.exit_code < 0 || raw.exit_code > 255)
            call_.broken("data", "the exit code is " + std::to_string(raw.exit_code));
        end = ProcessEnd{static_cast<EndKind>(raw.kind), raw.exit_code, raw.signal,
                         detail::given_duration(raw.duration_ms)};
        return BERTH_OK;
    }
    berth_status refuse(std::string_view rule, std::string_view what) {
        call_.broken(rule, what);
        return BERTH_CONTRACT;
    }

    const ProcessRequest& request_;
    std::optional<std::pair<std::int32_t, std::string>> pending_;  // interrupted
    bool must_come_again_ = false;                                 // nothing but the planned event was in the way
};

}  // namespace berth::inline sdk_v1::testing

#endif
