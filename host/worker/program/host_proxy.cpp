#include "host_proxy.hpp"

#include <algorithm>
#include <cstring>

#include "../../service/admit.hpp"
#include "worker_call.hpp"

namespace berth::inline host_v1::worker {

using wire::Encoder;
using wire::FrameKind;
using wire::Question;

namespace {

ServiceHandle& handle_of(berth_exchange* exchange) noexcept {
    return *reinterpret_cast<ServiceHandle*>(exchange);
}
ServiceHandle& handle_of(berth_socket* socket) noexcept {
    return *reinterpret_cast<ServiceHandle*>(socket);
}

/// Runs a service function: nothing is thrown into the plugin.
template <typename Function>
berth_status guarded(Function&& function) noexcept {
    try {
        return function();
    } catch (const std::bad_alloc&) {
        return BERTH_RESOURCE_EXHAUSTED;
    } catch (const std::exception&) {
        return BERTH_UNAVAILABLE;
    }
}

/// A question that needs no more than a status.
berth_status status_of(WorkerCall& call, Question question, const Encoder& message) {
    const auto answer = call.ask(question, message);
    return answer ? answer->status() : BERTH_CONTRACT;
}

/// A question about something that is open.
berth_status about(ServiceHandle& handle, Question question) noexcept {
    return guarded([&]() -> berth_status {
        Encoder message;
        message.put(handle.number);
        return status_of(handle.call, question, message);
    });
}

template <typename Opaque>
berth_status open_handle(berth_call* face, Question question, const berth_http_request* request,
                         Opaque** opened) noexcept {
    auto* const call = WorkerCall::of(face);
    if (call == nullptr || opened == nullptr) return BERTH_CONTRACT;
    return guarded([&]() -> berth_status {
        const auto full = admit(request);
        Encoder message;
        message.put(full ? &*full : static_cast<const berth_http_request*>(nullptr));
        const auto answer = call->ask(question, message);
        if (!answer) return BERTH_CONTRACT;
        if (answer->status() != BERTH_OK) return answer->status();
        auto* const handle = call->keep(std::make_unique<ServiceHandle>(*call, answer->decoder().get<std::uint64_t>()));
        *opened = reinterpret_cast<Opaque*>(handle);
        return BERTH_OK;
    });
}

int descriptor_of(ServiceHandle& handle, Question question) noexcept {
    (void)guarded([&]() -> berth_status {
        if (handle.descriptor) return BERTH_OK;
        Encoder message;
        message.put(handle.number);
        const auto answer = handle.call.ask(question, message);
        if (answer && !answer->descriptors().empty()) handle.descriptor = std::move(answer->descriptors().front());
        return BERTH_OK;
    });
    return handle.descriptor.get();
}

/// Bytes of the plugin on their way to the host, through the channel's memory.
berth_status send_bytes(ServiceHandle& handle, Question question, std::uint32_t kind, berth_bytes bytes) noexcept {
    return guarded([&]() -> berth_status {
        if (bytes.size > 0 && bytes.data == nullptr) return BERTH_CONTRACT;
        auto channel = handle.call.body().borrow_service();
        if (!channel) return BERTH_CONTRACT;
        berth_status status = BERTH_OK;
        const bool whole = question == Question::socket_send;  // a message is not to be cut
        for (std::uint64_t at = 0; status == BERTH_OK && (at < bytes.size || at == 0);) {
            const auto part = std::min<std::uint64_t>(bytes.size - at, wire::SharedBytes::size);
            if (whole && part != bytes.size) {
                status = BERTH_INVALID_ARGUMENT;
                break;
            }
            if (part > 0) std::memcpy(channel->bytes.all().data(), bytes.data + at, static_cast<std::size_t>(part));
            Encoder message;
            message.put(handle.number).put(kind).put(part);
            const auto answer = handle.call.ask(*channel, question, message);
            status = answer ? answer->status() : BERTH_CONTRACT;
            at += part;
            if (part == 0) break;
        }
        handle.call.body().give_back(std::move(channel));
        return status;
    });
}

berth_status read_bytes(berth_exchange* exchange, Question question, void* buffer, std::uint64_t capacity,
                        std::uint64_t* got) noexcept {
    auto& handle = handle_of(exchange);
    if (buffer == nullptr || got == nullptr) return BERTH_CONTRACT;
    return guarded([&]() -> berth_status {
        auto channel = handle.call.body().borrow_service();
        if (!channel) return BERTH_CONTRACT;
        Encoder message;
        message.put(handle.number).put(std::min<std::uint64_t>(capacity, wire::SharedBytes::size));
        const auto answer = handle.call.ask(*channel, question, message);
        auto status = answer ? answer->status() : BERTH_CONTRACT;
        *got = 0;
        if (status == BERTH_OK) {
            const auto part = channel->bytes.part(0, answer->decoder().get<std::uint64_t>());
            if (part && part->size() <= capacity) {
                std::memcpy(buffer, part->data(), part->size());
                *got = part->size();
            } else {
                status = BERTH_INTERNAL;
            }
        }
        handle.call.body().give_back(std::move(channel));
        return status;
    });
}

berth_status receive_message(berth_socket* socket, Question question, berth_socket_message* message) noexcept {
    auto& handle = handle_of(socket);
    return guarded([&]() -> berth_status {
        Encoder asked;
        asked.put(handle.number);
        auto answer = handle.call.ask(question, asked);
        if (!answer) return BERTH_CONTRACT;
        if (answer->status() != BERTH_OK) return answer->status();
        const auto* const full = answer->decoder().get<const berth_socket_message*>();
        handle.kept = std::move(answer);
        return full != nullptr && give_back(*full, message) ? BERTH_OK : BERTH_CONTRACT;
    });
}

/// A value that the host hands out goes into the plugin's own sink.
berth_status into(berth_bytes_sink* sink, berth_bytes bytes) {
    const auto taken = sink->write(sink, bytes);
    return taken == BERTH_OK || taken == BERTH_ENOUGH ? BERTH_OK : BERTH_INTERNAL;
}

bool is_usable(const berth_bytes_sink* sink) noexcept {
    return sink != nullptr && sink->size >= sizeof(berth_bytes_sink) && sink->write != nullptr;
}

}  // namespace

struct HostProxy::Functions {
    static HostProxy& of(const berth_host* host) noexcept { return *static_cast<HostProxy*>(host->host_data); }

