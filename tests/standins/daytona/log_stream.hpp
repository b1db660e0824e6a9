// A log followed over a WebSocket, with all that can go wrong with that, and the formats by the client's version.
#pragma once

#include "endpoints.hpp"

namespace standin::daytona {

enum class LogFormat { merged, marked, json };

/// By X-Daytona-SDK-Version and X-Daytona-Split-Output.
[[nodiscard]] LogFormat log_format(const Request& request);
[[nodiscard]] bool wants_websocket(const Request& request);
/// From the log's beginning until a while after the command's exit code.
[[nodiscard]] Answer follow_log(const Call& call, const std::shared_ptr<ShellCommand>& command);
/// A log that does not grow and has no end.
[[nodiscard]] Answer follow_text(const Call& call, const std::string& log);

}  // namespace standin::daytona
