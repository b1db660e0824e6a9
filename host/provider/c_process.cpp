#include "c_process.hpp"

#include <string>

#include "../service/admit.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

using provider_diagnostics::malformed;
using provider_diagnostics::wrong_order;

constexpr int highest_signal = 64;

[[noreturn]] void refuse_end(const std::string& why) {
    throw Breach(malformed, "the plugin ended a process with " + why);
}

ProcessEnd read_end(const berth_process_end* incoming) {
    const auto full = admit(incoming);
    if (!full) refuse_end("a struct that is missing or too short");
    if (full->kind < BERTH_ENDED_EXITED || full->kind > BERTH_ENDED_DETACHED) {
        refuse_end("the unknown kind " + std::to_string(full->kind));
    }
    if (full->exit_code < 0 || full->exit_code > 255) refuse_end("exit code " + std::to_string(full->exit_code));
    if (full->signal < 0 || full->signal > highest_signal) refuse_end("signal " + std::to_string(full->signal));
    if (full->kind == BERTH_ENDED_SIGNALLED && full->signal == 0) refuse_end("a signal that it does not name");
    ProcessEnd end;
    end.kind = static_cast<ProcessEnd::Kind>(full->kind);
    end.exit_code = full->exit_code;
    end.signal = full->signal;
    if (const auto duration = read(full->duration_ms)) {
        if (*duration < 0) refuse_end("a negative duration");
        end.duration = Milliseconds(*duration);
    }
    return end;
}

berth_status number_of(ProcessReceiver::Taken taken) noexcept {
    switch (taken) {
        case ProcessReceiver::Taken::taken:
            return BERTH_OK;
        case ProcessReceiver::Taken::interrupted:
            return BERTH_INTERRUPTED;
        case ProcessReceiver::Taken::enough:
            return BERTH_ENOUGH;
    }
    return BERTH_ENOUGH;
}

}  // namespace

struct ProcessSink::Functions {
    static ProcessSink& of(berth_process_sink* sink) noexcept { return *static_cast<ProcessSink*>(sink->host_data); }

    // `started` and `ended` are taken even after a cancel: what became of the process must be known.
    static berth_status started(berth_process_sink* sink, berth_opt_i64 pid) noexcept {
        auto& self = of(sink);
        return self.door_.enter(self.call_, [&] {
            self.require_not_ended("started a process");
            if (self.started_) throw Breach(wrong_order, "the plugin started one process twice");
            const auto number = read(pid);
            if (number && *number <= 0) {
                throw Breach(malformed, "the plugin gave the process id " + std::to_string(*number));
            }
            self.start(number);
            return BERTH_OK;
        });
    }

    static berth_status output(berth_process_sink* sink, std::int32_t stream, berth_bytes bytes) noexcept {
        auto& self = of(sink);
        return self.door_.enter(self.call_, [&] { return self.output(stream, bytes); });
    }

    static berth_status ended(berth_process_sink* sink, const berth_process_end* end) noexcept {
        auto& self = of(sink);
        return self.door_.enter(self.call_, [&] {
            self.require_not_ended("ended a process");
            const auto read_value = read_end(end);
            if (!self.started_) self.start(std::nullopt);
            self.end_ = read_value;
            return BERTH_OK;
        });
    }
};

ProcessSink::ProcessSink(CCall& call, ProcessReceiver& receiver)
    : call_(call), receiver_(receiver), face_{sizeof face_,     0, this, &Functions::started, &Functions::output,
                                              &Functions::ended} {}

void ProcessSink::start(std::optional<std::int64_t> pid) {
    started_ = true;
    receiver_.started(pid);
}

void ProcessSink::require_not_ended(const char* what) const {
    if (end_) throw Breach(wrong_order, std::string("the plugin ") + what + " after the process had ended");
}

berth_status ProcessSink::output(std::int32_t stream, berth_bytes bytes) {
    require_not_ended("put out bytes");
    if (stream != BERTH_STDOUT && stream != BERTH_STDERR) {
        throw Breach(malformed, "the plugin put out bytes on the unknown stream " + std::to_string(stream));
    }
    if (bytes.size > longest_output) {
        throw Breach(malformed, "the plugin put out " + std::to_string(bytes.size) + " bytes at once, at most " +
                                    std::to_string(longest_output));
    }
    if (bytes.size != 0 && bytes.data == nullptr) {
        throw Breach(malformed, "the plugin put out bytes with a size without data");
    }
    if (!started_) start(std::nullopt);
    if (call_.stopped()) {
        // It may not have seen the cancel yet: let it read the event before it gives up.
        return call_.call().event_waiting() ? BERTH_INTERRUPTED : call_.cancelled();
    }
    if (bytes.size == 0) return BERTH_OK;
    const std::string_view view(reinterpret_cast<const char*>(bytes.data), static_cast<std::size_t>(bytes.size));
    return number_of(receiver_.output(static_cast<OutputStream>(stream), view));
}

std::optional<ProcessEnd> ProcessSink::close() {
    door_.close();
    return end_;
}

}  // namespace berth::inline host_v1
