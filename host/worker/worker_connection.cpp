#include "worker_connection.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include "../base/text.hpp"
#include "../worker/wire/identity.hpp"
#include "call_bell.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

using wire::Encoder;
using wire::FrameKind;

namespace {

using namespace std::chrono_literals;

/// How long a plugin may take to close.
constexpr auto closing_patience = 5s;

/// As poll() wants it; -1 when there is no end. A long time is cut, for whoever waits asks again.
int milliseconds_to(std::optional<WorkerConnection::Clock::time_point> moment) {
    if (!moment) return -1;
    const auto left = std::chrono::ceil<Milliseconds>(*moment - WorkerConnection::Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

/// A call is known to the other threads while it lives, its channel included.
class WorkerConnection::Registered {
public:
    Registered(WorkerConnection& connection, RemoteCall& call, const wire::Link& link)
        : connection_(connection), call_(call), link_(link) {
        const std::lock_guard lock(connection_.mutex_);
        connection_.calls_.emplace(call_.number(), &call_);
        connection_.links_.push_back(&link_);
        if (connection_.death_) link_.shut_down();
    }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
    ~Registered() {
        {
            const std::lock_guard lock(connection_.mutex_);
            connection_.calls_.erase(call_.number());
            std::erase(connection_.links_, &link_);
        }
        call_.close();
    }

private:
    WorkerConnection& connection_;
    RemoteCall& call_;
    const wire::Link& link_;
};

WorkerConnection::WorkerConnection(WorkerStarter start, LineHandler on_line)
    : start_(std::move(start)), on_line_(std::move(on_line)), wake_(make_event()), loading_(make_event()) {}

WorkerConnection::~WorkerConnection() {
    end();
}

void WorkerConnection::end() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    raise_event(wake_);
    if (watcher_.joinable()) watcher_.join();
}

LoadedFacts WorkerConnection::load(const PreparedPlugin& plugin, Call& call) {
    const CallBell bell(call, loading_);
    // The thread that starts the process watches it: when it ends, so does the worker.
    watcher_ = std::thread([this] { watch(); });
    const auto given_up = [&call] { return call.cancelled() || (call.deadline() && Clock::now() >= *call.deadline()); };
    for (bool said_hello = false; !given_up();) {
        {
            const std::lock_guard lock(mutex_);
            if (refused_) throw *refused_;
            if (loaded_) return *loaded_;
            if (death_ || has_hung_up_) break;
            if (is_started_ && !std::exchange(said_hello, true)) {
                Encoder hello;
                hello.put(std::string_view(plugin.path)).put(std::string_view(plugin.mapped_path));
                wire::put_identity(hello, plugin.identity);
                const std::lock_guard sending(sending_);
                (void)control_->send(FrameKind::hello, 0, hello.bytes());
            }
        }
        pollfd one{loading_.get(), POLLIN, 0};
        ::poll(&one, 1, milliseconds_to(call.deadline()));
        clear_event(loading_);
    }
    if (given_up()) doom({"did not finish loading the plugin in time", {}, {}, WorkerDeath::Cause::overran});
    const auto death = wait_for_death();
    if (death.cause != WorkerDeath::Cause::overran) throw death_error(nullptr);
    ErrorFields fields;
    fields.message = "the plugin did not finish loading in its worker, which was killed";
    fields.hint = "Nothing of it runs any more; report this to the author of the plugin";
    if (!death.last_words.empty()) fields.details.emplace_back("stderr", death.last_words);
    throw Error(worker_diagnostics::slow_load, std::move(fields));
}

// --- calls -----------------------------------------------------------------------------------------------------------

berth_status WorkerConnection::run(std::size_t which, CCall& call, std::string_view arguments,
                                   const wire::CallObjects& objects) {
    std::vector<int> descriptors;
    if (const int input = call.call().standard_input(); input >= 0) descriptors.push_back(input);
    auto channel = take_channel(descriptors.empty() ? FrameKind::call_channel : FrameKind::input_channel);
    if (!channel) return call.failed(death_error(&call.call()));
    std::optional<berth_status> status;
    std::optional<PluginThrew> thrown;
    {
        RemoteCall remote(call, host_, objects, *this);
        const Registered registered(*this, remote, channel->link);
        Encoder head;
        head.put(static_cast<std::uint16_t>(which));
        head.put(call.face()->deadline_ns);
        head.put(static_cast<std::uint8_t>(call.call().listening()));
        head.put(remote.listen().bytes());
        try {
            if (channel->link.send(FrameKind::call, remote.number(), head.bytes(), arguments, descriptors))
                status = remote.converse(*channel);
        } catch (const wire::Malformed& error) {
            broke_protocol(error);
        } catch (const PluginThrew& error) {
            thrown = error;
        }
    }
    // Known to nobody any more: the next call may have it.
    if (status || thrown) give_back(std::move(channel));
    if (thrown) throw *thrown;
    return status ? *status : call.failed(death_error(&call.call()));
}

void WorkerConnection::close_plugin() {
    auto channel = take_channel(FrameKind::call_channel);
    if (!channel) return;
    Encoder head;
    head.put(static_cast<std::uint16_t>(wire::close_call)).put(std::int64_t{0}).put(std::uint8_t{0});
    head.put(std::string_view());
    if (!channel->link.send(FrameKind::call, 0, head.bytes())) return;
    const auto last = Clock::now() + closing_patience;
    while (!channel->link.is_gone()) {
        const auto frame = channel->link.try_receive();
        if (frame && frame->kind == FrameKind::returned) {
            (void)status_returned(frame->payload);
            return;
        }
        if (frame) continue;
        const auto left = std::chrono::ceil<Milliseconds>(last - Clock::now());
        if (left <= 0ms) {
            doom({"did not close in time, and was killed", {}, {}, WorkerDeath::Cause::overran});
            return;
        }
        pollfd one{channel->link.descriptor(), POLLIN, 0};
        ::poll(&one, 1, static_cast<int>(left.count()));
    }
}

std::unique_ptr<HostChannel> WorkerConnection::take_channel(FrameKind kind) {
    {
        const std::lock_guard lock(mutex_);
        if (death_ || doom_) return nullptr;
        // The newest: its memory is warm.
        const auto found =
            std::find_if(idle_.rbegin(), idle_.rend(), [kind](const auto& channel) { return channel->kind == kind; });
        if (found != idle_.rend()) {
            auto channel = std::move(*found);
            idle_.erase(std::prev(found.base()));
            return channel;
        }
    }
    return make_channel(kind);
}

std::unique_ptr<HostChannel> WorkerConnection::make_channel(FrameKind kind) {
    auto [ours, theirs] = wire::make_link();
    auto channel = std::make_unique<HostChannel>(std::move(ours), kind);
    const std::lock_guard lock(sending_);
    if (!control_->send(kind, 0, {}, {theirs.get(), channel->bytes.descriptor()})) return nullptr;
    channel->bytes.close_descriptor();
    return channel;
}

void WorkerConnection::give_back(std::unique_ptr<HostChannel> channel) {
    const std::lock_guard lock(mutex_);
    if (!death_ && !doom_) idle_.push_back(std::move(channel));
}

void WorkerConnection::carry(std::uint64_t call, const CallEvent& event) noexcept {
    try {
        Encoder message;
        put_event(message, event);
        bool sent = false;
        {
            const std::lock_guard lock(sending_);
            sent = control_->send_at_once(FrameKind::event, call, message.bytes());
        }
        if (sent) return;
    } catch (const std::bad_alloc&) {
        // As good as a worker that does not listen.
    }
    // The call is locked here: the watching thread ends it.
    is_deaf_ = true;
    raise_event(wake_);
}

void WorkerConnection::broke_protocol(const wire::Malformed& how) noexcept {
    doom({std::string("broke the protocol of workers: ") + how.what(), {}, {}, WorkerDeath::Cause::broke_protocol});
}

// --- its end ---------------------------------------------------------------------------------------------------------

void WorkerConnection::doom(WorkerDeath death) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (doom_ || death_) return;
        doom_ = std::move(death);
    }
    raise_event(wake_);  // the watching thread kills it
}

