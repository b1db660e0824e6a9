// A plugin's request on its way into the transport: everything that it may not ask is refused here, and everything that
// is kept is copied. Knows no connection.
#pragma once

#include <berth/plugin.h>

#include <string>
#include <string_view>
#include <vector>

#include "http_transport.hpp"

namespace berth::inline host_v1 {

/// A request of any version of the contract, checked. Throws Error (a breach of the contract) that says what is wrong.
[[nodiscard]] HttpRequestPlan plan_of(const berth_http_request* request);

/// Values of headers that are marked secret, and of authorization headers, marked or not.
[[nodiscard]] std::vector<std::string_view> secrets_of(const berth_http_request* request);

/// "https://host:port/path" of a checked address: what may be shown of it. A query can hold anything.
[[nodiscard]] std::string shown_address(std::string_view url);

/// Whether a plain-text connection to this address leaves the machine.
[[nodiscard]] bool is_in_the_clear(std::string_view url) noexcept;

}  // namespace berth::inline host_v1
