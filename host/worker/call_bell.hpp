// What a thread that polls hears of a call: its cancel makes a descriptor readable. Knows nobody who waits.
#pragma once

#include "../base/file_descriptor.hpp"
#include "../provider/call.hpp"

namespace berth::inline host_v1 {

/// As long as it lives, whatever happens to `call` raises `event`. Both outlive it. One at a time for each call.
class CallBell final : private CallEventListener {
public:
    CallBell(Call& call, const FileDescriptor& event) : call_(call), event_(event) { call_.tell(this); }
    CallBell(const CallBell&) = delete;
    CallBell& operator=(const CallBell&) = delete;
    ~CallBell() { call_.tell(nullptr); }

private:
    void call_event(const CallEvent& /*what*/) noexcept override { raise_event(event_); }

    Call& call_;
    const FileDescriptor& event_;
};

}  // namespace berth::inline host_v1
