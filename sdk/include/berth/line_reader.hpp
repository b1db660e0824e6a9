// The body of an answer line by line, as it comes: NDJSON and its like. What a line means is the plugin's business.
#ifndef BERTH_LINE_READER_HPP
#define BERTH_LINE_READER_HPP

#include "http.hpp"
#include "lines.hpp"

namespace berth::inline sdk_v1 {

/// Reads an exchange whose head was looked at. A line that is empty is skipped. A body that breaks off is the
/// exchange's own failure and never its end; what was cut off with it is no line.
class LineReader {
public:
    explicit LineReader(Exchange exchange, std::size_t longest_line = std::size_t{16} << 20)
        : exchange_(std::move(exchange)), lines_(longest_line) {}

    /// Waits for the next line; absent at the end of a complete body. Lives until the next call.
    std::optional<std::string_view> next() {
        for (;;) {
            if (const auto line = held()) return line;
            if (ended_) return std::nullopt;
            take(exchange_.read(buffer_, sizeof buffer_));
        }
    }
    /// The same without waiting; absent when no whole line is there yet: poll fd(), unless ended().
    std::optional<std::string_view> try_next() {
        for (;;) {
            if (const auto line = held()) return line;
            if (ended_) return std::nullopt;
            const std::optional<std::size_t> got = exchange_.try_read(buffer_, sizeof buffer_);
            if (!got) return std::nullopt;
            take(*got);
        }
    }
    /// True when the body is complete and every line was given.
    bool ended() const { return ended_; }
    int fd() const { return exchange_.fd(); }
    void close() noexcept { exchange_.close(); }

private:
    std::optional<std::string_view> held() {
        while (const auto line = lines_.next())
            if (!line->empty()) return line;
        return std::nullopt;
    }
    void take(std::size_t got) {
        ended_ = got == 0;
        if (ended_)
            lines_.finish();
        else
            lines_.feed({buffer_, got});
    }

    Exchange exchange_;
    LineSplitter lines_;
    bool ended_ = false;
    char buffer_[16384];
};

}  // namespace berth::inline sdk_v1

#endif
