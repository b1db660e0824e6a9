// A running process in a sandbox, as its caller holds it: byte streams, a future, kill, stdin.
// Public. Knows no provider; the engine's own thread stands behind it.
#pragma once

#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "../provider/values.hpp"

namespace berth::inline host_v1 {

class ProcessState;

/// One stream of bytes while it comes. Chunk borders mean nothing. One reader at a time.
class ByteStream {
public:
    /// Waits for bytes; 0 at the end of the stream. A reader that does not read holds the process back, never a kill.
    std::size_t read(std::span<std::byte> buffer);
    /// The same, but absent when nothing has come within `patience`.
    std::optional<std::size_t> read_for(std::span<std::byte> buffer, Milliseconds patience);
    /// Everything until the end; for tests and short outputs.
    std::string read_all();

private:
    friend class Process;
    ByteStream(std::shared_ptr<ProcessState> state, OutputStream stream) : state_(std::move(state)), stream_(stream) {}
    std::shared_ptr<ProcessState> state_;
    OutputStream stream_;
};

/// Hears output instead of reading streams: the quickest way. Called on the engine's thread, one call at a time; while
/// it blocks, no signal reaches the process: wait inside with `poll` and a descriptor of your own, never for ever.
class OutputReceiver {
public:
    virtual ~OutputReceiver() = default;
    virtual void output(OutputStream stream, std::string_view bytes) = 0;
    /// The last call, on the same thread: the process has ended, or was lost, and its completion is about to be there.
    virtual void ended() noexcept {}
};

/// What happens to output that is not read.
enum class Overflow {
    wait,        ///< the process waits (back-pressure)
    drop_oldest  ///< the oldest unread bytes go
};

/// A process started by Host::execute_stream. Move-only handle; dropping it does NOT kill the process: its output is
/// then thrown away and it runs on until it ends, its sandbox is destroyed, or the Host ends.
class Process {
public:
    Process(Process&&) noexcept;
    Process& operator=(Process&&) noexcept;
    ~Process();

    /// Inside the sandbox; absent where the backend has none or nothing was started (127).
    [[nodiscard]] std::optional<std::int64_t> pid() const;
    /// nullptr when that stream is discarded or goes to an OutputReceiver.
    [[nodiscard]] ByteStream* standard_output() noexcept;
    [[nodiscard]] ByteStream* standard_error() noexcept;

    /// Resolves once, when the process and both streams have ended; holds an Error when the connection was lost.
    [[nodiscard]] std::shared_future<ProcessResult> completion() const;
    ProcessResult wait() const { return completion().get(); }
    [[nodiscard]] std::optional<ProcessResult> wait_for(Milliseconds patience) const;

    /// True when the signal was handed on; false when the process has ended. Signals other than SIGTERM and SIGKILL
    /// need the feature `signals`, else UNSUPPORTED.
    bool kill(int signal = 15);
    /// Ends it as a caller who gives up: the kill ladder, result `killed`, reason `cancelled`.
    void cancel();
    /// Leaves it running without us (feature `detach`, else UNSUPPORTED).
    void detach();
    void resize(TerminalSize size);

    /// With `interactive`. Blocks while the process does not read; throws EXECUTION_FAILED... when stdin is closed.
    void write_stdin(std::string_view bytes);
    /// Twice is fine.
    void close_stdin();
    /// The write end of stdin's pipe, to poll or splice into; -1 without `interactive` or after close. Stays the
    /// Process's.
    [[nodiscard]] int stdin_descriptor() const noexcept;

private:
    friend class Host;
    explicit Process(std::shared_ptr<ProcessState> state);
    std::shared_ptr<ProcessState> state_;
    std::optional<ByteStream> output_;
    std::optional<ByteStream> error_;
};

}  // namespace berth::inline host_v1