    static void log(const berth_host* host, std::int32_t level, berth_str message) noexcept {
        if (host == nullptr) return;
        Encoder encoded;
        encoded.put(level).put(message.data == nullptr ? berth_str{"", 0} : message);
        of(host).body_.say(FrameKind::log, 0, encoded.bytes());
    }

    static berth_status setting_get(const berth_host* host, berth_str pointer, berth_setting* setting) noexcept {
        if (host == nullptr) return BERTH_CONTRACT;
        const auto& self = of(host);
        const auto found = self.places_.find(pointer.data == nullptr ? std::string_view()
                                                                     : std::string_view(pointer.data, pointer.size));
        return found == self.places_.end() ? BERTH_END : setting_at(host, found->second, setting);
    }
    static berth_status setting_at(const berth_host* host, std::uint64_t index, berth_setting* setting) noexcept {
        if (host == nullptr) return BERTH_CONTRACT;
        const auto& all = of(host).settings_;
        if (index >= all.size()) return BERTH_END;
        return give_back(all[static_cast<std::size_t>(index)], setting) ? BERTH_OK : BERTH_CONTRACT;
    }

    static berth_status secret_get(const berth_host* /*host*/, berth_call* face, berth_str pointer,
                                   berth_bytes_sink* sink) noexcept {
        auto* const call = WorkerCall::of(face);
        if (call == nullptr || !is_usable(sink)) return BERTH_CONTRACT;
        return guarded([&]() -> berth_status {
            Encoder message;
            message.put(pointer);
            const auto answer = call->ask(Question::secret, message);
            if (!answer) return BERTH_CONTRACT;
            if (answer->status() != BERTH_OK) return answer->status();
            return into(sink, answer->decoder().get<berth_bytes>());
        });
    }

