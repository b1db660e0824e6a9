// The sink of execute and execute_stream: keeps the order started, output..., ended, and records the end. What the end
// comes to is decided when the method returns (terminal_rule), not here. Knows no request.
#pragma once

#include <berth/plugin.h>

#include <optional>

#include "c_call.hpp"
#include "provider.hpp"

namespace berth::inline host_v1 {

class ProcessSink {
public:
    /// The most bytes of one output.
    static constexpr std::uint64_t longest_output = std::uint64_t{1024} * 1024;

    ProcessSink(CCall& call, ProcessReceiver& receiver);
    [[nodiscard]] berth_process_sink* face() noexcept { return &face_; }
    /// The recorded end, if there was one. Nothing is taken any more.
    [[nodiscard]] std::optional<ProcessEnd> close();

private:
    struct Functions;
    void start(std::optional<std::int64_t> pid);
    void require_not_ended(const char* what) const;
    berth_status output(std::int32_t stream, berth_bytes bytes);

    CCall& call_;
    ProcessReceiver& receiver_;
    Door door_;
    bool started_ = false;
    std::optional<ProcessEnd> end_;
    berth_process_sink face_;
};

}  // namespace berth::inline host_v1
