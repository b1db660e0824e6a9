#include "log_stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "shell_run.hpp"
#include "toolbox.hpp"

namespace standin::daytona {

namespace {

constexpr std::size_t most_in_a_slice = 1024;
constexpr std::chrono::milliseconds look{20};

/// What the real daemon's sender does and how a test wants it to fail.
struct Manner {
    std::size_t slice = most_in_a_slice;
    Milliseconds close_after = 0;
    std::string end;
    std::size_t end_after = 0;
    std::string frames;
    LogFormat format = LogFormat::marked;
};

Manner manner_of(World& world, const Request& request) {
    const Lock lock(world.mutex);
    const auto& behaviour = world.behaviour;
    const auto wanted = request.chunk_bytes > 0 ? request.chunk_bytes : behaviour.log_slice;
    return {std::min(wanted, most_in_a_slice), behaviour.log_close_after_ms, behaviour.log_end,
            behaviour.log_end_after,           behaviour.log_frames,         log_format(request)};
}

/// Takes markers out of slices, wherever those cut.
class Merge {
public:
    std::string take(std::string_view bytes) {
        pending_ += bytes;
        const auto last = pending_.find_last_not_of("\x01\x02");
        auto keep = last == std::string::npos ? 0 : last + 1;
        // A marker that is whole cannot become another one.
        while (pending_.size() - keep >= 3) {
            keep += 3;
        }
        auto text = streams_of(std::string_view(pending_).substr(0, keep)).merged;
        pending_.erase(0, keep);
        return text;
    }

private:
    std::string pending_;
};

class Sender {
public:
    Sender(Talk& talk, const Manner& manner) : talk_(talk), manner_(manner) {}

    /// False: this connection is over, by either side.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto part = bytes.substr(0, room());
            if (part.empty()) return end_as_asked();
            if (!send_slices(part)) return false;
            sent_ += part.size();
            bytes.remove_prefix(part.size());
        }
        return true;
    }

    /// For a fault that waits for no further byte.
    bool may_go_on() { return room() > 0 || end_as_asked(); }

private:
    [[nodiscard]] bool ends_early() const { return manner_.end == "early" || manner_.end == "abnormal"; }
    /// Bytes until this connection has to end as a test wants.
    [[nodiscard]] std::size_t room() const {
        if (!ends_early()) return std::string::npos;
        return manner_.end_after - std::min(manner_.end_after, sent_);
    }
    bool send_slices(std::string_view bytes) {
        const auto text = manner_.format == LogFormat::merged ? merge_.take(bytes) : std::string(bytes);
        if (manner_.frames != "text") return talk_.send(text, manner_.slice);
        for (std::string_view left = text; !left.empty(); left.remove_prefix(std::min(manner_.slice, left.size()))) {
            if (!talk_.send_text(left.substr(0, manner_.slice))) return false;
        }
        return true;
    }
    bool end_as_asked() {
        if (manner_.end == "early") talk_.close(1000);
        return false;
    }

    Talk& talk_;
    const Manner& manner_;
    Merge merge_;
    std::size_t sent_ = 0;
};

enum class Work { goes_on, done, lost };

Work look_at(World& world, Sandbox& sandbox, const ShellCommand& command) {
    const Lock lock(world.mutex);
    sandbox.last_activity = world.now();  // an open socket is activity
    if (!sandbox.machine || world.ending()) return Work::lost;
    return command.exit_code ? Work::done : Work::goes_on;
}

std::string read_from(int log) {
    std::string bytes(std::size_t{64} * 1024, '\0');
    const auto count = ::read(log, bytes.data(), bytes.size());
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
}

void follow(World& world, Sandbox& sandbox, const ShellCommand& command, const Manner& manner, Talk& talk) {
    const berth::FileDescriptor log(::open(command.log().c_str(), O_RDONLY | O_CLOEXEC));
    if (!log) return talk.close(1011);
    Sender sender(talk, manner);
    Milliseconds quiet = 0;
    while (sender.may_go_on()) {
        const auto work = look_at(world, sandbox, command);
        const auto bytes = read_from(log.get());
        if (!bytes.empty()) {
            if (!sender.send(bytes)) return;
            quiet = 0;
            continue;
        }
        if (work == Work::lost) return;
        if (work == Work::done && quiet >= manner.close_after && manner.end != "never") return talk.close(1000);
        if (!talk.listen(look)) return;
        if (work == Work::done) quiet += look.count();
    }
}

}  // namespace

LogFormat log_format(const Request& request) {
    const auto version = request.header("x-daytona-sdk-version");
    if (version.empty()) {
        return request.header("x-daytona-split-output") == "true" ? LogFormat::marked : LogFormat::merged;
    }
    if (version.find("dev") != std::string::npos || compare_versions(version, "0.167.0") >= 0) return LogFormat::json;
    return compare_versions(version, "0.27.0") >= 0 ? LogFormat::marked : LogFormat::merged;
}

bool wants_websocket(const Request& request) {
    // Compared as text, so "WebSocket" is none.
    return request.asked("follow") == "true" && request.header("upgrade") == "websocket";
}

Answer follow_log(const Call& call, const std::shared_ptr<ShellCommand>& command) {
    Answer answer;
    answer.talk = [&world = call.world, sandbox = call.sandbox, command, manner = manner_of(call.world, call.request)](
                      Talk& talk) { follow(world, *sandbox, *command, manner, talk); };
    return answer;
}

Answer follow_text(const Call& call, const std::string& log) {
    Answer answer;
    answer.talk = [&world = call.world, log, manner = manner_of(call.world, call.request)](Talk& talk) {
        Sender sender(talk, manner);
        if (!sender.send(log)) return;
        while (talk.listen(look)) {
            const Lock lock(world.mutex);
            if (world.ending()) return;
        }
    };
    return answer;
}

}  // namespace standin::daytona
