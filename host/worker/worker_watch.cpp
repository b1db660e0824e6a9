// The thread that watches a worker: starts it, hears what concerns no call, kills it when a plugin does not give up, and
// tells how it ended; and the threads that answer its questions. Apart from the calls because nothing here waits for one.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "../base/broken_pipe.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "worker_connection.hpp"

namespace berth::inline host_v1 {

using wire::Decoder;
using wire::Encoder;
using wire::FrameKind;

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_services = 512;
constexpr std::size_t most_lines = 8;
constexpr std::size_t longest_line = 4096;
/// How long a worker may take to end when it is let go.
constexpr auto ending_patience = 2s;

Error error_from(Decoder& message) {
    const std::string number(message.get<std::string_view>());
    const auto code = message.get<std::int32_t>();
    if (code < 1 || code > static_cast<std::int32_t>(Code::internal)) throw wire::Malformed("an error without a code");
    ErrorFields fields;
    fields.message = bearable(message.get<std::string_view>(), longest_line);
    fields.hint = bearable(message.get<std::string_view>(), longest_line);
    fields.location = bearable(message.get<std::string_view>(), longest_line);
    while (!message.at_end()) {
        auto name = bearable(message.get<std::string_view>(), longest_line);
        fields.details.emplace_back(std::move(name), bearable(message.get<std::string_view>(), longest_line));
    }
    return Error(Diagnostic{printable(number), static_cast<Code>(code)}, std::move(fields));
}

}  // namespace

void WorkerConnection::watch() {
    try {
        auto worker = start_();
        const std::lock_guard lock(mutex_);
        worker_ = std::move(worker);
        control_ = std::make_unique<wire::Link>(std::move(worker_.control), wire::Descriptors::never);
        is_started_ = true;
        raise_event(loading_);
    } catch (const Error& error) {
        return never_started(error);
    } catch (const std::exception& error) {
        return never_started(
            Error(worker_diagnostics::cannot_start, std::string("no worker could be started: ") + error.what()));
    }
    std::optional<Clock::time_point> must_be_gone;
    for (;;) {
        int wait = timeout();
        {
            const std::lock_guard lock(mutex_);
            if (is_ending_ && !must_be_gone) {
                must_be_gone = Clock::now() + ending_patience;
                control_->shut_down();
            }
        }
        if (must_be_gone) {
            const auto left = std::chrono::ceil<Milliseconds>(*must_be_gone - Clock::now()).count();
            if (left <= 0) kill_worker(worker_);
            wait = static_cast<int>(std::clamp<std::int64_t>(left, 10, 100));
        }
        const bool is_heard = !control_->is_gone();
        std::array<pollfd, 4> all{pollfd{is_heard ? control_->descriptor() : -1, POLLIN, 0},
                                  pollfd{worker_.process.get(), POLLIN, 0}, pollfd{worker_.output.get(), POLLIN, 0},
                                  pollfd{wake_.get(), POLLIN, 0}};
        ::poll(all.data(), all.size(), wait);
        clear_event(wake_);
        if (all[2].revents != 0) read_output();
        if (all[0].revents != 0) read_control();
        if (is_heard && control_->is_gone()) {
            const std::lock_guard lock(mutex_);
            has_hung_up_ = true;
            raise_event(loading_);
        }
        if (all[1].revents != 0) {
            buried(reap(worker_));
            break;
        }
        if (!worker_.process && control_->is_gone()) {
            buried({"is gone", false, false});
            break;
        }
        if (is_deaf_.exchange(false))
            doom({"does not listen any more, and was killed", {}, {}, WorkerDeath::Cause::broke_protocol});
        kill_who_overran();
        end_doomed();
    }
    for (auto& service : services_)
        service.channel->link.shut_down();
    for (auto& service : services_)
        service.thread.join();
}

