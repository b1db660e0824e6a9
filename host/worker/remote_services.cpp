// What a worker's plugin asks the host for and waits for: settings apart, every service of berth_host, the file source and
// the clean-up window. Each question goes through the C table that a plugin in this process would use. Apart from the
// sinks because other threads run it.
#include <fcntl.h>

#include <algorithm>
#include <chrono>

#include "../service/http_exchange.hpp"
#include "../service/socket_handle.hpp"
#include "remote_call.hpp"

namespace berth::inline host_v1 {

using wire::Decoder;
using wire::Encoder;
using wire::FrameKind;
using wire::Question;

namespace {

/// Keeps what a service hands out.
struct BytesKeeper {
    berth_bytes_sink face{sizeof(berth_bytes_sink), 0, this, &write};
    std::string bytes;
    static berth_status write(berth_bytes_sink* sink, berth_bytes more) {
        static_cast<BytesKeeper*>(sink->host_data)->bytes.append(reinterpret_cast<const char*>(more.data), more.size);
        return BERTH_OK;
    }
};

struct PairsKeeper {
    berth_pairs_sink face{sizeof(berth_pairs_sink), 0, this, &put};
    Encoder message;
    static berth_status put(berth_pairs_sink* sink, const berth_pair* pair) {
        static_cast<PairsKeeper*>(sink->host_data)->message.put(*pair);
        return BERTH_OK;
    }
};

template <typename T>
T sized() {
    T value{};
    value.size = sizeof value;
    return value;
}

berth_bytes view_of(const std::string& bytes) {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

/// One question while it is answered.
class RemoteCall::Answering {
public:
    Answering(RemoteCall& call, HostChannel& channel, std::string_view payload)
        : call_(call), channel_(channel), message_(payload) {}

    /// The answer is a status, and what the question's branch writes behind it.
    void run() {
        const auto question = static_cast<Question>(message_.get<std::uint8_t>());
        switch (question) {
            case Question::begin_cleanup:
                return begin_cleanup();
            case Question::secret:
                return secret();
            case Question::state_get:
            case Question::state_put:
            case Question::state_remove:
            case Question::state_list:
                return state(question);
            case Question::http_open:
            case Question::socket_open:
                return open(question);
            case Question::source_next:
            case Question::source_read:
            case Question::source_rewind:
            case Question::source_pipe:
                return source(question);
            default:
                return with_handle(question);
        }
    }

    [[nodiscard]] bool send() {
        Encoder whole;
        put_answer_head(whole, status_, call_.face_.call().cancel_reason());
        std::vector<int> descriptors;
        if (descriptor_) descriptors.push_back(descriptor_.get());
        return channel_.link.send(FrameKind::answer, call_.number(), whole.bytes(), answer_.bytes(), descriptors);
    }

private:
    [[nodiscard]] berth_call* face() { return call_.face_.face(); }
    [[nodiscard]] const berth_host& host() const {
        if (call_.host_ == nullptr) throw wire::Malformed("it asks a host that it does not have yet");
        return *call_.host_;
    }

    void begin_cleanup() {
        status_ = BERTH_OK;
        answer_.put(face()->begin_cleanup(face(), message_.get<std::int64_t>()));
        answer_.put(static_cast<std::int32_t>(call_.face_.call().cancel_reason().value_or(CancelReason::caller)));
    }

    void secret() {
        BytesKeeper value;
        status_ = host().secrets->get(&host(), face(), message_.get<berth_str>(), &value.face);
        if (status_ == BERTH_OK) answer_.put(view_of(value.bytes));
    }

    void state(Question question) {
        const auto& store = *host().state;
        const auto key = message_.get<berth_str>();
        std::uint64_t revision = 0;
        if (question == Question::state_get) {
            BytesKeeper value;
            status_ = store.get(&host(), face(), key, &value.face, &revision);
            if (status_ == BERTH_OK) answer_.put(revision).put(view_of(value.bytes));
        } else if (question == Question::state_put) {
            const auto value = message_.get<berth_bytes>();
            status_ = store.put(&host(), face(), key, value, message_.get<std::uint64_t>(), &revision);
            if (status_ == BERTH_OK) answer_.put(revision);
        } else if (question == Question::state_remove) {
            status_ = store.remove(&host(), face(), key, message_.get<std::uint64_t>());
        } else {
            PairsKeeper keys;
            status_ = store.list(&host(), face(), key, &keys.face);
            if (status_ == BERTH_OK) answer_ = std::move(keys.message);
        }
    }

    void open(Question question) {
        const auto* const request = message_.get<const berth_http_request*>();
        Handle handle;
        if (question == Question::http_open) {
            status_ = host().http->open(&host(), face(), request, &handle.exchange);
        } else {
            status_ = host().websocket->open(&host(), face(), request, &handle.socket);
        }
        if (status_ != BERTH_OK) return;
        const std::lock_guard lock(call_.mutex_);
        const auto number = ++call_.last_handle_;
        call_.handles_.emplace(number, handle);
        // The call ended meanwhile: whoever closes it may have looked through the handles already.
        if (call_.is_closed_) cancel(handle);
        answer_.put(number);
    }

    void source(Question question) {
        if (call_.objects_.source == nullptr) throw wire::Malformed("it reads files that were not sent");
        auto& files = *call_.objects_.source;
        const std::lock_guard lock(call_.source_mutex_);
        if (question == Question::source_next) {
            auto entry = sized<berth_file_entry>();
            status_ = files.next(&files, &entry);
            if (status_ == BERTH_OK) answer_.put(&entry);
        } else if (question == Question::source_read) {
            const auto offset = message_.get<std::uint64_t>();
            const auto part = channel_.bytes.part(offset, message_.get<std::uint64_t>());
            if (!part) throw wire::Malformed("its room for bytes lies nowhere");
            std::uint64_t got = 0;
            status_ = files.read(&files, channel_.bytes.all().data() + offset, part->size(), &got);
            if (status_ == BERTH_OK) answer_.put(offset).put(got);
        } else if (question == Question::source_rewind) {
            status_ = files.rewind(&files);
        } else {
            lend(files.pipe(&files));
            status_ = BERTH_OK;
        }
    }

    /// A copy, made while the thing that lends it is surely open: the number of a closed one may be anybody's.
    void lend(int descriptor) {
        if (descriptor >= 0) descriptor_.reset(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
    }

    static void cancel(const Handle& handle) noexcept {
        if (handle.exchange != nullptr) handle.exchange->call_cancelled();
        if (handle.socket != nullptr) handle.socket->call_cancelled();
    }

    /// Runs what concerns something open; one thread at a time, or the plugin breaks a rule.
    void with_handle(Question question) {
        const auto number = message_.get<std::uint64_t>();
        const bool closes = question == Question::http_close || question == Question::socket_close;
        Handle handle;
        {
            const std::lock_guard lock(call_.mutex_);
            const auto found = call_.handles_.find(number);
            if (found == call_.handles_.end() || found->second.is_busy) {
                status_ = BERTH_CONTRACT;
                return;
            }
            handle = found->second;
            if (closes) {
                call_.handles_.erase(found);
            } else {
                found->second.is_busy = true;
            }
        }
        if (handle.exchange != nullptr) {
            use(question, *handle.exchange);
        } else {
            use(question, *handle.socket);
        }
        if (closes) return;
        const std::lock_guard lock(call_.mutex_);
        const auto found = call_.handles_.find(number);
        if (found != call_.handles_.end()) found->second.is_busy = false;
    }

    void use(Question question, berth_exchange& exchange) {
        const auto& http = *host().http;
        if (question == Question::http_write) {
            (void)message_.get<std::uint32_t>();
            status_ = http.write(&exchange, shared());
        } else if (question == Question::http_finish) {
            status_ = http.finish(&exchange);
        } else if (question == Question::http_head) {
            auto head = sized<berth_http_head>();
            status_ = http.head(&exchange, &head);
            if (status_ == BERTH_OK) answer_.put(&head);
        } else if (question == Question::http_read || question == Question::http_try_read) {
            const auto capacity = std::min<std::uint64_t>(message_.get<std::uint64_t>(), wire::SharedBytes::size);
            const auto read = question == Question::http_read ? http.read : http.try_read;
            std::uint64_t got = 0;
            status_ = read(&exchange, channel_.bytes.all().data(), capacity, &got);
            if (status_ == BERTH_OK) answer_.put(got);
        } else if (question == Question::http_descriptor) {
            lend(http.fd(&exchange));
            status_ = BERTH_OK;
        } else if (question == Question::http_close) {
            http.close(&exchange);
            status_ = BERTH_OK;
        } else {
            throw wire::Malformed("it takes a request for a socket");
        }
    }

    void use(Question question, berth_socket& socket) {
        const auto& websocket = *host().websocket;
        if (question == Question::socket_send) {
            const auto kind = message_.get<std::uint32_t>();
            status_ = websocket.send(&socket, kind, shared());
        } else if (question == Question::socket_receive || question == Question::socket_try_receive) {
            auto received = sized<berth_socket_message>();
            const auto receive = question == Question::socket_receive ? websocket.receive : websocket.try_receive;
            status_ = receive(&socket, &received);
            if (status_ == BERTH_OK) answer_.put(&received);
        } else if (question == Question::socket_descriptor) {
            lend(websocket.fd(&socket));
            status_ = BERTH_OK;
        } else if (question == Question::socket_close) {
            websocket.close(&socket, message_.get<std::int32_t>());
            status_ = BERTH_OK;
        } else {
            throw wire::Malformed("it takes a socket for a request");
        }
    }

    /// Bytes of the plugin, at the beginning of the channel's memory.
    [[nodiscard]] berth_bytes shared() {
        const auto part = channel_.bytes.part(0, message_.get<std::uint64_t>());
        if (!part) throw wire::Malformed("its bytes lie nowhere");
        return {reinterpret_cast<const std::uint8_t*>(part->data()), part->size()};
    }

    friend class RemoteCall;
    RemoteCall& call_;
    HostChannel& channel_;
    Decoder message_;
    Encoder answer_;
    berth_status status_ = BERTH_INTERNAL;
    FileDescriptor descriptor_;
};

bool RemoteCall::enter() {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return false;
    ++answering_;
    return true;
}

void RemoteCall::leave() {
    const std::lock_guard lock(mutex_);
    if (--answering_ == 0) idle_.notify_all();
}

bool RemoteCall::answer(HostChannel& channel, std::string_view question) {
    Answering answering(*this, channel, question);
    {
        const Busy busy(*this);
        answering.run();
    }
    return answering.send();
}

void RemoteCall::close() {
    face_.call().tell(nullptr);
    std::unique_lock lock(mutex_);
    is_closed_ = true;
    for (const auto& [number, handle] : handles_)
        Answering::cancel(handle);
    idle_.wait(lock, [this] { return answering_ == 0; });
    handles_.clear();
}

}  // namespace berth::inline host_v1
