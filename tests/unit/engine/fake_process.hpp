// How a plugin behaves towards the receiver of a process, for tests.
#pragma once

#include <functional>
#include <string_view>

#include "provider/provider.hpp"

namespace berth_test {

using namespace berth;

/// Offers until it is taken, as a plugin does; `on_event` hears what interrupts.
inline void deliver(Call& call, ProcessReceiver& receiver, OutputStream stream, std::string_view bytes,
                    const std::function<void(const CallEvent&)>& on_event = {}) {
    while (receiver.output(stream, bytes) == ProcessReceiver::Taken::interrupted) {
        while (const auto event = call.next_event()) {
            if (on_event) on_event(*event);
        }
    }
}

}  // namespace berth_test
