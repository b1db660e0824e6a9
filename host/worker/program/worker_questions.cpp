// What a call inside a worker asks the host and waits for. Apart from the sinks, which do not wait.
#include "worker_call.hpp"

namespace berth::inline host_v1::worker {

using wire::Encoder;
using wire::FrameKind;
using wire::Question;

bool WorkerCall::begin_question(ServiceChannel& channel, Question question, std::string_view message) {
    {
        // What was said before must be known before.
        const std::lock_guard lock(sending_);
        if (closed_ || !channel_.link.flush()) return false;
    }
    std::string payload(1, static_cast<char>(question));
    payload += message;
    return channel.link.send(FrameKind::ask, number_, payload);
}

std::unique_ptr<HostAnswer> WorkerCall::receive_answer(ServiceChannel& channel) {
    auto frame = channel.link.receive();
    if (!frame) return nullptr;
    auto answer = std::make_unique<HostAnswer>(std::string(frame->payload), std::move(frame->descriptors));
    // The event may still be on its way, on another socket: the plugin must not see the one without the other.
    if (const auto reason = answer->cancelled()) call_.cancel(*reason);
    return answer;
}

std::unique_ptr<HostAnswer> WorkerCall::ask(ServiceChannel& channel, Question question, const Encoder& message) {
    if (!begin_question(channel, question, message.bytes())) return nullptr;
    return receive_answer(channel);
}

std::unique_ptr<HostAnswer> WorkerCall::ask(Question question, const Encoder& message) {
    auto channel = body_.borrow_service();
    if (!channel) return nullptr;
    auto answer = ask(*channel, question, message);
    body_.give_back(std::move(channel));
    return answer;
}

ServiceHandle* WorkerCall::keep(std::unique_ptr<ServiceHandle> handle) {
    const std::lock_guard lock(handles_mutex_);
    return handles_.emplace_back(std::move(handle)).get();
}

}  // namespace berth::inline host_v1::worker
