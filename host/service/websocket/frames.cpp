#include "frames.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "../../base/text.hpp"
#include "../socket_transport.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr std::size_t least_room = std::size_t{16} << 10U;
/// A frame up to here waits until it lies whole in one block; a larger one is taken as it comes.
constexpr std::size_t longest_whole_frame = least_room;
constexpr std::size_t longest_control = 125;

constexpr int protocol_error = 1002;
constexpr int bad_text = 1007;
constexpr int too_big = 1009;

unsigned byte_at(std::string_view bytes, std::size_t index) noexcept {
    return static_cast<unsigned char>(bytes[index]);
}

bool is_known(Opcode opcode) noexcept {
    return opcode <= Opcode::binary || (opcode >= Opcode::close && opcode <= Opcode::pong);
}

bool is_control(Opcode opcode) noexcept {
    return opcode >= Opcode::close;
}

}  // namespace

std::span<char> FrameReader::room() {
    if (!block_ || block_size - end_ < least_room) {
        // Somebody may still read what lies in the old one.
        auto block = std::make_shared_for_overwrite<char[]>(block_size);
        const auto left = here();
        left.copy(block.get(), left.size());
        block_ = std::move(block);
        begin_ = 0;
        end_ = left.size();
    }
    return {block_.get() + end_, block_size - end_};
}

FrameReader::Step FrameReader::next() {
    while (!is_broken_) {
        if (!frame_) {
            const auto head = read_head();
            if (!head) return is_broken_ ? Step::broken : Step::more;
            if (!keeps_the_rules(*head)) return Step::broken;
            if (is_control(head->opcode)) return take_control(*head);
            const bool is_whole_message = !in_message_ && head->place == Head::Place::last;
            if (is_whole_message && head->length <= longest_whole_frame) {
                if (unread() < head->size + head->length) return Step::more;
                message_kind_ = head->opcode;
                const auto bytes = here().substr(head->size, static_cast<std::size_t>(head->length));
                begin_ += head->size + bytes.size();
                return finished(bytes, block_);
            }
            begin_frame(*head);
        }
        if (!take_part()) return Step::more;
        if (*std::exchange(frame_, std::nullopt) == Head::Place::within) continue;
        in_message_ = false;
        auto message = std::move(message_);
        const std::string_view bytes = *message;
        return finished(bytes, std::move(message));
    }
    return Step::broken;
}

std::optional<FrameReader::Head> FrameReader::read_head() {
    const auto bytes = here();
    if (bytes.size() < 2) return std::nullopt;
    Head head;
    const auto first = byte_at(bytes, 0);
    const auto second = byte_at(bytes, 1);
    head.opcode = static_cast<Opcode>(first & 0x0FU);
    head.place = (first & 0x80U) != 0 ? Head::Place::last : Head::Place::within;
    // Said at once: what is wrong already needs no more bytes, which may never come.
    if ((first & 0x70U) != 0) refuse(protocol_error, "a frame has bits set that mean nothing");
    if (!is_known(head.opcode)) refuse(protocol_error, "a frame is of an unknown kind");
    if ((second & 0x80U) != 0) refuse(protocol_error, "a frame is masked, which only a client's may be");
    if (is_broken_) return std::nullopt;
    head.length = second & 0x7FU;
    head.size = 2;
    if (head.length < 126) return head;
    if (is_control(head.opcode)) {
        refuse(protocol_error, "a control frame is longer than 125 bytes");
        return std::nullopt;
    }
    const std::size_t size = head.length == 126 ? 2 : 8;
    const auto length = read_length(size);
    if (!length) return std::nullopt;
    head.length = *length;
    head.size += size;
    return head;
}

std::optional<std::uint64_t> FrameReader::read_length(std::size_t size) {
    const auto bytes = here();
    if (bytes.size() < 2 + size) return std::nullopt;
    std::uint64_t length = 0;
    for (std::size_t index = 0; index < size; ++index)
        length = (length << 8U) | byte_at(bytes, 2 + index);
    if (length < (size == 2 ? 126U : 65536U) || length > (std::uint64_t{1} << 63U) - 1) {
        refuse(protocol_error, "a frame's length is written in a way that is not allowed");
        return std::nullopt;
    }
    return length;
}

bool FrameReader::keeps_the_rules(const Head& head) {
    if (is_control(head.opcode)) {
        if (head.place == Head::Place::within) refuse(protocol_error, "a control frame is in pieces");
    } else if (head.opcode == Opcode::continuation && !in_message_) {
        refuse(protocol_error, "a message goes on that has not begun");
    } else if (head.opcode != Opcode::continuation && in_message_) {
        refuse(protocol_error, "a message begins inside another one");
    } else if (head.length > longest_message - (message_ ? message_->size() : 0)) {
        refuse(too_big, "a message is larger than 16 MiB");
    }
    return !is_broken_;
}

FrameReader::Step FrameReader::take_control(const Head& head) {
    if (unread() < head.size + head.length) return Step::more;
    kind_ = head.opcode;
    bytes_ = here().substr(head.size, static_cast<std::size_t>(head.length));
    keeper_.reset();
    begin_ += head.size + bytes_.size();
    return Step::control;
}

void FrameReader::begin_frame(const Head& head) {
    begin_ += head.size;
    frame_ = head.place;
    frame_left_ = head.length;
    if (in_message_) return;
    in_message_ = true;
    message_kind_ = head.opcode;
    message_ = std::make_shared<std::string>();
}

bool FrameReader::take_part() {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, unread()));
    message_->append(here().substr(0, size));
    begin_ += size;
    frame_left_ -= size;
    return frame_left_ == 0;
}

FrameReader::Step FrameReader::finished(std::string_view bytes, std::shared_ptr<const void> keeper) {
    if (message_kind_ == Opcode::text && !is_utf8(bytes)) return refuse(bad_text, "text is no UTF-8");
    kind_ = message_kind_;
    bytes_ = bytes;
    keeper_ = std::move(keeper);
    return Step::message;
}

FrameReader::Step FrameReader::refuse(int close_code, const char* what) noexcept {
    if (!is_broken_) rule_ = {close_code, what};
    is_broken_ = true;
    return Step::broken;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, const FrameMask& mask) {
    out += static_cast<char>(0x80U | static_cast<unsigned>(opcode));
    const auto length = static_cast<std::uint64_t>(payload.size());
    std::size_t more = 0;
    if (length > longest_control) more = length < 65536 ? 2 : 8;
    out += static_cast<char>(0x80U | (more == 0 ? length : more == 2 ? 126U : 127U));
    for (; more > 0; --more)
        out += static_cast<char>(length >> (8 * (more - 1)));
    for (const auto byte : mask)
        out += static_cast<char>(byte);
    const auto begin = out.size();
    out.append(payload);
    for (std::size_t index = 0; index < payload.size(); ++index)
        out[begin + index] = static_cast<char>(static_cast<unsigned char>(out[begin + index]) ^ mask[index % 4]);
}

std::variant<CloseWords, BrokenRule> read_close(std::string_view payload) noexcept {
    if (payload.empty()) return CloseWords{};
    if (payload.size() == 1) return BrokenRule{protocol_error, "its goodbye has half a code"};
    const CloseWords words{static_cast<int>((byte_at(payload, 0) << 8U) | byte_at(payload, 1)), payload.substr(2)};
    if (!is_sayable(words.code)) return BrokenRule{protocol_error, "its goodbye has a code that nobody may send"};
    if (!is_utf8(words.reason)) return BrokenRule{bad_text, "the reason in its goodbye is no UTF-8"};
    return words;
}

}  // namespace berth::inline host_v1
