// Waiting on a Link together with a caller who may cancel. The failure words of the file server. Shared by both ways.
#pragma once

#include "caller.hpp"
#include "failure.hpp"
#include "link.hpp"

namespace berth_local {

// Waits until the link can be read or, when something waits to go out, written. Throws CANCELLED.
void wait_for(Link& link, Caller& caller);

// Sends what is gathered. Stops early when the other side has something to say or is gone: then the answer is false.
bool send_gathered(Link& link, Caller& caller);

// What the file server says went wrong.
[[nodiscard]] Failure transfer_failure(std::string_view payload);

[[nodiscard]] Failure transfer_cut();

}  // namespace berth_local
