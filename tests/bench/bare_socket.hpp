// A WebSocket by Boost.Beast alone: what listening costs a client that does nothing else. Knows nothing of Berth.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

/// Opens `url`, "http://HOST:PORT/TARGET", with these "NAME: VALUE" headers, reads messages until the other side closes with
/// 1000, and gives their bytes. Throws when it ends otherwise.
[[nodiscard]] std::size_t count_messages(const std::string& url, const std::vector<std::string>& headers);

}  // namespace bench
