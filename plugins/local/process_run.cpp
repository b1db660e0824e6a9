// See process_run.hpp. One file, though long, because its parts are steps of one poll loop over one state.
#include "process_run.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>

#include "descriptor.hpp"
#include "failure.hpp"
#include "link.hpp"
#include "process_input.hpp"
#include "process_outcome.hpp"
#include "process_output.hpp"
#include "run_request.hpp"
#include "terminal_end.hpp"

namespace berth_local {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds margin{5000};

class Run {
public:
    Run(Link link, const ProcessRequest& request, Caller& caller, ProcessSink& sink)
        : link_(std::move(link)),
          request_(request),
          caller_(caller),
          sink_(sink),
          input_(request.input, request.live_input ? caller.input() : -1) {}

    ProcessEnd run(const std::function<bool()>& ended_by_us);

private:
    bool step();
    void add(int descriptor, short events);
    [[nodiscard]] short seen(int descriptor) const;
    [[nodiscard]] int wait_ms() const;
    void take_events();
    void take_event(const Event& event);
    void cancel();
    void take_frames();
    void take_frame(const Frame& frame);
    void take_started(protocol::Reader& reader);
    [[nodiscard]] bool take_streams(std::uint32_t streams);
    [[nodiscard]] bool take_terminal(std::uint32_t streams);
    void take_ended(protocol::Reader& reader);
    void take_failed(protocol::Reader& reader);
    void tell_not_executed(int error);
    void take_what_is_there();
    void offer(std::int32_t stream, std::string_view bytes);
    void send_signal(int signal);
    void resize(const Event& event);
    void detach();
    [[nodiscard]] ProcessEnd lost(const std::function<bool()>& ended_by_us) const;

    Link link_;
    const ProcessRequest& request_;
    Caller& caller_;
    ProcessSink& sink_;

    std::array<ProcessOutput, 2> outputs_;
    OutputBuffer buffer_;
    std::array<bool, 2> unwanted_{};  // by output: nobody will read it
    ProcessInput input_;
    std::optional<TerminalSize> new_size_;  // said before there was a terminal

