#include "worker_body.hpp"

#include <utility>

#include "../wire/identity.hpp"
#include "host_proxy.hpp"
#include "worker_call.hpp"

namespace berth::inline host_v1::worker {

using wire::Decoder;
using wire::Encoder;
using wire::FrameKind;

namespace {

/// As put_error of the host's side reads it.
Encoder encoded(const Error& error) {
    const auto& fields = error.fields();
    Encoder message;
    message.put(error.diagnostic()).put(static_cast<std::int32_t>(error.code()));
    message.put(std::string_view(fields.message)).put(std::string_view(fields.hint));
    message.put(std::string_view(fields.location));
    for (const auto& [name, value] : fields.details)
        message.put(std::string_view(name)).put(std::string_view(value));
    return message;
}

}  // namespace

WorkerBody::WorkerBody(FileDescriptor control, Loader loader)
    : control_(std::move(control)), loader_(std::move(loader)) {}

WorkerBody::~WorkerBody() {
    slots_.clear();
}

void WorkerBody::serve() {
    while (auto frame = control_.receive()) {
        switch (frame->kind) {
            case FrameKind::hello:
                load(frame->payload);
                break;
            case FrameKind::call_channel:
            case FrameKind::input_channel:
                add_call_channel(std::move(*frame));
                break;
            case FrameKind::service_channel:
                add_service_channel(std::move(*frame));
                break;
            case FrameKind::event:
                event(frame->call, frame->payload);
                break;
            default:
                break;
        }
    }
    for (const auto& slot : slots_)
        slot.shut_down();
    const std::lock_guard lock(services_mutex_);
    ended_ = true;
    service_came_.notify_all();
}

void WorkerBody::load(std::string_view payload) {
    Decoder message(payload);
    const std::string path(message.get<std::string_view>());
    const std::string mapped_path(message.get<std::string_view>());
    const auto identity = wire::get_identity(message);
    try {
        plugin_ = &loader_(path, mapped_path, identity);
        Encoder answer;
        answer.put(plugin_->minor);
        for (const auto& row : method_table)
            answer.put(static_cast<std::uint8_t>(plugin_->has(row.method) ? 1 : 0));
        say(FrameKind::loaded, 0, answer.bytes());
    } catch (const Error& error) {
        say(FrameKind::refused, 0, encoded(error).bytes());
    }
}

void WorkerBody::event(std::uint64_t call, std::string_view payload) {
    Decoder message(payload);
    const auto event = get_event(message);
    for (auto& slot : slots_)
        slot.event(call, event);
}

void WorkerBody::add_call_channel(wire::Frame frame) {
    if (frame.descriptors.size() != 2) throw wire::Malformed("a channel is two descriptors");
    const bool has_input = frame.kind == FrameKind::input_channel;
    wire::Link link(std::move(frame.descriptors[0]),
                    has_input ? wire::Descriptors::may_come : wire::Descriptors::never);
    slots_.emplace_back(*this, std::move(link), std::move(frame.descriptors[1]));
}

void WorkerBody::add_service_channel(wire::Frame frame) {
    if (frame.descriptors.size() != 2) throw wire::Malformed("a channel is two descriptors");
    auto channel = std::make_unique<ServiceChannel>(std::move(frame.descriptors[0]), std::move(frame.descriptors[1]));
    give_back(std::move(channel));
}

void WorkerBody::say(FrameKind kind, std::uint64_t call, std::string_view payload) {
    const std::lock_guard lock(sending_);
    (void)control_.send(kind, call, payload);
}

std::unique_ptr<ServiceChannel> WorkerBody::borrow_service() {
    std::unique_lock lock(services_mutex_);
    if (services_.empty() && !ended_) {
        lock.unlock();
        say(FrameKind::want_service, 0, {});
        lock.lock();
        service_came_.wait(lock, [this] { return ended_ || !services_.empty(); });
    }
    if (services_.empty() || ended_) return nullptr;
    auto channel = std::move(services_.back());
    services_.pop_back();
    return channel;
}

void WorkerBody::give_back(std::unique_ptr<ServiceChannel> channel) {
    const std::lock_guard lock(services_mutex_);
    services_.push_back(std::move(channel));
    service_came_.notify_one();
}

}  // namespace berth::inline host_v1::worker
