// The log of the host: one line per message, secrets masked, nothing in it that could drive a terminal.
// The logging library stays behind log.cpp. Knows no provider.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "known_secrets.hpp"
#include "log_level.hpp"

namespace berth::inline host_v1 {

/// Where lines go. Any thread may write, also while the host is being torn down.
class Log {
public:
    /// Hears each line that matters enough, one at a time, on the thread that wrote it.
    using Handler = std::function<void(LogLevel, std::string_view line)>;

    /// A message beyond this many bytes is cut.
    static constexpr std::size_t longest_message = 64 * std::size_t{1024};

    /// Lines of `least` and above to `handler`; an empty handler: nowhere.
    Log(LogLevel least, Handler handler);
    /// To stderr, with time and level.
    explicit Log(LogLevel least);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log();

    /// `source` says who speaks: a provider, or a part of the host. What cannot be written is lost: a log never throws.
    void write(LogLevel level, std::string_view source, std::string_view message) noexcept;

    /// What must never be seen in a line.
    [[nodiscard]] KnownSecrets& secrets() noexcept { return secrets_; }

private:
    class Writer;
    KnownSecrets secrets_;
    std::unique_ptr<Writer> writer_;
};

}  // namespace berth::inline host_v1
