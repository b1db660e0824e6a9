// Where a redirect leads to. Knows no connection.
#pragma once

#include <optional>
#include <string>

namespace berth::inline host_v1 {

/// The whole address that `location` means when the answer of `url` says it, if that is on the same scheme, host and
/// port; what leads anywhere else, or is no address, is nothing.
[[nodiscard]] std::optional<std::string> redirect_within_origin(const std::string& url, const std::string& location);

}  // namespace berth::inline host_v1
