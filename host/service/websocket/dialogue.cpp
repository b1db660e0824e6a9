#include "dialogue.hpp"

#include <utility>
#include <variant>

namespace berth::inline host_v1 {

Dialogue::Hearing Dialogue::arrived(std::size_t count) {
    reader_.arrived(count);
    for (;;) {
        switch (reader_.next()) {
            case FrameReader::Step::message: {
                const bool is_text = reader_.kind() == Opcode::text;
                heard_.push_back(
                    {is_text ? SocketEvent::Kind::text : SocketEvent::Kind::binary, reader_.bytes(), reader_.keeper()});
                break;
            }
            case FrameReader::Step::control:
                if (hear_control() == Hearing::over) return Hearing::over;
                break;
            case FrameReader::Step::more:
                return mailbox_->arrived(heard_) ? Hearing::on : Hearing::later;
            case FrameReader::Step::broken:
                leave(reader_.rule());
                return Hearing::over;
        }
    }
}

Dialogue::Hearing Dialogue::hear_control() {
    if (reader_.kind() == Opcode::ping) pong_ = reader_.bytes();
    if (reader_.kind() != Opcode::close) return Hearing::on;
    const auto read = read_close(reader_.bytes());
    if (const auto* const rule = std::get_if<BrokenRule>(&read)) {
        leave(*rule);
        return Hearing::over;
    }
    const auto code = std::get<CloseWords>(read).code;
    (void)mailbox_->arrived(heard_);
    mailbox_->ended(code);
    answer_ = is_sayable(code) ? code : 1000;
    return Hearing::over;
}

/// What came whole before the rule was broken is heard.
void Dialogue::leave(const BrokenRule& rule) {
    (void)mailbox_->arrived(heard_);
    mailbox_->failed({SocketFailure::Kind::malformed, rule.what, 0, {}});
    answer_ = rule.close_code;
}

std::string_view Dialogue::next_bytes() {
    ready_.clear();
    if (has_said_goodbye_) return {};
    if (answer_) {
        add_goodbye(*answer_);
        return ready_;
    }
    if (pong_) add(Opcode::pong, *std::exchange(pong_, std::nullopt));
    if (std::exchange(asks_, false)) add(Opcode::ping, {});
    while (ready_.size() < most_ready) {
        const auto letter = mailbox_->next_outgoing();
        if (!letter) break;
        add(letter->kind == SocketMessageKind::text ? Opcode::text : Opcode::binary, letter->bytes);
    }
    if (ready_.size() < most_ready)
        if (const auto code = mailbox_->goodbye()) add_goodbye(*code);
    return ready_;
}

void Dialogue::add_goodbye(int close_code) {
    const std::string code{static_cast<char>(close_code >> 8), static_cast<char>(close_code & 0xFF)};
    add(Opcode::close, code);
    has_said_goodbye_ = true;
}

}  // namespace berth::inline host_v1
