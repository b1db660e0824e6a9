// What a failure of the library means to whoever made the request. Knows no connection.
#pragma once

#include <string_view>

#include "../http_transport.hpp"
#include "curl.hpp"

namespace berth::inline host_v1 {

/// `words` are the library's own about this failure; empty: its general ones.
[[nodiscard]] HttpFailure failure_of(CURLcode result, HttpFailure::Sent sent, std::string_view words);

}  // namespace berth::inline host_v1
