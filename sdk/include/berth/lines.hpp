// Bytes cut anywhere, put together to lines: the inside of every reader of newline-delimited answers.
// Pure: it knows neither requests nor what a line means.
#ifndef BERTH_LINES_HPP
#define BERTH_LINES_HPP

#include <string>

#include "error.hpp"

namespace berth::inline sdk_v1 {

/// `lines.feed(bytes); while (auto line = lines.next()) ...`, and after the last bytes `lines.finish()` and the same
/// loop once more: a last line need not end. Lines are split at the byte LF; a CR before it belongs to the line's end.
class LineSplitter {
public:
    /// A line longer than `most` bytes is Code::protocol_error: memory stays bounded whatever comes.
    explicit LineSplitter(std::size_t most = std::size_t{16} << 20) : most_(most) {}

    /// More bytes. What next() gave before is dead.
    void feed(std::string_view bytes) {
        held_.erase(0, begin_);
        searched_ -= begin_;
        begin_ = 0;
        held_.append(bytes);
    }
    /// No more will come: what is held is the last line, unless it is empty.
    void finish() { finished_ = true; }
    /// The next whole line without its end, also an empty one; absent until more bytes come. Lives until feed().
    std::optional<std::string_view> next() {
        const std::size_t end = held_.find('\n', searched_);
        if (end == std::string::npos) return rest();
        std::string_view line = std::string_view{held_}.substr(begin_, end - begin_);
        begin_ = searched_ = end + 1;
        return checked(line);
    }

private:
    std::optional<std::string_view> rest() {
        const std::string_view line = std::string_view{held_}.substr(begin_);
        searched_ = held_.size();
        if (line.size() > most_ + 1) too_long();
        if (!finished_ || line.empty()) return std::nullopt;
        begin_ = held_.size();
        return checked(line);
    }
    std::string_view checked(std::string_view line) const {
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (line.size() > most_) too_long();
        return line;
    }
    [[noreturn]] void too_long() const {
        throw Error(Code::protocol_error, "the backend sent a line of more than " + std::to_string(most_) + " bytes");
    }

    std::size_t most_;
    std::string held_;
    std::size_t begin_ = 0;     // of the line that comes next
    std::size_t searched_ = 0;  // up to here there is no LF
    bool finished_ = false;
};

}  // namespace berth::inline sdk_v1

#endif