void WorkerConnection::end_doomed() {
    const std::lock_guard lock(mutex_);
    if (!doom_) return;
    if (worker_.process) {
        kill_worker(worker_);
    } else {
        control_->shut_down();
    }
}

WorkerDeath WorkerConnection::wait_for_death() {
    {
        // Its sockets have ended. Either its process has, too, or it has closed them.
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, 1s, [this] { return death_.has_value(); })) return *death_;
    }
    doom({"closed the sockets to its host, and was killed", {}, {}, WorkerDeath::Cause::broke_protocol});
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return death_.has_value(); });
    return *death_;
}

pid_t WorkerConnection::process() const {
    const std::lock_guard lock(mutex_);
    return worker_.pid;
}

std::optional<WorkerDeath> WorkerConnection::death() const {
    const std::lock_guard lock(mutex_);
    return death_ ? death_ : doom_;
}

Error WorkerConnection::death_error(const Call* call) {
    const auto death = wait_for_death();
    ErrorFields fields;
    fields.outcome = Outcome::unknown;
    if (!death.last_words.empty()) fields.details.emplace_back("stderr", death.last_words);
    if (call != nullptr && death.culprit == call->number()) {
        const auto reason = call->cancel_reason();
        fields.message = death.text;
        fields.hint = "What it was doing may have happened or not; report this to the author of the plugin";
        const auto code = reason == CancelReason::deadline ? Code::timeout : Code::cancelled;
        return Error(worker_diagnostics::overran, code, std::move(fields));
    }
    fields.message = "the worker of the plugin " + death.text;
    fields.hint = "The next call gets a new one; what its last lines say is in the details";
    switch (death.cause) {
        case WorkerDeath::Cause::overran:
            return Error(worker_diagnostics::overran, std::move(fields));
        case WorkerDeath::Cause::broke_protocol:
            return Error(worker_diagnostics::broke_protocol, std::move(fields));
        default:
            return Error(worker_diagnostics::died, std::move(fields));
    }
}

