// The log of a sandbox, which no cloud keeps as the contract wants it: what happened to it and what its processes printed, kept in the host's
// state in parts, newest 8 MiB. One entry a line: time, source, process id, text.
#pragma once

#include <berth/state.hpp>
#include <berth/views.hpp>
#include <string>
#include <vector>

namespace berth_cloud {

class SandboxLog {
public:
    explicit SandboxLog(berth::StateStore state) : state_(state) {}

    void event(berth::Call& call, std::string_view sandbox, std::string_view text) const;
    void append(berth::Call& call, std::string_view sandbox, const std::string& lines) const;
    [[nodiscard]] std::string read(berth::Call& call, std::string_view sandbox, const berth::LogOptions& options) const;

private:
    berth::StateStore state_;
};

// The output of one process on its way into the log: whole lines, values of secrets masked, the newest part when there is
// more than may be kept. What it is given it only copies; lines are made of it at the end.
class LogLines {
public:
    explicit LogLines(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {}
    void pid(std::optional<std::int64_t> number) { pid_ = number ? std::to_string(*number) : "-"; }
    void add(berth::Stream stream, std::string_view bytes);
    // What is to be kept; also lines that have not ended.
    [[nodiscard]] std::string take();

private:
    // Bytes of one stream that came in one millisecond.
    struct Piece {
        std::int64_t came_at = 0;
        berth::Stream stream = berth::Stream::out;
        std::size_t size = 0;
    };
    struct Part {
        std::string bytes;  // of the pieces, one after the other
        std::vector<Piece> pieces;
        [[nodiscard]] std::size_t cost() const { return bytes.size() + pieces.size() * sizeof(Piece); }
    };
    // What becomes of one stream's bytes.
    struct Source {
        const char* name;
        std::string open = {};         // of a line that has not ended
        bool lacks_beginning = false;  // the first line that is left does
        std::size_t skipped = 0;       // bytes of that line
    };
    [[nodiscard]] Source& source(berth::Stream stream) { return stream == berth::Stream::out ? out_ : err_; }
    void forget_the_oldest();
    void make_lines(const Piece& piece, std::string_view bytes);
    [[nodiscard]] std::string_view behind_the_cut(Source& from, std::string_view bytes);
    void line(const Source& from, std::int64_t ended_at, std::string text);
    std::vector<std::string> secrets_;
    std::string pid_ = "-";
    // Two, so that the older one goes as a whole.
    Part older_;
    Part newer_;
    Source out_{"stdout"};
    Source err_{"stderr"};
    std::string done_;
    std::size_t left_out_ = 0;
    std::int64_t stamped_at_ = 0;
    std::string stamp_;  // that time as text
};

[[nodiscard]] std::string log_time(std::int64_t milliseconds);

}  // namespace berth_cloud
