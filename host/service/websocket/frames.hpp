// The frames of a WebSocket as a client reads and writes them (RFC 6455): messages put together, control frames in
// between, every broken rule named. Pure: knows no connection and no library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace berth::inline host_v1 {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// What a peer must not do, and the code to leave it with.
struct BrokenRule {
    int close_code = 1002;
    const char* what = "";
};

/// Bytes go in as they come, cut anywhere. A message whose frame lay whole in what was read is not copied: it is a view
/// of the block that was read into, which lives as long as somebody holds it.
class FrameReader {
public:
    /// A larger message is refused: it would be kept in memory as a whole.
    static constexpr std::size_t longest_message = std::size_t{16} << 20U;
    static constexpr std::size_t block_size = std::size_t{128} << 10U;

    /// Where the next bytes go. Until arrived().
    [[nodiscard]] std::span<char> room();
    /// So many of them came. Then next(), until it says `more`.
    void arrived(std::size_t count) noexcept { end_ += count; }

    enum class Step {
        more,     ///< of the peer's bytes, first
        message,  ///< kind() and bytes(), and who keeps them
        control,  ///< kind() and bytes(), until the next step
        broken    ///< rule(); the rest of the connection means nothing
    };
    [[nodiscard]] Step next();
    [[nodiscard]] Opcode kind() const noexcept { return kind_; }
    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
    [[nodiscard]] const std::shared_ptr<const void>& keeper() const noexcept { return keeper_; }
    [[nodiscard]] const BrokenRule& rule() const noexcept { return rule_; }

private:
    struct Head {
        enum class Place { within, last };
        Opcode opcode = Opcode::continuation;
        Place place = Place::last;
        std::uint64_t length = 0;
        std::size_t size = 0;  ///< of the head itself
    };
    [[nodiscard]] std::size_t unread() const noexcept { return end_ - begin_; }
    [[nodiscard]] std::string_view here() const noexcept { return {block_.get() + begin_, unread()}; }
    /// Nothing: it is not all there, or it breaks a rule.
    [[nodiscard]] std::optional<Head> read_head();
    [[nodiscard]] std::optional<std::uint64_t> read_length(std::size_t bytes);
    [[nodiscard]] bool keeps_the_rules(const Head& head);
    [[nodiscard]] Step take_control(const Head& head);
    void begin_frame(const Head& head);
    [[nodiscard]] bool take_part();  ///< false: of the frame there is more to come
    [[nodiscard]] Step finished(std::string_view bytes, std::shared_ptr<const void> keeper);
    Step refuse(int close_code, const char* what) noexcept;

    std::shared_ptr<char[]> block_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool in_message_ = false;  ///< a frame of it has begun, and it has not ended
    Opcode message_kind_ = Opcode::text;
    std::shared_ptr<std::string> message_;  ///< what of it had to be copied
    std::optional<Head::Place> frame_;      ///< one has begun that is taken as it comes
    std::uint64_t frame_left_ = 0;

    Opcode kind_ = Opcode::text;
    std::string_view bytes_;
    std::shared_ptr<const void> keeper_;
    BrokenRule rule_;
    bool is_broken_ = false;
};

using FrameMask = std::array<unsigned char, 4>;

/// Appends a whole message, or a control frame, as a client has to send it.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, const FrameMask& mask);

/// What a close frame says: 1005 when nothing.
struct CloseWords {
    int code = 1005;
    std::string_view reason;
};
[[nodiscard]] std::variant<CloseWords, BrokenRule> read_close(std::string_view payload) noexcept;

}  // namespace berth::inline host_v1