    static berth_status state_get(const berth_host* /*host*/, berth_call* face, berth_str key, berth_bytes_sink* value,
                                  std::uint64_t* revision) noexcept {
        auto* const call = WorkerCall::of(face);
        if (call == nullptr || !is_usable(value) || revision == nullptr) return BERTH_CONTRACT;
        return guarded([&]() -> berth_status {
            Encoder message;
            message.put(key);
            const auto answer = call->ask(Question::state_get, message);
            if (!answer) return BERTH_CONTRACT;
            if (answer->status() != BERTH_OK) return answer->status();
            *revision = answer->decoder().get<std::uint64_t>();
            return into(value, answer->decoder().get<berth_bytes>());
        });
    }
    static berth_status state_put(const berth_host* /*host*/, berth_call* face, berth_str key, berth_bytes value,
                                  std::uint64_t expected, std::uint64_t* revision) noexcept {
        auto* const call = WorkerCall::of(face);
        if (call == nullptr || revision == nullptr) return BERTH_CONTRACT;
        return guarded([&]() -> berth_status {
            Encoder message;
            message.put(key).put(value).put(expected);
            const auto answer = call->ask(Question::state_put, message);
            if (!answer) return BERTH_CONTRACT;
            if (answer->status() == BERTH_OK) *revision = answer->decoder().get<std::uint64_t>();
            return answer->status();
        });
    }
    static berth_status state_remove(const berth_host* /*host*/, berth_call* face, berth_str key,
                                     std::uint64_t expected) noexcept {
        auto* const call = WorkerCall::of(face);
        if (call == nullptr) return BERTH_CONTRACT;
        return guarded([&]() -> berth_status {
            Encoder message;
            message.put(key).put(expected);
            return status_of(*call, Question::state_remove, message);
        });
    }
    static berth_status state_list(const berth_host* /*host*/, berth_call* face, berth_str prefix,
                                   berth_pairs_sink* keys) noexcept {
        auto* const call = WorkerCall::of(face);
        if (call == nullptr || keys == nullptr || keys->put == nullptr) return BERTH_CONTRACT;
        return guarded([&]() -> berth_status {
            Encoder message;
            message.put(prefix);
            const auto answer = call->ask(Question::state_list, message);
            if (!answer) return BERTH_CONTRACT;
            if (answer->status() != BERTH_OK) return answer->status();
            while (!answer->decoder().at_end()) {
                const auto pair = answer->decoder().get<berth_pair>();
                const auto taken = keys->put(keys, &pair);
                if (taken == BERTH_ENOUGH) break;
                if (taken != BERTH_OK) return taken;
            }
            return BERTH_OK;
        });
    }

