#include "call_slot.hpp"

#include <array>
#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include "../wire/methods.hpp"
#include "host_proxy.hpp"
#include "worker_body.hpp"
#include "worker_call.hpp"

namespace berth::inline host_v1::worker {

using wire::Decoder;

namespace {

constexpr std::size_t most_retired = 64;

/// Enters the plugin's function with the arguments that its signature names.
template <typename... Arguments>
berth_status enter(berth_status (*function)(void*, berth_call*, Arguments...), void* self, berth_call* call,
                   Decoder& message, const wire::CallObjects& objects) {
    if (function == nullptr) return BERTH_CONTRACT;
    // Braces: in the order of the signature, in which they were written.
    const std::tuple<Arguments...> arguments{wire::get_argument<Arguments>(message, objects)...};
    return std::apply([&](auto... values) { return function(self, call, values...); }, arguments);
}

template <std::size_t Index>
berth_status enter_method(WorkerBody& body, berth_call* call, Decoder& message, const wire::CallObjects& objects) {
    constexpr auto member = std::get<Index>(wire::method_members);
    const auto& plugin = body.plugin();
    if constexpr (requires { plugin.methods.*member; }) {
        return enter(plugin.methods.*member, body.self, call, message, objects);
    } else {
        return plugin.snapshots ? enter((*plugin.snapshots).*member, body.self, call, message, objects)
                                : BERTH_CONTRACT;
    }
}

using Entry = berth_status (*)(WorkerBody&, berth_call*, Decoder&, const wire::CallObjects&);

template <std::size_t... Index>
constexpr std::array<Entry, sizeof...(Index)> entries(std::index_sequence<Index...>) {
    return {&enter_method<Index>...};
}
constexpr auto method_entries = entries(std::make_index_sequence<wire::method_count>());

berth_status enter_plugin(WorkerBody& body, std::size_t which, berth_call* call, Decoder& message,
                          const wire::CallObjects& objects) {
    if (which < wire::method_count) return method_entries[which](body, call, message, objects);
    const auto& plugin = body.plugin().plugin;
    if (which == wire::open_call) {
        body.host = std::make_unique<HostProxy>(body, std::string(message.rest()));
        return plugin.open(body.host->face(), call, &body.self);
    }
    if (which == wire::describe_call) return plugin.describe(body.self, call, objects.feature);
    if (which == wire::close_call) plugin.close(body.self);
    return BERTH_OK;
}

std::string_view name_of_call(std::size_t which) noexcept {
    if (which < wire::method_count) return method_table[which].name;
    return which == wire::open_call ? "open" : which == wire::describe_call ? "describe" : "close";
}

}  // namespace

CallEvent get_event(Decoder& message) {
    CallEvent event;
    event.kind = static_cast<CallEvent::Kind>(message.get<std::uint32_t>());
    event.reason = static_cast<CancelReason>(message.get<std::int32_t>());
    event.signal = message.get<std::int32_t>();
    event.rows = message.get<std::uint32_t>();
    event.columns = message.get<std::uint32_t>();
    return event;
}

CallSlot::CallSlot(WorkerBody& body, wire::Link link, FileDescriptor memory)
    : body_(body), channel_(std::move(link), std::move(memory)), thread_([this] { run(); }) {}

CallSlot::~CallSlot() {
    if (thread_.joinable()) thread_.join();
}

void CallSlot::event(std::uint64_t call, const CallEvent& event) {
    const std::lock_guard lock(mutex_);
    if (current_ != nullptr && current_->number() == call) {
        current_->event(event);
    } else if (current_ == nullptr) {
        // Its frame may still be on the way; while another call is in here, none is. An event of a call of another slot is
        // dropped when the next one begins.
        if (early_.size() >= 16) early_.pop_front();
        early_.emplace_back(call, event);
    }
}

void CallSlot::run() {
    try {
        while (auto frame = channel_.link.receive()) {
            // Releases for a call that is over come late; they are of no use to the next.
            if (frame->kind == wire::FrameKind::call) serve(std::move(*frame));
        }
    } catch (const std::exception&) {
        channel_.link.shut_down();  // the host sees the end of the channel
    }
}

void CallSlot::serve(wire::Frame frame) {
    // The plugin's views live as long as the call, longer than the link's buffer.
    const std::string payload(frame.payload);
    Decoder message(payload);
    const auto which = static_cast<std::size_t>(message.get<std::uint16_t>());
    const auto deadline = message.get<std::int64_t>();
    const auto listening = static_cast<Call::Listening>(message.get<std::uint8_t>());
    Decoder said_before(message.get<std::string_view>());
    Call::Options options;
    options.method = name_of_call(which);
    options.cleanup_cap = Milliseconds(std::int64_t{1} << 40U);  // the host grants, and knows the cap
    if (deadline != std::numeric_limits<std::int64_t>::max())
        options.deadline = Call::Clock::time_point(std::chrono::nanoseconds(deadline));
    if (!frame.descriptors.empty()) options.standard_input = std::move(frame.descriptors.front());
    channel_.ring = {};
    auto call = std::make_unique<WorkerCall>(body_, channel_, frame.call, std::move(options), listening);
    {
        const std::lock_guard lock(mutex_);
        current_ = call.get();
        while (!said_before.at_end())
            call->event(get_event(said_before));
        for (const auto& [number, event] : early_)
            if (number == frame.call) call->event(event);
        early_.clear();
    }
    wire::Encoder returned;
    try {
        const auto status = enter_plugin(body_, which, call->face(), message, call->objects());
        returned.put(status).put(std::uint8_t{0});
    } catch (const wire::Malformed&) {
        throw;
    } catch (const std::exception& error) {
        returned.put(std::int32_t{0}).put(std::uint8_t{1}).put(std::string_view(error.what()));
    } catch (...) {
        returned.put(std::int32_t{0}).put(std::uint8_t{2});
    }
    {
        const std::lock_guard lock(mutex_);
        current_ = nullptr;
    }
    call->finish(returned.bytes());
    retire(std::move(call));
}

void CallSlot::retire(std::unique_ptr<WorkerCall> call) {
    retired_.push_back(std::move(call));
    if (retired_.size() > most_retired) retired_.pop_front();
}

}  // namespace berth::inline host_v1::worker
