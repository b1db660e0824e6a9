// A worker that does what an input says: an honest beginning, or none, and then acts of a byte each with what they need, on every
// socket it has. For the fuzzer of the wire. Knows nothing of the host's side but its frames.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "worker/wire/link.hpp"
#include "worker/wire/methods.hpp"
#include "worker/wire/shared_bytes.hpp"

namespace hostile {

using namespace berth;
using wire::Encoder;
using wire::FrameKind;

inline void require(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "broken: " << what << "\n";
    std::abort();
}

/// The input, taken piece by piece; at its end there are zeros.
class Input {
public:
    explicit Input(std::string_view bytes) : rest_(bytes) {}
    [[nodiscard]] bool is_over() const noexcept { return rest_.empty(); }
    std::uint8_t byte() { return static_cast<std::uint8_t>(text(1).value_or(std::string_view("\0", 1))[0]); }
    std::uint64_t number() {
        std::uint64_t value = 0;
        if (const auto bytes = text(sizeof value)) std::memcpy(&value, bytes->data(), sizeof value);
        return value;
    }
    /// A length of one byte, and so many bytes.
    std::string_view piece() {
        const auto size = std::min<std::size_t>(byte(), rest_.size());
        return text(size).value_or(std::string_view());
    }

private:
    std::optional<std::string_view> text(std::size_t size) {
        if (size > rest_.size()) {
            rest_ = {};
            return std::nullopt;
        }
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    std::string_view rest_;
};

enum class Stage : std::uint8_t { loading, opening, call };

class HostileWorker {
public:
    HostileWorker(FileDescriptor control, Input script, Stage stage)
        : control_(std::move(control)), script_(script), stage_(stage) {}

    void run() {
        try {
            const auto hello = control_.receive();
            if (!hello) return;
            if (stage_ == Stage::loading) return act();
            send(control_, FrameKind::loaded, 0, loaded());
            auto frame = control_.receive();
            if (!frame || frame->kind != FrameKind::call_channel || frame->descriptors.size() != 2) return;
            call_.emplace(std::move(frame->descriptors[0]));
            memory_ = wire::SharedBytes::adopt(std::move(frame->descriptors[1]));
            serve();
        } catch (const wire::Malformed&) {
            require(false, "an honest host sends what is malformed");
        }
    }

private:
    static std::string loaded() {
        Encoder message;
        message.put(std::uint32_t{0});
        for (std::size_t row = 0; row < method_table.size(); ++row)
            message.put(std::uint8_t{1});
        return std::string(message.bytes());
    }

    void serve() {
        while (const auto frame = call_->receive()) {
            if (frame->kind != FrameKind::call) continue;
            number_ = frame->call;
            const auto which = wire::Decoder(frame->payload).get<std::uint16_t>();
            const bool is_beginning = which == wire::open_call || which == wire::describe_call;
            if (!is_beginning || stage_ == Stage::opening) return act();
            returned(BERTH_OK);
        }
    }

    void returned(berth_status status) {
        Encoder message;
        message.put(status).put(std::uint8_t{0});
        send(*call_, FrameKind::returned, number_, message.bytes());
    }