    bool started_ = false;
    bool started_again_ = false;
    bool link_closed_ = false;
    bool detached_ = false;
    bool cancelled_ = false;
    std::uint64_t signals_sent_ = 0;
    std::optional<ProcessEnd> end_;
    std::optional<Clock::time_point> drained_by_;
    std::optional<Clock::time_point> answered_by_;
    std::array<pollfd, 6> polled_{};
    std::size_t polled_count_ = 0;
};

ProcessEnd Run::run(const std::function<bool()>& ended_by_us) {
    if (caller_.cancelled()) {
        throw refusal(BERTH_CANCELLED, "cancelled before the process was started");
    }
    write_run_request(link_.output(), request_);
    if (request_.groups != nullptr) {
        link_.send_along(*request_.groups);
    }
    link_.flush();
    if (request_.timeout_ms > 0) {
        answered_by_ = Clock::now() + margin +
                       milliseconds(request_.timeout_ms + request_.kill_grace_ms + request_.drain_grace_ms);
    }
    while (step()) {
    }
    if (detached_) {
        return {BERTH_ENDED_DETACHED, 0, 0, {}};
    }
    return end_ ? *end_ : lost(ended_by_us);
}

// One round of waiting and doing. False: nothing is left to wait for.
bool Run::step() {
    const bool outputs_open = outputs_[0].open() || outputs_[1].open();
    if (detached_ || ((end_ || link_closed_) && !outputs_open)) {
        return false;
    }
    if (drained_by_ && Clock::now() >= *drained_by_) {
        take_what_is_there();
        return false;  // a child left in the background keeps its end: it goes on without us
    }
    if (answered_by_ && !end_ && Clock::now() >= *answered_by_) {
        link_closed_ = true;
        return false;
    }
    polled_count_ = 0;
    add(caller_.events(), POLLIN);
    add(link_closed_ ? -1 : link_.descriptor(), static_cast<short>(POLLIN | (link_.output_waits() ? POLLOUT : 0)));
    add(outputs_[0].descriptor().get(), POLLIN);
    add(outputs_[1].descriptor().get(), POLLIN);
    const ProcessInput::Wanted input = end_ ? ProcessInput::Wanted{} : input_.wanted();
    add(input.descriptor, input.events);
    if (::poll(polled_.data(), polled_count_, wait_ms()) < 0 && errno != EINTR) {
        throw system_failure("cannot wait for a process", errno);
    }
    take_events();
    if (!link_closed_ && seen(link_.descriptor()) != 0) {
        take_frames();
    }
    for (ProcessOutput& output : outputs_) {
        if (output.open() && seen(output.descriptor().get()) != 0) {
            offer(output.stream(), output.read(buffer_));
        }
    }
    if (seen(input.descriptor) != 0) {
        input_.feed();
    }
    if (const auto turn = sink_.next_turn(); turn && Clock::now() >= *turn) {
        sink_.take_turn();
    }
    return true;
}

void Run::add(int descriptor, short events) {
    if (descriptor >= 0) {
        polled_[polled_count_++] = {descriptor, events, 0};
    }
}

short Run::seen(int descriptor) const {
    for (std::size_t i = 0; i < polled_count_; ++i) {
        if (polled_[i].fd == descriptor) {
            return polled_[i].revents;
        }
    }
    return 0;
}

int Run::wait_ms() const {
    std::optional<Clock::time_point> until = drained_by_;
    if (!end_ && answered_by_ && (!until || *answered_by_ < *until)) {
        until = answered_by_;
    }
    if (const auto turn = sink_.next_turn(); turn && (!until || *turn < *until)) {
        until = turn;
    }
    std::int64_t wait = -1;
    if (until) {
        const auto left = std::chrono::ceil<milliseconds>(*until - Clock::now()).count();
        wait = std::clamp<std::int64_t>(left, 0, 3'600'000);
    }
    if (caller_.events() < 0 && (wait < 0 || wait > blind_poll_ms)) {
        wait = blind_poll_ms;
    }
    return static_cast<int>(wait);
}

// --- what the caller says

void Run::take_events() {
    while (const std::optional<Event> event = caller_.next_event()) {
        take_event(*event);
    }
    if (!cancelled_ && caller_.cancelled()) {
        cancel();
    }
}

void Run::take_event(const Event& event) {
    switch (event.kind) {
        case Event::Kind::cancel:
            return cancel();
        case Event::Kind::signal:
            return send_signal(event.signal);
        case Event::Kind::detach:
            return detach();
        case Event::Kind::resize:
            return resize(event);
    }
}

void Run::detach() {
    detached_ = true;
    if (request_.terminal && !link_closed_) {
        protocol::Writer(link_.output(), protocol::Type::leave).finish();
        link_.flush();
    }
}

void Run::resize(const Event& event) {
    new_size_ = TerminalSize{event.rows, event.columns};
    if (request_.terminal && outputs_[0].open()) {
        set_terminal_size(outputs_[0].descriptor(), event.rows, event.columns);
    }
}

void Run::cancel() {
    if (std::exchange(cancelled_, true) || end_) {
        return;
    }
    // Leave time in the window for what comes after the last signal.
    constexpr std::int64_t afterwards = 1500;
    const std::int64_t granted = caller_.begin_cleanup(request_.kill_grace_ms + 2000);
    const std::int64_t grace = std::clamp<std::int64_t>(granted - afterwards, 0, request_.kill_grace_ms);
    protocol::Writer frame(link_.output(), protocol::Type::ladder);
    frame.u32(static_cast<std::uint32_t>(protocol::Cause::cancelled)).i64(grace).finish();
    link_.flush();
    const auto window_ends = Clock::now() + milliseconds(std::max<std::int64_t>(granted - 100, 100));
    answered_by_ = answered_by_ ? std::min(*answered_by_, window_ends) : window_ends;
}

void Run::send_signal(int signal) {
    if (end_ || signal < 1 || signal > 63) {
        return;
    }
    signals_sent_ |= std::uint64_t{1} << signal;
    protocol::Writer(link_.output(), protocol::Type::signal).u32(static_cast<std::uint32_t>(signal)).finish();
    link_.flush();
}

// --- what the init says

[[noreturn]] void distrust(const char* what) {
    throw failure(BERTH_PROTOCOL_ERROR, std::string("the sandbox's first process ") + what,
                  "destroy the sandbox: it cannot be trusted to run anything");
}

void Run::take_frames() {
    if (link_.output_waits()) {
        link_.flush();
    }
    for (;;) {
        Frame frame;
        switch (link_.next(frame)) {
            case Link::Got::frame:
                take_frame(frame);
                if (end_) {
                    link_closed_ = true;  // nothing more is wanted from it
                    return;
                }
                break;
            case Link::Got::nothing:
                return;
            case Link::Got::closed:
                link_closed_ = true;
                return;
            case Link::Got::broken:
                distrust("answered against its protocol");
        }
    }
}

void Run::take_frame(const Frame& frame) {
    protocol::Reader reader(frame.payload);
    switch (frame.type) {
        case protocol::Type::started:
            return take_started(reader);
        case protocol::Type::ended:
            return take_ended(reader);
        case protocol::Type::failed:
            return take_failed(reader);
        default:
            distrust("answered what it was not asked");
    }
}

void Run::take_started(protocol::Reader& reader) {
    if (started_) {
        // Said twice: whoever said it first was killed at that very moment. Without an end of it we would listen for ever.
        if (std::exchange(started_again_, true)) {
            distrust("starts the same process again and again");
        }
        (void)link_.take_descriptors();
        return;
    }
    const std::uint32_t pid = reader.u32();
    const std::uint32_t streams = reader.u32();
    const bool right = request_.terminal ? take_terminal(streams) : take_streams(streams);
    if (!reader.finished() || pid > INT32_MAX || !right) {
        distrust("started something else than was asked for");
    }
    started_ = true;
    sink_.started(static_cast<std::int64_t>(pid));
}

bool Run::take_streams(std::uint32_t streams) {
    std::vector<Descriptor> received = link_.take_descriptors();
    std::size_t next = 0;
    const auto take = [&](std::uint32_t stream, int access) {
        Descriptor own;
        if ((streams & stream) != 0) {
            own = next < received.size() ? adopt_pipe(received[next], access) : Descriptor();
            ++next;
        }
        return own;
    };
    outputs_[0] = {BERTH_STDOUT, take(protocol::stream_stdout, O_RDONLY), ProcessOutput::Kind::pipe};
    outputs_[1] = {BERTH_STDERR, take(protocol::stream_stderr, O_RDONLY), ProcessOutput::Kind::pipe};
    input_.start(take(protocol::stream_stdin, O_WRONLY));
    return outputs_[0].open() != request_.discard_stdout && outputs_[1].open() != request_.discard_stderr &&
           next == received.size();
}

bool Run::take_terminal(std::uint32_t streams) {
    std::vector<Descriptor> received = link_.take_descriptors();
    if (streams != protocol::stream_terminal || received.size() != 1) {
        return false;
    }
    Descriptor terminal = adopt_terminal(std::move(received[0]));
    if (!terminal) {
        return false;
    }
    if (new_size_) {
        set_terminal_size(terminal, new_size_->rows, new_size_->columns);
    }
    // A descriptor of its own for each direction, so that either can end alone.
    input_.start_terminal(Descriptor(::fcntl(terminal.get(), F_DUPFD_CLOEXEC, 3)));
    outputs_[0] = {BERTH_STDOUT, std::move(terminal), ProcessOutput::Kind::terminal};
    return true;
}

void Run::take_ended(protocol::Reader& reader) {
    const int status = static_cast<int>(reader.u32());
    const std::uint32_t cause = reader.u32();
    const std::uint64_t nanoseconds = reader.u64();
    if (!started_ || !reader.finished()) {
        distrust("told the end of a process it never started");
    }
    end_ = process_end(status, static_cast<protocol::Cause>(cause), nanoseconds, signals_sent_);
    input_.close();
    drained_by_ = Clock::now() + milliseconds(request_.drain_grace_ms);
}

void Run::take_failed(protocol::Reader& reader) {
    const auto stage = static_cast<protocol::Stage>(reader.u32());
    const int error = static_cast<int>(reader.u32());
    if (stage != protocol::Stage::execute) {
        throw start_failure(stage, error, request_.directory);
    }
    tell_not_executed(error);
}

// Not an error but a result, as a shell would tell it.
void Run::tell_not_executed(int error) {
    const NotExecuted result = not_executed(request_.arguments.front(), error);
    if (!std::exchange(started_, true)) {
        sink_.started(std::nullopt);
    }
    offer(request_.terminal ? BERTH_STDOUT : BERTH_STDERR, result.reason);
    end_ = ProcessEnd{BERTH_ENDED_EXITED, result.exit_code, 0, 0};
}

ProcessEnd Run::lost(const std::function<bool()>& ended_by_us) const {
    if (ended_by_us()) {
        // An init that never read the request never ran it. One that did may have died between starting the process and
        // telling so: what it ran was killed with it, and "nothing was started" would be a guess.
        if (!started_ && (link_.left_unread() || link_.output_waits()) && signals_sent_ == 0 && !cancelled_) {
            throw refusal(BERTH_CANCELLED, "the sandbox was destroyed or restarted before the process started");
        }
        return {BERTH_ENDED_KILLED, 0, SIGKILL, {}};
    }
    throw failure(BERTH_UNAVAILABLE,
                  answered_by_ && Clock::now() >= *answered_by_
                      ? "the sandbox's first process did not say in time how the process ended"
                      : "the sandbox's first process died while the process ran",
                  "restart the sandbox");
}

// --- output

// A reader that was slow loses nothing that was written in time, and a child that never stops writing holds nobody.
void Run::take_what_is_there() {
    for (ProcessOutput& output : outputs_) {
        for (std::size_t left = output.open() ? output.most_there() : 0; left > 0 && output.open();) {
            const std::string_view bytes = output.read(buffer_);
            if (bytes.empty()) {
                break;
            }
            offer(output.stream(), bytes);
            left -= std::min(left, bytes.size());
        }
    }
}

void Run::offer(std::int32_t stream, std::string_view bytes) {
    const bool discarded = stream == BERTH_STDOUT ? request_.discard_stdout : request_.discard_stderr;
    bool& unwanted = unwanted_[stream == BERTH_STDOUT ? 0 : 1];
    if (bytes.empty() || discarded || unwanted || detached_) {
        return;
    }
    unwanted =
        sink_.output(stream, bytes, [this](const Event& event) { take_event(event); }) == ProcessSink::Taken::enough;
}

}  // namespace

ProcessEnd run_process(int sandbox_directory, const ProcessRequest& request, Caller& caller, ProcessSink& sink,
                       const std::function<bool()>& ended_by_us) {
    Run run(Link::to(sandbox_directory), request, caller, sink);
    return run.run(ended_by_us);
}

}  // namespace berth_local
