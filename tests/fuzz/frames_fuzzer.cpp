// Feeds what a WebSocket server sends, cut anywhere, to the client's reader of answers and then of frames, in memory: the
// plugin gets the same messages and the same end wherever the cuts are, messages keep their bounds, text is UTF-8, and
// what the client answers is whole frames. Input: two bytes that say how long the pieces are, then the server's bytes.
// Built with BERTH_PLANTED_FAULT the end of a message is read behind it, which a working fuzzer finds.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../unit/service/fake_call.hpp"
#include "base/text.hpp"
#include "service/websocket/dialogue.hpp"
#include "service/websocket/handshake.hpp"

namespace {

using namespace berth;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";  // its answer is in the dictionary

void require(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "broken: " << what << "\n";
    std::abort();
}

/// Reads a message as a plugin would.
void read_out(std::string_view message) {
    std::size_t size = message.size();
    const auto copy = std::make_unique<unsigned char[]>(size);
    message.copy(reinterpret_cast<char*>(copy.get()), size);
#ifdef BERTH_PLANTED_FAULT
    if (size % 8 == 3) ++size;
#endif
    std::size_t sum = 0;
    for (std::size_t index = 0; index < size; ++index)
        sum += copy[index];
    require(sum <= 255 * size, "a byte beyond its bounds");
}

/// Everything a plugin hears of one connection, and all that its peer does.
struct Course {
    std::vector<std::string> messages;
    std::string end;
    std::string sent;
    bool operator==(const Course& other) const {
        return messages == other.messages && end == other.end && sent == other.sent;
    }
};

/// Takes all that is there. False: that was the end.
bool take_all(Mailbox& mailbox, const berth_test::FakeCall& call, Course& course) {
    for (;;) {
        const auto step = mailbox.receive(call, Mailbox::Waiting::no);
        if (step == SocketStep::again) return true;
        if (step == SocketStep::failed) {
            course.end = "failed: " + mailbox.failure().reason;
            require(!mailbox.failure().reason.empty(), "a failure without a reason");
            return false;
        }
        const auto& event = mailbox.event();
        if (event.kind == SocketEvent::Kind::closed) {
            course.end = "closed: " + std::to_string(event.close_code);
            return false;
        }
        require(event.bytes.size() <= FrameReader::longest_message, "a message beyond the limit");
        require(event.kind != SocketEvent::Kind::text || is_utf8(event.bytes), "text that is no UTF-8");
        read_out(event.bytes);
        course.messages.push_back((event.kind == SocketEvent::Kind::text ? "t" : "b") + std::string(event.bytes));
    }
}

Course course_of(std::string_view bytes, std::size_t piece) {
    Course course;
    const berth_test::FakeCall call;
    const auto mailbox = std::make_shared<Mailbox>();
    Dialogue dialogue(mailbox, [] { return FrameMask{1, 2, 3, 4}; });
    auto hearing = Dialogue::Hearing::on;
    while (!bytes.empty() && hearing != Dialogue::Hearing::over) {
        const auto room = dialogue.room();
        require(!room.empty(), "no room for what comes");
        const auto size = std::min({piece, bytes.size(), room.size()});
        bytes.copy(room.data(), size);
        bytes.remove_prefix(size);
        hearing = dialogue.arrived(size);
        if (hearing == Dialogue::Hearing::later) (void)take_all(*mailbox, call, course);
        require(hearing == Dialogue::Hearing::over || mailbox->may_read_on(), "it waits though all was taken");
    }
    if (hearing != Dialogue::Hearing::over) mailbox->ended(1006);
    require(!take_all(*mailbox, call, course), "no end");
    const auto end = course.end;
    const auto count = course.messages.size();
    require(!take_all(*mailbox, call, course) && course.end == end && course.messages.size() == count, "another end");
    course.sent = dialogue.next_bytes();
    require(course.sent.empty() || (static_cast<unsigned char>(course.sent[0]) & 0xF0U) == 0x80U, "no frame");
    return course;
}

/// What is behind the answer, when that opens a WebSocket.
std::optional<std::string_view> behind_answer(std::string_view bytes, std::size_t piece) {
    SocketAnswer answer;
    answer.header_limit(longest_answer_head);
    answer.body_limit(std::numeric_limits<std::uint64_t>::max());
    answer.eager(false);
    std::size_t available = std::min(piece, bytes.size());
    for (;;) {
        boost::system::error_code error;
        const auto used = answer.put(asio::buffer(bytes.data(), available), error);
        bytes.remove_prefix(used);
        available -= used;
        if (answer.is_header_done()) break;
        const auto more = std::min(piece, bytes.size() - available);
        if ((error && error != beast::http::error::need_more) || (more == 0 && used == 0)) return std::nullopt;
        available += more;
    }
    if (answer.get().result_int() != 101) {
        const auto failure = refusal_of(answer, bytes.substr(0, longest_refusal));
        require(failure.reason.size() < 400, "a server's words without bounds");
        return std::nullopt;
    }
    if (objection_to(answer, key)) return std::nullopt;
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view all(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t piece = std::size_t{1} + data[0];
    const auto frames = data[1] % 2 == 0 ? all : behind_answer(all, piece).value_or(std::string_view{});
    require(course_of(frames, piece) == course_of(frames, frames.size() + 1), "another course with other cuts");
    return 0;
}