    /// What is sent may not be read any more, but never fills the socket: inputs are short.
    static void send_raw(const wire::Link& link, std::string_view bytes, int descriptor = -1) {
        iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (descriptor >= 0) {
            message.msg_control = room.data();
            message.msg_controllen = room.size();
            auto* const header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
        }
        (void)::sendmsg(link.descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    static std::string frame_of(FrameKind kind, std::uint64_t call, std::string_view payload, std::uint16_t descriptors,
                                std::uint32_t more) {
        const wire::FrameHeader header{static_cast<std::uint32_t>(payload.size()) + more, kind, descriptors, call};
        std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
        bytes += payload;
        return bytes;
    }
    static void send(const wire::Link& link, FrameKind kind, std::uint64_t call, std::string_view payload) {
        send_raw(link, frame_of(kind, call, payload, 0, 0));
    }

    /// A socket that it has: the one of the call, of control, or the newest for questions.
    wire::Link& link(std::uint8_t which) {
        if (which % 3 == 1 || !call_) return control_;
        if (which % 3 == 2 && service_) return *service_;
        return *call_;
    }
    /// After half a frame the host waits for the other half, and whoever waits for its answer waits for ever.
    void spoil(const wire::Link& link) {
        if (&link == &control_) is_control_whole_ = false;
        if (service_ && &link == &*service_) is_service_whole_ = false;
    }
    FrameKind kind() { return static_cast<FrameKind>(script_.byte() % 40); }

    void act() {
        while (!script_.is_over()) {
            switch (script_.byte() % 16) {
                case 0: {
                    auto& to = link(script_.byte());
                    spoil(to);
                    send_raw(to, script_.piece());
                    break;
                }
                case 1: {
                    auto& to = link(script_.byte());
                    const auto what = kind();
                    send(to, what, number_, script_.piece());
                    break;
                }
                case 2: {
                    // Sizes, calls and descriptors that are not as the frame says.
                    auto& to = link(script_.byte());
                    spoil(to);
                    const auto what = kind();
                    const auto call = number_ + script_.byte() % 3;
                    const std::uint16_t promised = script_.byte() % 4;
                    const auto more = static_cast<std::uint32_t>(script_.number());
                    const FileDescriptor something(script_.byte() % 2 == 0 ? ::open("/dev/null", O_RDONLY | O_CLOEXEC)
                                                                           : -1);
                    send_raw(to, frame_of(what, call, script_.piece(), promised, more), something.get());
                    break;
                }
                case 3:
                    want_service();
                    break;
                case 4:
                    ask();
                    break;
                case 5: {
                    const auto place = script_.number() % wire::SharedBytes::size;
                    const auto bytes = script_.piece();
                    if (memory_ && !bytes.empty() && memory_->part(place, bytes.size()))
                        std::memcpy(memory_->all().data() + place, bytes.data(), bytes.size());
                    break;
                }
                case 6:
                    put_bytes(FrameKind::process_output);
                    break;
                case 7:
                    put_bytes(script_.byte() % 2 == 0 ? FrameKind::file_write : FrameKind::write_bytes);
                    break;
                case 8:
                    put_info();
                    break;
                case 9:
                    put_end();
                    break;
                case 10:
                    put_entry();
                    break;
                case 11:
                    fail();
                    break;
                case 12:
                    if (call_) send(*call_, FrameKind::file_commit, number_, {});
                    break;
                case 13:
                    if (call_) returned(static_cast<berth_status>(script_.byte()));
                    break;
                case 14:
                    link(script_.byte()).shut_down();
                    break;
                default: {
                    Encoder message;
                    message.put(static_cast<std::uint32_t>(script_.byte() % 6)).put(std::int32_t{script_.byte()});
                    send(control_, FrameKind::event_taken, number_, message.bytes());
                    break;
                }
            }
        }
        if (call_) returned(BERTH_OK);
    }

    void want_service() {
        if (!is_control_whole_) return;
        send(control_, FrameKind::want_service, 0, {});
        while (auto frame = control_.receive()) {
            if (frame->kind != FrameKind::service_channel || frame->descriptors.size() != 2) continue;
            service_.emplace(std::move(frame->descriptors[0]));
            service_memory_ = wire::SharedBytes::adopt(std::move(frame->descriptors[1]));
            is_service_whole_ = true;
            return;
        }
    }
    void ask() {
        if (!service_ || !is_service_whole_) return;
        std::string question(1, static_cast<char>(script_.byte() % 25));
        question += script_.piece();
        send(*service_, FrameKind::ask, number_, question);
        (void)service_->receive();
    }
    void put_bytes(FrameKind what) {
        if (!call_) return;
        Encoder message;
        message.put(std::int32_t{script_.byte()}).put(static_cast<std::uint8_t>(script_.byte() % 2));
        // Small places are more likely to lie inside.
        const bool is_small = script_.byte() % 2 == 0;
        const auto place = script_.number();
        const auto size = script_.number();
        message.put(is_small ? place % wire::SharedBytes::size : place);
        message.put(is_small ? size % (wire::SharedBytes::size / 4) : size);
        send(*call_, what, number_, message.bytes());
    }
    static berth_str text(std::string_view view) { return {view.data(), view.size()}; }
    void put_info() {
        if (!call_) return;
        const auto id = script_.piece();
        const auto name = script_.piece();
        const auto value = script_.piece();
        const berth_pair label{text(name), text(value), script_.byte()};
        berth_environment environment{};
        environment.size = sizeof environment;
        environment.cwd = text(value);
        berth_sandbox_info info{};
        info.size = sizeof info;
        info.id = text(id.empty() ? std::string_view("box") : id);
        info.state = script_.byte() % 8;
        info.created_at_ms = static_cast<std::int64_t>(script_.number());
        info.environment = script_.byte() % 4 == 0 ? nullptr : &environment;
        info.name = text(name);
        info.labels = {&label, 1};
        Encoder message;
        message.put(static_cast<const berth_sandbox_info*>(&info));
        send(*call_, FrameKind::put_info, number_, message.bytes());
    }
    void put_end() {
        if (!call_) return;
        berth_process_end end{};
        end.size = sizeof end;
        end.kind = script_.byte() % 8;
        end.exit_code = static_cast<std::int32_t>(script_.number());
        end.signal = script_.byte();
        Encoder started;
        started.put(berth_opt_i64{static_cast<std::int64_t>(script_.number()), script_.byte() % 2U});
        if (script_.byte() % 2 == 0) send(*call_, FrameKind::process_started, number_, started.bytes());
        Encoder message;
        message.put(static_cast<const berth_process_end*>(&end));
        send(*call_, FrameKind::process_ended, number_, message.bytes());
    }
    void put_entry() {
        if (!call_) return;
        berth_file_entry entry{};
        entry.size = sizeof entry;
        entry.flags = script_.byte() % 8;
        entry.kind = script_.byte() % 4;
        entry.mode = static_cast<std::uint32_t>(script_.number());
        entry.operation = script_.byte() % 3;
        entry.path = text(script_.piece());
        entry.link_target = text(script_.piece());
        entry.length = {script_.byte(), script_.byte() % 2U};
        Encoder message;
        message.put(static_cast<const berth_file_entry*>(&entry));
        const bool skips = script_.byte() % 4 == 0;
        if (skips) message.put(text(script_.piece()));
        send(*call_, skips ? FrameKind::file_skip : FrameKind::file_begin, number_, message.bytes());
    }
    void fail() {
        if (!call_) return;
        berth_error error{};
        error.size = sizeof error;
        error.code = script_.byte() % 32;
        error.outcome = script_.byte() % 4;
        error.message = text(script_.piece());
        error.path = text(script_.piece());
        Encoder message;
        message.put(static_cast<const berth_error*>(&error));
        send(*call_, FrameKind::fail, number_, message.bytes());
    }

    wire::Link control_;
    Input script_;
    const Stage stage_;
    std::optional<wire::Link> call_;
    std::optional<wire::SharedBytes> memory_;
    std::optional<wire::Link> service_;
    std::optional<wire::SharedBytes> service_memory_;
    bool is_control_whole_ = true;
    bool is_service_whole_ = false;
    std::uint64_t number_ = 0;
};

}  // namespace hostile