void WorkerConnection::read_control() {
    try {
        while (auto frame = control_->try_receive()) {
            Decoder message(frame->payload);
            switch (frame->kind) {
                case FrameKind::loaded: {
                    LoadedFacts facts;
                    facts.minor = message.get<std::uint32_t>();
                    for (const auto& row : method_table)
                        if (message.get<std::uint8_t>() != 0) facts.methods.push_back(row.method);
                    tell_loader(std::move(facts), {});
                    break;
                }
                case FrameKind::refused:
                    tell_loader({}, error_from(message));
                    break;
                case FrameKind::event_taken: {
                    CallEvent event;
                    event.kind = static_cast<CallEvent::Kind>(message.get<std::uint32_t>());
                    event.signal = message.get<std::int32_t>();
                    const std::lock_guard lock(mutex_);
                    const auto found = calls_.find(frame->call);
                    if (found != calls_.end()) found->second->event_taken(event);
                    break;
                }
                case FrameKind::log: {
                    const auto level = message.get<std::int32_t>();
                    const bool known = level >= BERTH_LOG_TRACE && level <= BERTH_LOG_ERROR;
                    on_line_(known ? static_cast<LogLevel>(level) : LogLevel::info, message.get<std::string_view>());
                    break;
                }
                case FrameKind::want_service:
                    add_service_channel();
                    break;
                default:
                    throw wire::Malformed("it sends on its control socket what does not belong there");
            }
        }
    } catch (const wire::Malformed& error) {
        broke_protocol(error);
    }
}

void WorkerConnection::read_output() {
    if (!worker_.output) return;
    std::array<char, 4096> bytes;
    for (;;) {
        const auto got = ::read(worker_.output.get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) worker_.output.reset();
        if (got <= 0) return;
        for (const char character : std::string_view(bytes.data(), static_cast<std::size_t>(got))) {
            if (character != '\n' && unfinished_line_.size() < longest_line) {
                unfinished_line_ += character;
                continue;
            }
            auto line = bearable(std::exchange(unfinished_line_, {}), longest_line);
            if (character != '\n') unfinished_line_ += character;
            on_line_(LogLevel::info, "it wrote: " + line);
            last_lines_.push_back(std::move(line));
            if (last_lines_.size() > most_lines) last_lines_.pop_front();
        }
    }
}

int WorkerConnection::timeout() {
    const std::lock_guard lock(mutex_);
    std::optional<Clock::time_point> first;
    for (const auto& [number, call] : calls_) {
        const auto moment = call->must_return_at();
        if (moment && (!first || *moment < *first)) first = moment;
    }
    if (!first) return -1;
    return static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<Milliseconds>(*first - Clock::now()).count()));
}

void WorkerConnection::kill_who_overran() {
    std::optional<WorkerDeath> reason;
    {
        const std::lock_guard lock(mutex_);
        if (doom_) return;
        for (const auto& [number, call] : calls_) {
            const auto moment = call->must_return_at();
            if (!moment || *moment > Clock::now()) continue;
            const auto& whole = call->face().call();
            const char* const why =
                whole.cancel_reason() == CancelReason::deadline ? "its deadline" : "it was cancelled";
            reason = {"was killed: the plugin did not return from " + std::string(whole.method()) + " after " + why,
                      {},
                      number,
                      WorkerDeath::Cause::overran};
            break;
        }
    }
    if (reason) doom(std::move(*reason));
}

void WorkerConnection::add_service_channel() {
    if (services_.size() >= most_services) throw wire::Malformed("it waits on too many threads at once");
    auto channel = make_channel(FrameKind::service_channel);
    if (!channel) return;
    auto& service = services_.emplace_back();
    service.channel = std::move(channel);
    service.thread = std::thread([this, &link = *service.channel] { serve(link); });
}

void WorkerConnection::serve(HostChannel& channel) noexcept {
    const BrokenPipeIsNoSignal quiet;  // services write to sockets
    try {
        while (const auto frame = channel.link.receive()) {
            if (frame->kind != FrameKind::ask)
                throw wire::Malformed("it says on a service channel what is no question");
            RemoteCall* call = nullptr;
            {
                const std::lock_guard lock(mutex_);
                const auto found = calls_.find(frame->call);
                if (found != calls_.end() && found->second->enter()) call = found->second;
            }
            if (call == nullptr) {
                Encoder refusal;
                put_answer_head(refusal, BERTH_CONTRACT, {});
                if (!channel.link.send(FrameKind::answer, frame->call, refusal.bytes())) return;
                continue;
            }
            struct Leaving {
                RemoteCall& call;
                ~Leaving() { call.leave(); }
            } leaving{*call};
            if (!call->answer(channel, frame->payload)) return;
        }
    } catch (const wire::Malformed& error) {
        broke_protocol(error);
    } catch (const std::exception& error) {
        doom({std::string("could not be served: ") + error.what(), {}, {}, WorkerDeath::Cause::broke_protocol});
    }
}

}  // namespace berth::inline host_v1