void WorkerConnection::buried(const EndOfWorker& end) {
    read_output();
    const std::lock_guard lock(mutex_);
    // A plugin that crashed before the kill came has crashed.
    const bool by_us = doom_ && (end.was_killed || !worker_.process);
    const auto own_cause = end.was_killed                ? WorkerDeath::Cause::killed
                           : is_ending_ && end.was_clean ? WorkerDeath::Cause::let_go
                                                         : WorkerDeath::Cause::ended;
    auto death = by_us ? *doom_ : WorkerDeath{end.text, {}, {}, own_cause};
    if (!unfinished_line_.empty()) last_lines_.push_back(std::exchange(unfinished_line_, {}));
    for (const auto& line : last_lines_)
        death.last_words += (death.last_words.empty() ? "" : "\n") + line;
    death_ = std::move(death);
    for (const auto* link : links_)
        link->shut_down();
    idle_.clear();
    changed_.notify_all();
    raise_event(loading_);
}

void WorkerConnection::never_started(const Error& why) {
    tell_loader({}, why);
    const std::lock_guard lock(mutex_);
    death_ = WorkerDeath{"was never started", {}, {}, WorkerDeath::Cause::ended};
    changed_.notify_all();
}

void WorkerConnection::tell_loader(std::optional<LoadedFacts> facts, std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    if (facts) loaded_ = std::move(facts);
    if (error) refused_ = std::move(error);
    raise_event(loading_);
}

}  // namespace berth::inline host_v1