    static berth_status http_open(const berth_host* /*host*/, berth_call* call, const berth_http_request* request,
                                  berth_exchange** exchange) noexcept {
        return open_handle(call, Question::http_open, request, exchange);
    }
    static berth_status http_write(berth_exchange* exchange, berth_bytes bytes) noexcept {
        return send_bytes(handle_of(exchange), Question::http_write, 0, bytes);
    }
    static berth_status http_finish(berth_exchange* exchange) noexcept {
        return about(handle_of(exchange), Question::http_finish);
    }
    static berth_status http_head(berth_exchange* exchange, berth_http_head* head) noexcept {
        auto& handle = handle_of(exchange);
        return guarded([&]() -> berth_status {
            Encoder message;
            message.put(handle.number);
            auto answer = handle.call.ask(Question::http_head, message);
            if (!answer) return BERTH_CONTRACT;
            if (answer->status() != BERTH_OK) return answer->status();
            const auto* const full = answer->decoder().get<const berth_http_head*>();
            handle.kept = std::move(answer);
            return full != nullptr && give_back(*full, head) ? BERTH_OK : BERTH_CONTRACT;
        });
    }
    static berth_status http_read(berth_exchange* exchange, void* buffer, std::uint64_t capacity,
                                  std::uint64_t* got) noexcept {
        return read_bytes(exchange, Question::http_read, buffer, capacity, got);
    }
    static berth_status http_try_read(berth_exchange* exchange, void* buffer, std::uint64_t capacity,
                                      std::uint64_t* got) noexcept {
        return read_bytes(exchange, Question::http_try_read, buffer, capacity, got);
    }
    static int http_fd(berth_exchange* exchange) noexcept {
        return descriptor_of(handle_of(exchange), Question::http_descriptor);
    }
    static void http_close(berth_exchange* exchange) noexcept {
        auto& handle = handle_of(exchange);
        (void)about(handle, Question::http_close);
        handle.descriptor.reset();
    }

    static berth_status socket_open(const berth_host* /*host*/, berth_call* call, const berth_http_request* request,
                                    berth_socket** socket) noexcept {
        return open_handle(call, Question::socket_open, request, socket);
    }
    static berth_status socket_send(berth_socket* socket, std::uint32_t kind, berth_bytes bytes) noexcept {
        return send_bytes(handle_of(socket), Question::socket_send, kind, bytes);
    }
    static berth_status socket_receive(berth_socket* socket, berth_socket_message* message) noexcept {
        return receive_message(socket, Question::socket_receive, message);
    }
    static berth_status socket_try_receive(berth_socket* socket, berth_socket_message* message) noexcept {
        return receive_message(socket, Question::socket_try_receive, message);
    }
    static int socket_fd(berth_socket* socket) noexcept {
        return descriptor_of(handle_of(socket), Question::socket_descriptor);
    }
    static void socket_close(berth_socket* socket, std::int32_t close_code) noexcept {
        auto& handle = handle_of(socket);
        (void)guarded([&]() -> berth_status {
            Encoder message;
            message.put(handle.number).put(close_code);
            return status_of(handle.call, Question::socket_close, message);
        });
        handle.descriptor.reset();
    }

    static constexpr berth_settings settings{sizeof(berth_settings), 0, &setting_get, &setting_at};
    static constexpr berth_secrets secrets{sizeof(berth_secrets), 0, &secret_get};
    static constexpr berth_state state{sizeof(berth_state), 0, &state_get, &state_put, &state_remove, &state_list};
    static constexpr berth_http http{sizeof(berth_http), 0,          &http_open,     &http_write, &http_finish,
                                     &http_head,         &http_read, &http_try_read, &http_fd,    &http_close};
    static constexpr berth_websocket websocket{
        sizeof(berth_websocket), 0,          &socket_open, &socket_send, &socket_receive,
        &socket_try_receive,     &socket_fd, &socket_close};
};

HostProxy::HostProxy(WorkerBody& body, std::string description)
    : body_(body), description_(std::move(description)), decoder_(description_) {
    face_.size = sizeof face_;
    face_.minor = BERTH_CONTRACT_MINOR;
    face_.host_data = this;
    face_.provider_name = decoder_.get<berth_str>();
    face_.log = &Functions::log;
    face_.settings = &Functions::settings;
    face_.secrets = &Functions::secrets;
    face_.state = &Functions::state;
    face_.http = &Functions::http;
    face_.websocket = &Functions::websocket;
    while (!decoder_.at_end()) {
        const auto* const setting = decoder_.get<const berth_setting*>();
        if (setting == nullptr) throw wire::Malformed("a setting is absent");
        places_.emplace(std::string_view(setting->pointer.data, setting->pointer.size), settings_.size());
        settings_.push_back(*setting);
    }
}

}  // namespace berth::inline host_v1::worker
